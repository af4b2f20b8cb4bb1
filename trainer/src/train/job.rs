//! The training loop.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::{Context, anyhow};
use blip2::Parameter;
use blip2::training::{Batch, ClassBatch, Trainee};

use super::batch::{numbered, rows};
use super::checkpoints::{Checkpoint, Checkpoints};
use super::classes::Classes;
use super::container::Container;
use super::data::Example;
use super::facts::{Facts, Made, held};
use super::hyperparameters::{Hyperparameters, SelectBest};
use super::interrupt::Interrupt;
use super::metrics::{Event, Metrics};
use super::optimiser::{Optimiser, clip, norm};
use super::order::{Item, Ordering};
use super::photos::Photos;
use super::prepare::computation;
use super::schedule::Schedule;
use super::sight::Sight;
use super::state::State;
use super::tensors::Numbers;
use super::{facts, log, output, report};
use crate::progress::Progress;

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The model is written.
    Finished,
    /// It was told to stop; a checkpoint says where it was.
    Interrupted,
}

/// A training job, everything loaded.
#[derive(Debug)]
pub struct Job {
    pub(super) settings: Hyperparameters,
    pub(super) container: Container,
    pub(super) trainee: Trainee,
    pub(super) photos: Photos,
    pub(super) sight: Sight,
    pub(super) examples: Vec<Example>,
    pub(super) validation: Vec<Example>,
    /// Where answers are learnt as classes.
    pub(super) classes: Option<Classes>,
    pub(super) interrupt: Interrupt,
    pub(super) checkpoints: Checkpoints,
    pub(super) metrics: Metrics,
    pub(super) state: State,
    pub(super) optimiser: Optimiser,
    /// Parameters before the optimiser's last step, as long as those after it
    /// have given no loss: see `good_weights`.
    pub(super) last_good: Option<Numbers>,
}

/// What a step gave.
enum Stepped {
    Loss(f64),
    Skipped,
}

impl Job {
    /// Trains until the end, or until the job is told to stop.
    ///
    /// # Errors
    /// When something cannot be read, computed or written, or too many steps
    /// in a row gave no number.
    pub fn run(mut self) -> anyhow::Result<Outcome> {
        let items: Vec<Item> = self.examples.iter().map(item).collect();
        let ordering = Ordering {
            batch_size: self.settings.batch_size,
            shuffle: self.settings.shuffle,
            by_length: self.groups_by_length(),
            by_photo: self.groups_by_photo(),
            seed: self.settings.seed,
        };
        let schedule = self.schedule();
        log(&format!(
            "{} questions about {} photographs, {} validation questions, {} steps in {} epochs",
            self.examples.len(),
            self.photos.len(),
            self.validation.len(),
            schedule.total_steps,
            self.settings.epochs
        ));
        while !self.state.finished {
            let batches = ordering.batches(&items, self.state.epoch);
            if !self.epoch(&batches, &schedule)? || !self.end_of_epoch()? {
                self.save()?;
                log("told to stop: a checkpoint is written");
                return Ok(Outcome::Interrupted);
            }
        }
        self.finish()?;
        Ok(Outcome::Finished)
    }

    /// Whether a photograph's questions are kept together, since every step has to
    /// encode it.
    pub(super) fn groups_by_photo(&self) -> bool {
        matches!(self.sight, Sight::Learnt(_))
    }

    /// Whether questions of similar length are; photographs come first.
    pub(super) fn groups_by_length(&self) -> bool {
        self.settings.group_by_length && !self.groups_by_photo()
    }

    /// Notes the hyperparameters of this start as those of the job, unless it has ended.
    pub(super) fn note_hyperparameters(&mut self) {
        let others = self.state.note_hyperparameters(self.held());
        if !others.is_empty() {
            log(&format!(
                "the job has ended; with other values of {} nothing is learnt, and {} keeps those \
                 that held",
                others.join(", "),
                facts::FILE
            ));
        }
    }

    /// The hyperparameters as they hold in this start.
    fn held(&self) -> BTreeMap<String, String> {
        let learns_to_see = matches!(self.sight, Sight::Learnt(_));
        let mut held = held(&self.settings, self.trainee.lora_config(), learns_to_see);
        for (name, holds) in [
            ("augment", self.settings.augment && learns_to_see),
            ("group-by-length", self.groups_by_length()),
        ] {
            held.insert(name.to_owned(), holds.to_string());
        }
        held
    }

