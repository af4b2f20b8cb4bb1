//! What a job measures: lines on stdout, which SageMaker's metric definitions
//! read, and `metrics.jsonl`.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::container::create_folder;
use super::metric_definitions::{BATCH_LOSS, EPOCH_LOSS, VALIDATION_LOSS, VALIDATION_MACRO_F1};

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The optimiser did a step.
    Step {
        /// Counted from 1.
        step: u64,
        /// Counted from 1.
        epoch: u64,
        /// The mean loss before the step.
        loss: f64,
        /// The learning rate.
        learning_rate: f64,
        /// The norm of the gradient before it was clipped.
        gradient_norm: f64,
        /// Questions learnt from.
        questions: usize,
        /// How long it took.
        seconds: f64,
    },
    /// A step was skipped: something was no number.
    SkippedStep {
        /// Counted from 1.
        step: u64,
        /// What it was.
        reason: String,
    },
    /// The photographs were looked at.
    Photographs {
        /// How many there are.
        photographs: usize,
        /// How many cannot be used.
        bad: usize,
        /// How many were encoded.
        encoded: usize,
        /// For how many the store had features.
        from_store: usize,
        /// How long it took.
        seconds: f64,
    },
    /// An epoch ended.
    Epoch(EpochSummary),
    /// An answer of the model after an epoch.
    Sample(Sample),
}

/// An epoch's end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochSummary {
    /// Counted from 1.
    pub epoch: u64,
    /// The mean of its steps' losses; none where all were skipped.
    pub loss: Option<f64>,
    /// The mean loss of the validation questions' tokens.
    pub validation_loss: Option<f64>,
    /// The mean of the attributes' macro-F1.
    pub macro_f1: Option<f64>,
    /// How long its steps took.
    pub seconds: f64,
    /// How long validation took.
    pub validation_seconds: f64,
    /// The most memory that the process had, in MiB; 0 where that is unknown.
    pub peak_memory_mib: f64,
}

/// An answer of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// After which epoch, counted from 1.
    pub epoch: u64,
    /// The product.
    pub id: String,
    /// The question.
    pub question: String,
    /// What is true.
    pub expected: String,
    /// What the model says.
    pub answer: String,
}

/// The file and what is in it.
#[derive(Debug)]
pub struct Metrics {
    file: BufWriter<File>,
    events: Vec<Event>,
}

impl Metrics {
    /// Begins the file anew with what was measured before; one that says just that is
    /// left as it is.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn begin(path: &Path, events: Vec<Event>) -> anyhow::Result<Self> {
        create_folder(path.parent().unwrap_or(Path::new(".")))?;
        let open = |options: &mut OpenOptions| {
            let file = options.open(path);
            file.with_context(|| format!("cannot write {}", path.display()))
        };
        // Written again, a number that was read may be its neighbour.
        if said_by(path).is_some_and(|said| said == events) {
            return Ok(Self {
                file: BufWriter::new(open(OpenOptions::new().append(true))?),
                events,
            });
        }
        let file = open(OpenOptions::new().write(true).create(true).truncate(true))?;
        let mut metrics = Self {
            file: BufWriter::new(file),
            events: Vec::new(),
        };
        for event in events {
            metrics.write(&event)?;
            metrics.events.push(event);
        }
        Ok(metrics)
    }

    /// What was measured so far.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Notes what was measured, and prints it where it is a metric of the
    /// contract or an answer.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn record(&mut self, event: Event) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        for line in lines(&event) {
            writeln!(stdout, "{line}").context("cannot write to stdout")?;
        }
        stdout.flush().context("cannot write to stdout")?;
        self.write(&event)?;
        self.events.push(event);
        Ok(())
    }

    fn write(&mut self, event: &Event) -> anyhow::Result<()> {
        serde_json::to_writer(&mut self.file, event)?;
        self.file
            .write_all(b"\n")
            .and_then(|()| self.file.flush())
            .context("cannot write metrics.jsonl")
    }
}

