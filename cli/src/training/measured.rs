//! What a job's log says of how well it learns.

use serde::Serialize;
use trainer::train::metric_definitions::{
    BATCH_LOSS, EPOCH_LOSS, VALIDATION_LOSS, VALIDATION_MACRO_F1,
};

use super::sparkline::sparkline;

/// How many signs the curve of the loss has.
const WIDTH: usize = 40;

/// The metrics that were read so far, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    losses: Vec<f64>,
    epochs: Vec<f64>,
    validation: Vec<f64>,
    macro_f1: Vec<f64>,
}

/// The metrics of a job for those who read JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// How many steps' losses were read.
    pub steps: usize,
    /// The first step's loss.
    pub first_loss: Option<f64>,
    /// The last step's.
    pub last_loss: Option<f64>,
    /// The mean loss of each epoch.
    pub epoch_losses: Vec<f64>,
    /// The loss on the validation questions after each epoch.
    pub validation_losses: Vec<f64>,
    /// The mean macro-F1 on them.
    pub validation_macro_f1: Vec<f64>,
}

impl Measured {
    /// Reads a line of the log. Whether it is the loss of a step, of which there are so
    /// many that they are better drawn than told.
    pub fn read(&mut self, line: &str) -> bool {
        if let Some(loss) = BATCH_LOSS.value(line) {
            self.losses.push(loss);
            return true;
        }
        for (definition, values) in [
            (EPOCH_LOSS, &mut self.epochs),
            (VALIDATION_LOSS, &mut self.validation),
            (VALIDATION_MACRO_F1, &mut self.macro_f1),
        ] {
            values.extend(definition.value(line));
        }
        false
    }

    /// The curve of the loss and where it is now; nothing before the first step.
    #[must_use]
    pub fn curve(&self) -> Option<String> {
        let (first, last) = (self.losses.first()?, self.losses.last()?);
        let mut text = format!(
            "loss {} {first:.4} → {last:.4}, {} steps",
            sparkline(&self.losses, WIDTH),
            self.losses.len()
        );
        if !self.epochs.is_empty() {
            text.push_str(&format!(", {} epochs", self.epochs.len()));
        }
        if let Some(loss) = self.validation.last() {
            text.push_str(&format!(", validation {loss:.4}"));
        }
        if let Some(score) = self.macro_f1.last() {
            text.push_str(&format!(", macro-F1 {score:.4}"));
        }
        Some(text)
    }

    /// All of it.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        Metrics {
            steps: self.losses.len(),
            first_loss: self.losses.first().copied(),
            last_loss: self.losses.last().copied(),
            epoch_losses: self.epochs.clone(),
            validation_losses: self.validation.clone(),
            validation_macro_f1: self.macro_f1.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_job_is_read() {
        let mut measured = Measured::default();
        assert_eq!(measured.curve(), None);
        let log = "40 questions about 20 photographs\nLoss: 4.000000\nLoss: 2.000000\n\
                   Epoch Loss: 3.000000\nvalidation_loss=1.500000\nvalidation_macro_f1=0.250000\n\
                   7: What is the fabric? Cotton (true: Cotton)";
        let drawn = log.lines().filter(|line| measured.read(line)).count();
        assert_eq!(drawn, 2);
        let metrics = measured.metrics();
        assert_eq!((metrics.steps, metrics.first_loss), (2, Some(4.0)));
        assert_eq!(metrics.epoch_losses, [3.0]);
        assert_eq!(metrics.validation_losses, [1.5]);
        assert_eq!(metrics.validation_macro_f1, [0.25]);
        assert_eq!(
            measured.curve().unwrap(),
            "loss █▁ 4.0000 → 2.0000, 2 steps, 1 epochs, validation 1.5000, macro-F1 0.2500"
        );
    }
}
