//! `training.json` in the model's folder: what the model was made of, for its
//! card and for whoever finds it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use blip2::LoraConfig;
use serde::Serialize;

use super::container::write_file;
use super::data::Example;
use super::hyperparameters::{
    FEATURE_STORE_MIB, Hyperparameters, MODEL_NAME, OF_ADAPTERS, SAMPLE_ANSWERS, SelectBest, Train,
};
use super::initial_adapter;
use super::metrics::Event;
use super::photos::Photos;
use super::state::{Best, State};

/// The file's name in a checkpoint's folder.
pub const FILE: &str = "training.json";

/// What is known about a training job. All but the times follows from its inputs
/// and settings.
#[derive(Debug, Serialize)]
pub(super) struct Facts<'a> {
    /// The hyperparameter of this name; a label.
    #[serde(rename = "model-name", skip_serializing_if = "Option::is_none")]
    model_name: Option<&'a str>,
    /// Questions learnt from.
    questions: usize,
    /// Products that they are about.
    products: usize,
    validation_questions: usize,
    validation_products: usize,
    /// Photographs, of either file, that could not be used.
    photos_skipped: usize,
    /// Epochs that were trained to their end.
    epochs: u64,
    /// The epoch whose weights these are, counted from 1, where one was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    best_epoch: Option<u64>,
    /// Steps of the optimiser.
    steps: u64,
    parameters_trained: usize,
    /// How the frozen weights are held and multiplied.
    computation: &'a str,
    /// Spent on steps, on validation and on looking at the photographs; a start
    /// after an interruption adds to it, one after the job's end does not.
    seconds: f64,
    /// The version of the trainer.
    trainer_version: &'static str,
    /// Every hyperparameter that has an effect, as it held when the job learnt, given or
    /// by default.
    hyperparameters: &'a BTreeMap<String, String>,
}

/// What facts are made of.
pub(super) struct Made<'a> {
    pub(super) settings: &'a Hyperparameters,
    pub(super) examples: &'a [Example],
    pub(super) validation: &'a [Example],
    pub(super) photos: &'a Photos,
    pub(super) state: &'a State,
    pub(super) events: &'a [Event],
    pub(super) optimiser_steps: u64,
    pub(super) parameters_trained: usize,
    pub(super) computation: &'a str,
}

impl<'a> Facts<'a> {
    pub(super) fn of(made: &Made<'a>) -> Facts<'a> {
        let hyperparameters = &made.state.hyperparameters;
        let given = |text: &'a String| Some(text.as_str()).filter(|text| !text.is_empty());
        let is_chosen = made.settings.select_best != SelectBest::None;
        let chosen = |best: &&Best| is_chosen && best.score.is_finite();
        Facts {
            model_name: hyperparameters.get(MODEL_NAME).and_then(given),
            questions: made.examples.len(),
            products: products(made.examples),
            validation_questions: made.validation.len(),
            validation_products: products(made.validation),
            photos_skipped: made.photos.bad_count(),
            epochs: made.state.epoch,
            best_epoch: made
                .state
                .best
                .as_ref()
                .filter(chosen)
                .map(|best| best.epoch),
            steps: made.optimiser_steps,
            parameters_trained: made.parameters_trained,
            computation: made.computation,
            seconds: seconds(made.events),
            trainer_version: env!("CARGO_PKG_VERSION"),
            hyperparameters,
        }
    }

    /// Writes the file into the model's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        write_file(&folder.join(FILE), &json)
    }
}

/// The hyperparameters' texts without those that say nothing of the job. Where an
/// adapter goes on learning its own rank, scale and layers hold, and where all weights
/// learn there is none; a job that learns to see keeps no features, and one that learns
/// classes answers nothing.
pub(super) fn held(
    settings: &Hyperparameters,
    adapter: Option<&LoraConfig>,
    learns_to_see: bool,
) -> BTreeMap<String, String> {
    let has_effect = |name: &str| match name {
        FEATURE_STORE_MIB => !learns_to_see,
        SAMPLE_ANSWERS => settings.train != Train::Sight,
        _ => adapter.is_some() || !name.starts_with(OF_ADAPTERS),
    };
    let texts = settings.texts.iter();
    let mut texts: BTreeMap<String, String> = texts
        .filter(|(name, _)| has_effect(name))
        .map(|(&name, text)| (name.to_owned(), text.clone()))
        .collect();
    if let (Some(config), true) = (adapter, settings.initial_adapter.is_some()) {
        let own = initial_adapter::own(config);
        texts.extend(own.map(|(name, text)| (name.to_owned(), text)));
    }
    texts
}

fn products(examples: &[Example]) -> usize {
    let photos: BTreeSet<usize> = examples.iter().map(|example| example.photo).collect();
    photos.len()
}

/// To a tenth: more is not known.
fn seconds(events: &[Event]) -> f64 {
    let spent = events.iter().map(|event| match event {
        Event::Step { seconds, .. } | Event::Photographs { seconds, .. } => *seconds,
        Event::Epoch(summary) => summary.validation_seconds,
        Event::SkippedStep { .. } | Event::Sample(_) => 0.0,
    });
    (spent.sum::<f64>() * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use blip2::TargetModules;

    use super::*;

    #[test]
    fn settings_that_did_not_hold_are_not_told() {
        let settings = |text| Hyperparameters::parse(text).unwrap();
        let all = settings(r#"{"train": "all"}"#);
        let told = held(&all, None, true);
        for name in ["lora-r", "feature-store-mib"] {
            assert!(!told.contains_key(name), "{name}");
        }
        assert_eq!((&*told["train"], &*told["sample-answers"]), ("all", "4"));
        let sight = settings(r#"{"train": "sight"}"#);
        assert!(!held(&sight, None, true).contains_key("sample-answers"));

        let config = LoraConfig {
            r: 2,
            alpha: 12.5,
            dropout: 0.25,
            target_modules: TargetModules::Names(vec!["q".to_owned(), "wo".to_owned()]),
            use_rslora: false,
        };
        let new = settings(r#"{"lora-r": "2", "lora-dropout": "0.25"}"#);
        let told = held(&new, Some(&config), false);
        let mut given = new.texts.iter();
        assert!(given.all(|(name, text)| told.get(*name) == Some(text)));
        assert_eq!(told.len(), new.texts.len());
        let told = held(&new, Some(&config), true);
        assert_eq!(told.len(), new.texts.len() - 1);
        let text = r#"{"initial-adapter": "x", "lora-dropout": "0.25"}"#;
        let told = held(&settings(text), Some(&config), false);
        assert_eq!(told["lora-r"], "2");
        assert_eq!(told["lora-alpha"], "12.5");
        assert_eq!(told["lora-target-modules"], "q,wo");
        assert_eq!(told["lora-dropout"], "0.25");
    }
}
