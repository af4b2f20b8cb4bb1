//! What is done about steps that were too large.
//!
//! Whether weights are good is known when a loss was computed with them, and its
//! gradient: not when the optimiser has made them. So those before its last step
//! are kept until the next step or the epoch's end has said so, in checkpoints as
//! well; and if the newest are not good, the job goes back to them. What it leaves
//! always gave a loss.

use anyhow::anyhow;

use super::hyperparameter_values::short;
use super::job::{Job, numbers, restore};
use super::log;
use super::optimiser::norm;

impl Job {
    /// A loss was computed with the newest weights.
    pub(super) fn newest_are_good(&mut self) {
        self.state.newest_is_bad = false;
        // Else it are weights that the job has gone back to, or began with.
        if self.last_good.take().is_some() {
            self.state.has_learnt = true;
            self.state.bad_steps = 0;
        }
    }

    /// A step with them gave no number.
    pub(super) fn newest_are_bad(&mut self) {
        self.state.newest_is_bad = true;
        self.state.bad_steps += 1;
    }

    /// Goes back to the last good weights, if there are newer ones.
    ///
    /// # Errors
    /// When the weights cannot be changed.
    pub(super) fn go_back(&mut self) -> anyhow::Result<()> {
        if let Some(last_good) = self.last_good.take() {
            restore(&self.trainee, &last_good)?;
            // If a step was skipped since, it was counted then.
            self.state.bad_steps += u64::from(!self.state.newest_is_bad);
            self.state.newest_is_bad = false;
            log(&format!(
                "the weights up to step {} give no loss: back to the last good ones",
                self.state.step
            ));
        }
        Ok(())
    }

    /// Goes back to the last good weights, if the newest are not: if they gave no
    /// number before, are none, or give none now, as a step without anything
    /// random would learn from.
    ///
    /// # Errors
    /// When a computation fails.
    pub(super) fn go_back_unless_good(&mut self) -> anyhow::Result<()> {
        if self.last_good.is_none() {
            return Ok(());
        }
        let are_finite = |values: &Vec<f32>| values.iter().all(|value| value.is_finite());
        if self.state.newest_is_bad || !numbers(&self.trainee)?.values().all(are_finite) {
            return self.go_back();
        }
        let photos = self.examples.iter().map(|example| example.photo);
        let few = about_few_photos(photos, self.settings.batch_size);
        let (loss, gradients) = self.gradients_of(&few, None)?;
        match loss.is_finite() && norm(&gradients).is_finite() {
            true => Ok(()),
            false => self.go_back(),
        }
    }

    /// Fails with the last good weights as the model, if too many steps were bad.
    ///
    /// # Errors
    /// Then.
    pub(super) fn fail_after_bad_steps(&mut self) -> anyhow::Result<()> {
        if self.state.bad_steps < self.settings.max_bad_steps {
            return Ok(());
        }
        self.go_back()?;
        Err(self.failed(&format!(
            "in {} steps in a row, up to step {}, the loss, its gradient or the loss with the new \
             weights was no number",
            self.state.bad_steps, self.state.step
        )))
    }

    /// The reason with which the job fails; the model is written, so that what was
    /// learnt before is not lost.
    pub(super) fn failed(&self, reason: &str) -> anyhow::Error {
        let whose = match self.state.has_learnt {
            true => "",
            false => ", with which it began,",
        };
        let reason = format!(
            "{reason}: the learning rate {} may be too high; the last good weights{whose}",
            short(self.settings.learning_rate)
        );
        match self.write_model() {
            Ok(()) => anyhow!("{reason} are in {}", self.container.model().display()),
            Err(error) => error.context(format!("{reason} cannot be written")),
        }
    }
}

/// At most `count` questions, as indices, by the photograph of each: about as few
/// photographs as a batch of a model that learns to see. Were it as many as there
/// are questions, the check might need memory that no step has needed.
fn about_few_photos(photos: impl Iterator<Item = usize>, count: usize) -> Vec<usize> {
    let mut questions: Vec<(usize, usize)> = photos.zip(0..).collect();
    questions.sort_unstable();
    questions.truncate(count);
    questions.into_iter().map(|(_, index)| index).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_at_an_epochs_end_looks_at_few_photographs() {
        let photos = [0, 1, 2, 3, 0, 1, 2, 3];
        let few = |count| about_few_photos(photos.into_iter(), count);
        assert_eq!(few(4), [0, 4, 1, 5]);
        assert_eq!(few(3), [0, 4, 1]);
        assert_eq!(few(100).len(), 8);
    }
}
