//! What a training job left about itself.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::text::line;
use crate::train::facts;
use crate::train::metrics::{EpochSummary, Event};

/// What is measured during training, a JSON object a line.
const METRICS_FILE: &str = "metrics.jsonl";

/// What is known about the training of a checkpoint.
#[derive(Debug, Default)]
pub struct Training {
    facts: Option<Value>,
    steps: u64,
    skipped_steps: u64,
    epochs: Vec<EpochSummary>,
}

impl Training {
    /// Reads what there is: `training.json` in the checkpoint's folder, and
    /// `metrics` or, where none is named, `metrics.jsonl` there.
    ///
    /// # Errors
    /// When a file can't be read or is none of training.
    pub fn read(model_dir: Option<&Path>, metrics: Option<&Path>) -> Result<Training> {
        let in_folder = |name: &str| {
            let path = model_dir?.join(name);
            path.is_file().then_some(path)
        };
        let mut training = Training::default();
        if let Some(path) = in_folder(facts::FILE) {
            let text = read(&path)?;
            let facts = serde_json::from_str(&text)
                .with_context(|| format!("{} is no JSON", path.display()))?;
            training.facts = Some(facts);
        }
        let metrics = metrics.map(Path::to_owned);
        if let Some(path) = metrics.or_else(|| in_folder(METRICS_FILE)) {
            for (row, number) in read(&path)?.lines().zip(1_u64..) {
                let event = serde_json::from_str(row).with_context(|| {
                    format!("{}, line {number}, is no event of training", path.display())
                })?;
                training.count(event);
            }
        }
        Ok(training)
    }

    fn count(&mut self, event: Event) {
        match event {
            Event::Step { .. } => self.steps += 1,
            Event::SkippedStep { .. } => self.skipped_steps += 1,
            Event::Epoch(summary) => self.epochs.push(summary),
            Event::Photographs { .. } | Event::Sample(_) => {}
        }
    }

    /// The checkpoint that training began with, by its name on the hub:
    /// "owner/name".
    pub(super) fn base_model(&self) -> Option<&str> {
        self.fact("base_model").or_else(|| {
            self.fact("model-name")
                .filter(|name| is_name_on_the_hub(name))
        })
    }

    /// What the training job was told to call the model. A name on the hub there
    /// is that of the checkpoint it began with, as the published training script
    /// has it.
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.fact("model-name")
            .filter(|name| !is_name_on_the_hub(name))
    }

    fn fact(&self, name: &str) -> Option<&str> {
        let text = self.facts.as_ref()?.get(name)?.as_str()?;
        (!text.is_empty()).then_some(text)
    }

    /// The card's section about training; empty where nothing is known.
    pub(super) fn section(&self) -> String {
        let mut section = String::new();
        if self.facts.is_none() && self.epochs.is_empty() && self.steps == 0 {
            return section;
        }
        section.push_str("\n## Training\n");
        // Writing into a text can't fail.
        if let Some(facts) = &self.facts {
            section.push_str("\n| what | value |\n|---|---|\n");
            list_facts(&mut section, "", facts);
        }
        if self.steps > 0 {
            let _ = write!(
                section,
                "\n{} optimizer steps, {} skipped.\n",
                self.steps, self.skipped_steps
            );
        }
        if !self.epochs.is_empty() {
            section.push_str(
                "\n| epoch | loss | validation loss | validation macro-F1 | seconds |\n\
                 |---|---|---|---|---|\n",
            );
        }
        let number = |value: Option<f64>| value.map(|value| format!("{value:.4}"));
        for epoch in &self.epochs {
            let _ = writeln!(
                section,
                "| {} | {} | {} | {} | {:.0} |",
                epoch.epoch,
                number(epoch.loss).unwrap_or_default(),
                number(epoch.validation_loss).unwrap_or_default(),
                number(epoch.macro_f1).unwrap_or_default(),
                epoch.seconds
            );
        }
        section
    }
}

fn is_name_on_the_hub(name: &str) -> bool {
    let is_word = |part: &str| {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !part.is_empty() && part.chars().all(is_plain)
    };
    name.split_once('/')
        .is_some_and(|(owner, rest)| is_word(owner) && is_word(rest))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))
}

/// The numbers, texts and switches of training, nested ones under joined names.
fn list_facts(body: &mut String, name: &str, facts: &Value) {
    match facts {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = match name {
                    "" => field.clone(),
                    outer => format!("{outer}.{field}"),
                };
                list_facts(body, &name, value);
            }
        }
        Value::Array(values) if values.iter().all(|value| !value.is_object()) => {
            let values: Vec<String> = values.iter().map(scalar).collect();
            let _ = writeln!(body, "| {} | {} |", line(name), line(&values.join(", ")));
        }
        Value::Array(_) | Value::Null => {}
        value => {
            let _ = writeln!(body, "| {} | {} |", line(name), line(&scalar(value)));
        }
    }
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}