    pub(super) fn schedule(&self) -> Schedule {
        let batches = self.examples.len().div_ceil(self.settings.batch_size) as u64;
        let accumulated = self.settings.gradient_accumulation_steps as u64;
        let all = self.settings.epochs * batches.div_ceil(accumulated);
        let total_steps = match self.settings.max_steps {
            0 => all,
            most => all.min(most),
        };
        Schedule {
            learning_rate: self.settings.learning_rate,
            shape: self.settings.scheduler,
            warmup_steps: (total_steps as f64 * self.settings.warmup_ratio).ceil() as u64,
            total_steps,
        }
    }

    /// Does the steps of the epoch that are not done yet; false where the job
    /// was told to stop.
    fn epoch(&mut self, batches: &[Vec<usize>], schedule: &Schedule) -> anyhow::Result<bool> {
        let groups: Vec<&[Vec<usize>]> = batches
            .chunks(self.settings.gradient_accumulation_steps)
            .collect();
        let mut progress = Progress::new("steps", groups.len());
        while self.state.position < groups.len() && self.state.step < schedule.total_steps {
            if self.interrupt.is_set() {
                progress.finish();
                return Ok(false);
            }
            let started = Instant::now();
            let group = groups[self.state.position];
            let rate = schedule.at(self.state.step);
            let Some((loss, mut gradients)) = self.gradients(group)? else {
                progress.finish();
                return Ok(false);
            };
            let gradient_norm = norm(&gradients);
            let event = match self.learn(loss, gradient_norm, &mut gradients, rate)? {
                Stepped::Loss(loss) => Event::Step {
                    step: self.state.step,
                    epoch: self.state.epoch + 1,
                    loss,
                    learning_rate: rate,
                    gradient_norm,
                    questions: group.iter().map(Vec::len).sum(),
                    seconds: started.elapsed().as_secs_f64(),
                },
                Stepped::Skipped => Event::SkippedStep {
                    step: self.state.step,
                    reason: format!("the loss is {loss}, the gradient's norm {gradient_norm}"),
                },
            };
            if let Event::SkippedStep { step, reason } = &event {
                progress.aside(|| log(&format!("step {step} is skipped: {reason}")));
            }
            progress.aside(|| self.metrics.record(event))?;
            self.fail_after_bad_steps()?;
            let is_due = self
                .state
                .step
                .is_multiple_of(self.settings.checkpoint_steps);
            if is_due && self.state.position < groups.len() {
                self.save()?;
            }
            progress.show(self.state.position);
        }
        progress.finish();
        Ok(true)
    }

    /// The mean loss of some batches and its gradients; `None` where the job was
    /// told to stop between them. Nothing has changed then: the step is done from
    /// its beginning when the job goes on.
    fn gradients(&mut self, group: &[Vec<usize>]) -> anyhow::Result<Option<(f64, Vec<Vec<f32>>)>> {
        let share = 1.0 / group.len() as f32;
        let mut mean = 0.0;
        let mut sums: Option<Vec<Vec<f32>>> = None;
        for (index, batch) in group.iter().enumerate() {
            // Many batches take longer than a job that is told to stop has.
            if index > 0 && self.interrupt.is_set() {
                return Ok(None);
            }
            let drawn = drawn(self.settings.seed, self.state.step, index as u64);
            let (loss, mut gradients) = self.gradients_of(batch, Some(drawn))?;
            mean += loss / group.len() as f64;
            if group.len() > 1 {
                for number in gradients.iter_mut().flatten() {
                    *number *= share;
                }
            }
            match &mut sums {
                None => sums = Some(gradients),
                Some(sums) => {
                    for (sum, number) in sums.iter_mut().flatten().zip(gradients.iter().flatten()) {
                        *sum += number;
                    }
                }
            }
        }
        Ok(Some((mean, sums.unwrap_or_default())))
    }

    /// The mean loss of a batch and its gradients; what is random is drawn from
    /// `drawn`, if anything is to be.
    pub(super) fn gradients_of(
        &mut self,
        batch: &[usize],
        drawn: Option<u64>,
    ) -> anyhow::Result<(f64, Vec<Vec<f32>>)> {
        let examples: Vec<&Example> = batch.iter().map(|&index| &self.examples[index]).collect();
        let (numbers, places) = numbered(examples.iter().map(|one| one.photo));
        let seen = self
            .sight
            .look(&numbers, &self.photos, &self.trainee, drawn)?;
        let smoothing = self.settings.label_smoothing;
        let step = match &self.classes {
            Some(classes) => {
                let batch = ClassBatch {
                    images: seen.images(),
                    rows: classes.rows(examples.iter().copied(), &places),
                };
                self.trainee.class_step(&batch, smoothing)?
            }
            None => {
                let batch = Batch {
                    images: seen.images(),
                    rows: rows(&examples, &places),
                };
                self.trainee.step(&batch, smoothing, drawn)?
            }
        };
        Ok((step.loss.mean(), step.gradients))
    }

