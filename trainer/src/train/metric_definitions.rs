//! The lines of a job's log that are metrics, and how SageMaker reads them.
//!
//! Who creates a training job gives [`METRIC_DEFINITIONS`] to SageMaker, which then
//! draws their curves; [`super::metrics`] prints the lines by them.

/// A metric: a line of the log, the number behind a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricDefinition {
    /// What SageMaker calls it.
    pub name: &'static str,
    /// What stands before the number. It has no sign of a regular expression.
    pub text: &'static str,
}

/// The loss of a step of the optimiser.
pub const BATCH_LOSS: MetricDefinition = MetricDefinition {
    name: "batch_loss",
    text: "Loss: ",
};

/// The mean of an epoch's losses.
pub const EPOCH_LOSS: MetricDefinition = MetricDefinition {
    name: "epoch_loss",
    text: "Epoch Loss: ",
};

/// The loss on the validation questions after an epoch.
pub const VALIDATION_LOSS: MetricDefinition = MetricDefinition {
    name: "validation_loss",
    text: "validation_loss=",
};

/// The mean of the attributes' macro-F1 on the validation questions after an epoch.
pub const VALIDATION_MACRO_F1: MetricDefinition = MetricDefinition {
    name: "validation_macro_f1",
    text: "validation_macro_f1=",
};

/// All of them. The first two are the reference's, with its regular expressions.
pub const METRIC_DEFINITIONS: [MetricDefinition; 4] =
    [BATCH_LOSS, EPOCH_LOSS, VALIDATION_LOSS, VALIDATION_MACRO_F1];

impl MetricDefinition {
    /// The regular expression whose group is the number.
    #[must_use]
    pub fn regex(&self) -> String {
        format!(r"{}([0-9\.]+)", self.text)
    }

    /// The line of the log: fixed decimals without an exponent, which is all that the
    /// regular expression reads.
    #[must_use]
    pub fn line(&self, value: f64) -> String {
        format!("{}{value:.6}", self.text)
    }

    /// The number of a line that is this metric and nothing else.
    #[must_use]
    pub fn value(&self, line: &str) -> Option<f64> {
        line.trim().strip_prefix(self.text)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_references_definitions_are_as_it_has_them() {
        assert_eq!(BATCH_LOSS.regex(), r"Loss: ([0-9\.]+)");
        assert_eq!(EPOCH_LOSS.regex(), r"Epoch Loss: ([0-9\.]+)");
        for definition in METRIC_DEFINITIONS {
            let meta = |sign: char| r"\.+*?()|[]{}^$".contains(sign);
            assert!(!definition.text.contains(meta), "{definition:?}");
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_printed() {
        for definition in METRIC_DEFINITIONS {
            let line = definition.line(1.25);
            assert_eq!(line, format!("{}1.250000", definition.text));
            assert_eq!(definition.value(&line), Some(1.25));
            let readers = METRIC_DEFINITIONS.map(|other| other.value(&line).is_some());
            assert_eq!(readers.iter().filter(|&&reads| reads).count(), 1, "{line}");
        }
        assert_eq!(BATCH_LOSS.value("Loss: 0.5\r"), Some(0.5));
        assert_eq!(BATCH_LOSS.value("7: What? Loss: 0.5"), None);
    }
}