/// What a file says, if it is there and whole.
fn said_by(path: &Path) -> Option<Vec<Event>> {
    let text = std::fs::read_to_string(path).ok()?;
    let is_whole = text.is_empty() || text.ends_with('\n');
    let events: Result<Vec<Event>, _> = text.lines().map(serde_json::from_str).collect();
    events.ok().filter(|_| is_whole)
}

/// What stdout says of an event: decimals without an exponent.
fn lines(event: &Event) -> Vec<String> {
    match event {
        Event::Step { loss, .. } => vec![BATCH_LOSS.line(*loss)],
        Event::Epoch(summary) => [
            (EPOCH_LOSS, summary.loss),
            (VALIDATION_LOSS, summary.validation_loss),
            (VALIDATION_MACRO_F1, summary.macro_f1),
        ]
        .into_iter()
        .filter_map(|(metric, value)| Some(metric.line(value?)))
        .collect(),
        Event::Sample(sample) => vec![format!(
            "{}: {} {} (true: {})",
            sample.id, sample.question, sample.answer, sample.expected
        )],
        Event::SkippedStep { .. } | Event::Photographs { .. } => Vec::new(),
    }
}

/// The most memory that the process had so far, in MiB; 0 where the system does
/// not say.
#[must_use]
pub fn peak_memory_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<f64>().ok())
        .map_or(0.0, |kib| kib / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_the_metric_definitions() {
        let step = Event::Step {
            step: 1,
            epoch: 1,
            loss: 1.25e-7,
            learning_rate: 0.1,
            gradient_norm: 2.0,
            questions: 16,
            seconds: 0.5,
        };
        assert_eq!(lines(&step), ["Loss: 0.000000"]);
        let epoch = Event::Epoch(EpochSummary {
            epoch: 1,
            loss: Some(12.5),
            validation_loss: Some(1.0),
            macro_f1: None,
            seconds: 1.0,
            validation_seconds: 0.0,
            peak_memory_mib: 0.0,
        });
        assert_eq!(
            lines(&epoch),
            ["Epoch Loss: 12.500000", "validation_loss=1.000000"]
        );
    }

    #[test]
    fn the_file_has_a_line_an_event_and_goes_on_where_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data/metrics.jsonl");
        let event = |reason: &str| Event::SkippedStep {
            step: 3,
            reason: reason.to_owned(),
        };
        let mut metrics = Metrics::begin(&path, vec![event("a")]).unwrap();
        metrics.record(event("b")).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<Event> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(read, [event("a"), event("b")]);
        assert_eq!(read, metrics.events());
    }

    #[test]
    fn a_number_that_is_read_again_is_the_same_to_its_last_digit() {
        let step = Event::Step {
            step: 1,
            epoch: 1,
            loss: 3.734_567_946_232_616_5,
            learning_rate: 0.1,
            gradient_norm: 0.000_123_456_789_012_345_67,
            questions: 16,
            seconds: 0.1 + 0.2,
        };
        let text = serde_json::to_string(&step).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), step);
    }

    #[test]
    fn a_file_that_says_what_was_measured_is_left_and_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let event = |step| Event::SkippedStep {
            step,
            reason: String::new(),
        };
        let text = || std::fs::read_to_string(&path).unwrap();
        // As nobody here would write it.
        let spaced = r#"{ "event": "skipped_step", "step": 1, "reason": "" }"#;
        std::fs::write(&path, format!("{spaced}\n")).unwrap();
        let mut metrics = Metrics::begin(&path, vec![event(1)]).unwrap();
        assert_eq!(text(), format!("{spaced}\n"));
        metrics.record(event(2)).unwrap();
        assert!(text().starts_with(spaced));
        assert_eq!(said_by(&path).unwrap(), [event(1), event(2)]);

        // One that says more, less or no whole line is begun anew.
        for wrong in [
            format!("{spaced}\n{spaced}\n"),
            String::new(),
            spaced.to_owned(),
            format!("{spaced}\n{{"),
        ] {
            std::fs::write(&path, wrong).unwrap();
            let metrics = Metrics::begin(&path, vec![event(1)]).unwrap();
            assert!(!text().contains(spaced) && text().ends_with('\n'));
            assert_eq!(said_by(&path).unwrap(), metrics.events());
        }
    }
}
