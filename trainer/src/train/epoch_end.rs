//! What happens at an epoch's end: validation, sample answers, what is kept.

use std::time::Instant;

use attributes::AttributeSet;

use super::data::Example;
use super::hyperparameters::SelectBest;
use super::job::{Job, numbers};
use super::metrics::{EpochSummary, Event, Sample, peak_memory_mib};
use super::sight::Sight;
use super::state::Best;
use super::tensors::named;
use super::validation::{Examinee, is_no_number, macro_f1_by_attribute};
use super::{log, report};

/// What the weights are worth at an epoch's end.
#[derive(Default)]
struct Examination {
    validation_loss: Option<f64>,
    macro_f1: Option<f64>,
    /// To the questions whose answers are printed.
    answers: Vec<String>,
}

impl Job {
    /// Validates, tells, and decides what comes next; false where the job was
    /// told to stop.
    pub(super) fn end_of_epoch(&mut self) -> anyhow::Result<bool> {
        let started = Instant::now();
        let epoch = self.state.epoch + 1;
        let is_new =
            |event: &&Event| matches!(event, Event::Step { epoch: of, .. } if *of == epoch);
        let steps = self.metrics.events().iter().filter(is_new);
        let seconds = steps
            .map(|event| match event {
                Event::Step { seconds, .. } => *seconds,
                _ => 0.0,
            })
            .sum();
        let asked = self.asked();
        let Some(Examination {
            validation_loss,
            macro_f1,
            answers,
        }) = self.examine_good_weights(&asked)?
        else {
            return Ok(false);
        };
        self.fail_after_bad_steps()?;
        let losses = self.state.epoch_losses;
        self.metrics.record(Event::Epoch(EpochSummary {
            epoch,
            loss: (losses > 0).then(|| self.state.epoch_loss / losses as f64),
            validation_loss,
            macro_f1,
            seconds,
            validation_seconds: started.elapsed().as_secs_f64(),
            peak_memory_mib: peak_memory_mib(),
        }))?;
        for (example, answer) in asked.iter().zip(answers) {
            self.metrics.record(Event::Sample(Sample {
                epoch,
                id: self.photos.id(example.photo).to_owned(),
                question: example.question.clone(),
                expected: example.answer.clone(),
                answer,
            }))?;
        }
        self.tell_of_features();
        self.judge_epoch(epoch, validation_loss, macro_f1)?;
        self.state.epoch += 1;
        self.state.position = 0;
        self.state.epoch_loss = 0.0;
        self.state.epoch_losses = 0;
        let patience = self.settings.early_stopping_patience;
        let is_patient = patience == 0 || self.state.epochs_without_improvement < patience;
        if !is_patient {
            log(&format!(
                "no improvement for {patience} epochs: the job ends"
            ));
        }
        self.state.finished = !is_patient
            || self.state.epoch >= self.settings.epochs
            || self.state.step >= self.schedule().total_steps;
        self.save()?;
        report::write(
            &self.container,
            &self.state.hyperparameters,
            self.metrics.events(),
        )?;
        Ok(true)
    }

    /// Examines the newest weights, or where they turn out to be of no use, the
    /// last good ones; `None` where the job was told to stop.
    fn examine_good_weights(&mut self, asked: &[Example]) -> anyhow::Result<Option<Examination>> {
        self.go_back_unless_good()?;
        let mut examination = self.examine(asked);
        if self.last_good.is_some() && examination.as_ref().is_err_and(is_no_number) {
            self.go_back()?;
            examination = self.examine(asked);
        }
        match examination {
            Ok(Some(examination)) => {
                self.newest_are_good();
                Ok(Some(examination))
            }
            // They give a loss in training.
            Err(error) if is_no_number(&error) => Err(self.failed(&format!(
                "after epoch {} the model gives no loss for other questions, or no answer \
                 ({error:#})",
                self.state.epoch + 1
            ))),
            other => other,
        }
    }

    /// Computes losses and answers with the weights as they are; `None` where the
    /// job was told to stop.
    fn examine(&mut self, asked: &[Example]) -> anyhow::Result<Option<Examination>> {
        let mut examinee = Examinee {
            trainee: &self.trainee,
            sight: &mut self.sight,
            photos: &self.photos,
            classes: self.classes.as_ref(),
            interrupt: &self.interrupt,
        };
        let mut examination = Examination::default();
        if !self.validation.is_empty() {
            examination.validation_loss = examinee.loss(&self.validation)?;
            if self.settings.select_best == SelectBest::MacroF1 {
                let answers = examinee.answers(&self.validation)?;
                examination.macro_f1 =
                    answers.map(|answers| mean_macro_f1(&self.validation, &answers));
            }
        }
        let answers = examinee.answers(asked)?;
        let (Some(answers), false) = (answers, self.interrupt.is_set()) else {
            return Ok(None);
        };
        examination.answers = answers;
        Ok(Some(examination))
    }

    /// The questions whose answers are printed.
    fn asked(&self) -> Vec<Example> {
        let of = match self.validation.is_empty() {
            true => &self.examples,
            false => &self.validation,
        };
        // Where they are classes, nothing learns to answer.
        let count = match self.classes {
            Some(_) => 0,
            None => self.settings.sample_answers.min(of.len()),
        };
        of[..count].to_vec()
    }

    /// Keeps the weights, if the epoch was the best so far.
    fn judge_epoch(
        &mut self,
        epoch: u64,
        validation_loss: Option<f64>,
        macro_f1: Option<f64>,
    ) -> anyhow::Result<()> {
        // Early stopping alone goes by the loss.
        let by = match self.settings.select_best {
            SelectBest::None if self.settings.early_stopping_patience == 0 => return Ok(()),
            SelectBest::None | SelectBest::Loss => (validation_loss, false),
            SelectBest::MacroF1 => (macro_f1, true),
        };
        let (Some(score), larger_is_better) = by else {
            return Ok(());
        };
        let is_better = self.state.best.as_ref().is_none_or(|best| {
            if larger_is_better {
                score > best.score
            } else {
                score < best.score
            }
        });
        if is_better && score.is_finite() {
            let numbers = numbers(&self.trainee)?;
            self.checkpoints.save_best(epoch, named(&numbers))?;
            self.state.best = Some(Best { epoch, score });
            self.state.epochs_without_improvement = 0;
        } else {
            self.state.epochs_without_improvement += 1;
        }
        Ok(())
    }

    /// Says what keeping features has saved so far.
    fn tell_of_features(&self) {
        let Sight::Kept(features) = &self.sight else {
            return;
        };
        let counts = features.counts();
        let saved = counts.used.saturating_sub(counts.encoded);
        let seconds = features.seconds_per_photo().unwrap_or(0.0);
        log(&format!(
            "image features were used {} times and computed {} times: some {:.1} s saved",
            counts.used,
            counts.encoded,
            saved as f64 * seconds
        ));
    }
}

/// The mean over the attributes; there is one, else the job had not begun
/// (`inputs::check_validation`).
fn mean_macro_f1(examples: &[Example], answers: &[String]) -> f64 {
    let scores = macro_f1_by_attribute(&AttributeSet::embedded(), examples, answers);
    scores.values().sum::<f64>() / scores.len().max(1) as f64
}
