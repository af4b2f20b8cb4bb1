//! The training loop.

use std::time::Instant;

use anyhow::{Context, anyhow, bail};
use blip2::Parameter;
use blip2::training::{Batch, Trainee};

use super::batch::{numbered, rows};
use super::container::Container;
use super::data::Example;
use super::facts::{Facts, Made};
use super::hyperparameters::{Hyperparameters, SelectBest};
use super::interrupt::Interrupt;
use super::metrics::{Event, Metrics};
use super::optimiser::{Optimiser, clip, norm};
use super::order::{Item, Ordering};
use super::photos::Photos;
use super::prepare::computation;
use super::schedule::Schedule;
use super::sight::Sight;
use super::state::{Checkpoint, Checkpoints, State};
use super::tensors::Numbers;
use super::{log, output, report};
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
    pub(super) interrupt: Interrupt,
    pub(super) checkpoints: Checkpoints,
    pub(super) metrics: Metrics,
    pub(super) state: State,
    pub(super) optimiser: Optimiser,
    /// Parameters before the optimiser's last step: the last that gave a loss.
    pub(super) last_good: Option<Vec<Vec<f32>>>,
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
            by_length: self.settings.group_by_length,
            by_photo: matches!(self.sight, Sight::Learnt(_)),
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
            let (loss, mut gradients) = self.gradients(group)?;
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

    /// The mean loss of some batches and its gradients.
    fn gradients(&mut self, group: &[Vec<usize>]) -> anyhow::Result<(f64, Vec<Vec<f32>>)> {
        let share = 1.0 / group.len() as f32;
        let mut mean = 0.0;
        let mut sums: Option<Vec<Vec<f32>>> = None;
        for (index, batch) in group.iter().enumerate() {
            let (loss, mut gradients) = self.gradients_of(batch, index as u64)?;
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
        Ok((mean, sums.unwrap_or_default()))
    }

    fn gradients_of(
        &mut self,
        batch: &[usize],
        index: u64,
    ) -> anyhow::Result<(f64, Vec<Vec<f32>>)> {
        let examples: Vec<&Example> = batch.iter().map(|&index| &self.examples[index]).collect();
        let (numbers, places) = numbered(examples.iter().map(|one| one.photo));
        let drawn = drawn(self.settings.seed, self.state.step, index);
        let seen = self
            .sight
            .look(&numbers, &self.photos, &self.trainee, Some(drawn))?;
        let batch = Batch {
            images: seen.images(),
            rows: rows(&examples, &places),
        };
        let step = self
            .trainee
            .step(&batch, self.settings.label_smoothing, Some(drawn))?;
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
            self.state.bad_steps += 1;
            return Ok(Stepped::Skipped);
        }
        self.state.bad_steps = 0;
        self.state.epoch_loss += loss;
        self.state.epoch_losses += 1;
        if self.settings.max_grad_norm > 0.0 {
            clip(gradients, gradient_norm, self.settings.max_grad_norm);
        }
        self.last_good = Some(values(&self.trainee)?);
        let mut update = self.optimiser.step(rate);
        for (index, (parameter, gradient)) in
            self.trainee.parameters().iter().zip(gradients).enumerate()
        {
            parameter.update(|values| update.apply(index, values, gradient))?;
        }
        Ok(Stepped::Loss(loss))
    }

    /// Goes back to the last weights that gave a loss, if the newest gave none or
    /// are no numbers.
    pub(super) fn settle_for_good_weights(&mut self) -> anyhow::Result<()> {
        let are_numbers = values(&self.trainee)?
            .iter()
            .flatten()
            .all(|value| value.is_finite());
        if self.state.bad_steps == 0 && are_numbers {
            return Ok(());
        }
        if let Some(last_good) = self.last_good.take() {
            for (parameter, good) in self.trainee.parameters().iter().zip(&last_good) {
                parameter.update(|values| values.copy_from_slice(good))?;
            }
        }
        Ok(())
    }

    /// Saves the last good weights and fails, if too many steps were bad.
    fn fail_after_bad_steps(&mut self) -> anyhow::Result<()> {
        if self.state.bad_steps < self.settings.max_bad_steps {
            return Ok(());
        }
        self.settle_for_good_weights()?;
        self.write_model()?;
        bail!(
            "in {} steps in a row, up to step {}, the loss or its gradient was no number: the \
             learning rate {} may be too high; the last good weights are in {}",
            self.state.bad_steps,
            self.state.step,
            self.settings.learning_rate,
            self.container.model().display()
        )
    }

    /// Saves where the job is; not between bad steps, after which the last good
    /// weights may not be these.
    pub(super) fn save(&mut self) -> anyhow::Result<()> {
        if self.state.bad_steps > 0 {
            return Ok(());
        }
        self.state.sequence += 1;
        self.state.optimiser_steps = self.optimiser.steps;
        let names = self.trainee.parameters().iter().map(Parameter::name);
        let parameters: Numbers = names
            .map(str::to_owned)
            .zip(values(&self.trainee)?)
            .collect();
        let checkpoint = Checkpoint {
            state: self.state.clone(),
            parameters,
            moments: self.optimiser.moments.clone(),
            events: self.metrics.events().to_vec(),
        };
        self.checkpoints.save(&checkpoint)
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
        self.write_model()?;
        report::write(&self.container, &self.settings, self.metrics.events())?;
        log(&format!(
            "the model is in {}",
            self.container.model().display()
        ));
        Ok(())
    }

    fn write_model(&self) -> anyhow::Result<()> {
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
        let folder = self.container.model();
        output::write_model(&self.trainee, &self.examples, &Facts::of(&made), &folder)
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
pub(super) fn values(trainee: &Trainee) -> anyhow::Result<Vec<Vec<f32>>> {
    let parameters = trainee.parameters().iter();
    Ok(parameters
        .map(Parameter::values)
        .collect::<Result<_, _>>()?)
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