    /// One step of the optimiser, unless something is no number.
    fn learn(
        &mut self,
        loss: f64,
        gradient_norm: f64,
        gradients: &mut [Vec<f32>],
        rate: f64,
    ) -> anyhow::Result<Stepped> {
        self.state.position += 1;
        self.state.step += 1;
        if !loss.is_finite() || !gradient_norm.is_finite() {
            self.newest_are_bad();
            return Ok(Stepped::Skipped);
        }
        self.newest_are_good();
        self.state.epoch_loss += loss;
        self.state.epoch_losses += 1;
        if self.settings.max_grad_norm > 0.0 {
            clip(gradients, gradient_norm, self.settings.max_grad_norm);
        }
        self.last_good = Some(numbers(&self.trainee)?);
        let mut update = self.optimiser.step(rate);
        for (index, (parameter, gradient)) in
            self.trainee.parameters().iter().zip(gradients).enumerate()
        {
            parameter.update(|values| update.apply(index, values, gradient))?;
        }
        Ok(Stepped::Loss(loss))
    }

    /// Saves where the job is.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        self.state.sequence += 1;
        self.state.optimiser_steps = self.optimiser.steps;
        let checkpoint = Checkpoint {
            state: self.state.clone(),
            parameters: numbers(&self.trainee)?,
            last_good: self.last_good.take(),
            moments: self.optimiser.moments.clone(),
            events: self.metrics.events().to_vec(),
        };
        let saved = self.checkpoints.save(&checkpoint);
        self.last_good = checkpoint.last_good;
        saved
    }

    /// Writes the model, of the best epoch where that was asked for.
    fn finish(&mut self) -> anyhow::Result<()> {
        let best = self.state.best.clone();
        if let (Some(best), true) = (best, self.settings.select_best != SelectBest::None) {
            log(&format!(
                "the weights of epoch {} are kept, whose score was {:.6}",
                best.epoch, best.score
            ));
            restore(&self.trainee, &self.checkpoints.best(best.epoch)?)?;
        }
        if !self.state.has_learnt {
            return Err(self.failed("no step gave weights with which the loss is a number"));
        }
        self.write_model()?;
        report::write(
            &self.container,
            &self.state.hyperparameters,
            self.metrics.events(),
        )?;
        log(&format!(
            "the model is in {}",
            self.container.model().display()
        ));
        Ok(())
    }

    pub(super) fn write_model(&self) -> anyhow::Result<()> {
        let made = Made {
            settings: &self.settings,
            examples: &self.examples,
            validation: &self.validation,
            photos: &self.photos,
            state: &self.state,
            events: self.metrics.events(),
            optimiser_steps: self.optimiser.steps,
            parameters_trained: self
                .trainee
                .parameters()
                .iter()
                .map(Parameter::elem_count)
                .sum(),
            computation: &computation(&self.trainee),
        };
        output::write_model(
            &self.trainee,
            &self.examples,
            &Facts::of(&made),
            &self.container.channel("model")?,
            &self.container.model(),
        )
    }
}

fn item(example: &Example) -> Item {
    Item {
        photo: example.photo,
        tokens: example.prompt_ids.len() + example.answer_ids.len(),
    }
}

/// What a batch's randomness is drawn from: the job's seed, the step and the
/// batch's number in it.
fn drawn(seed: u64, step: u64, index: u64) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = seed ^ step.wrapping_add(1).wrapping_mul(ODD);
    mixed.rotate_left(29) ^ index.wrapping_add(1).wrapping_mul(ODD)
}

/// The numbers of all parameters.
pub(super) fn numbers(trainee: &Trainee) -> anyhow::Result<Numbers> {
    let named = |parameter: &Parameter| Ok((parameter.name().to_owned(), parameter.values()?));
    trainee.parameters().iter().map(named).collect()
}

/// Gives all parameters the numbers of a checkpoint.
///
/// # Errors
/// When one is missing or has another length.
pub(super) fn restore(trainee: &Trainee, numbers: &Numbers) -> anyhow::Result<()> {
    for parameter in trainee.parameters() {
        let name = parameter.name();
        let stored = numbers
            .get(name)
            .filter(|stored| stored.len() == parameter.elem_count())
            .ok_or_else(|| anyhow!("a checkpoint has no parameter {name} of this size"))?;
        parameter
            .update(|values| values.copy_from_slice(stored))
            .context("a checkpoint cannot be restored")?;
    }
    Ok(())
}
