//! Where a job is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a job is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What the job is; another one's checkpoints are of no use to it.
    pub job: String,
    /// Counts checkpoints.
    pub sequence: u64,
    /// The epoch, counted from 0.
    pub epoch: u64,
    /// Steps of the epoch that are done.
    pub position: usize,
    /// Steps of the job that are done, skipped ones among them.
    pub step: u64,
    /// Steps in a row that were skipped, or that were gone back on.
    pub bad_steps: u64,
    /// Whether a step with the newest weights was skipped.
    pub newest_is_bad: bool,
    /// Whether weights that a step of the job gave have proved good.
    pub has_learnt: bool,
    /// Sum of the losses of the epoch's steps so far.
    #[serde(with = "exact")]
    pub epoch_loss: f64,
    /// How many they are.
    pub epoch_losses: u64,
    /// Steps of the optimiser.
    pub optimiser_steps: u64,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// Epochs since then.
    pub epochs_without_improvement: u64,
    /// Whether nothing is left but to write the model.
    pub finished: bool,
    /// Every hyperparameter as it held when the job learnt last, also those that another
    /// start may have otherwise; none in the state of an earlier trainer.
    #[serde(default)]
    pub hyperparameters: BTreeMap<String, String>,
}

/// The best epoch so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Which, counted from 1.
    pub epoch: u64,
    /// Its loss or macro-F1.
    #[serde(with = "exact")]
    pub score: f64,
}

/// A number by its bits: as text it might come back as its neighbour.
mod exact {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(number: &f64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(number.to_bits())
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<f64, D::Error> {
        u64::deserialize(from).map(f64::from_bits)
    }
}

impl State {
    /// That of a job that has done nothing.
    #[must_use]
    pub fn new(job: String) -> Self {
        Self {
            job,
            sequence: 0,
            epoch: 0,
            position: 0,
            step: 0,
            bad_steps: 0,
            newest_is_bad: false,
            has_learnt: false,
            epoch_loss: 0.0,
            epoch_losses: 0,
            optimiser_steps: 0,
            best: None,
            epochs_without_improvement: 0,
            finished: false,
            hyperparameters: BTreeMap::new(),
        }
    }

    /// Notes the hyperparameters of a start as those of the job. One that has ended learns
    /// nothing more, and what its model was made with stays what it was: of such a job the
    /// names are given back whose values are others now.
    pub fn note_hyperparameters(&mut self, held: BTreeMap<String, String>) -> Vec<String> {
        // An earlier trainer noted none.
        if !self.finished || self.hyperparameters.is_empty() {
            self.hyperparameters = held;
            return Vec::new();
        }
        let noted = &self.hyperparameters;
        let others = held
            .into_iter()
            .filter(|(name, text)| noted.get(name) != Some(text));
        others.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_ended_job_was_given_stays() {
        let held = |samples: &str| {
            let texts = [("lr", "0.1"), ("sample-answers", samples)];
            BTreeMap::from(texts.map(|(name, text)| (name.to_owned(), text.to_owned())))
        };
        let mut state = State::new("job".to_owned());
        for samples in ["4", "2"] {
            assert!(state.note_hyperparameters(held(samples)).is_empty());
            assert_eq!(state.hyperparameters, held(samples));
        }
        state.finished = true;
        assert_eq!(state.note_hyperparameters(held("9")), ["sample-answers"]);
        assert!(state.note_hyperparameters(held("2")).is_empty());
        assert_eq!(state.hyperparameters, held("2"));
        // One that ended before they were noted.
        state.hyperparameters.clear();
        assert!(state.note_hyperparameters(held("9")).is_empty());
        assert_eq!(state.hyperparameters, held("9"));
    }

    #[test]
    fn a_state_that_notes_no_hyperparameters_is_read() {
        let mut text = serde_json::to_value(State::new("job".to_owned())).unwrap();
        text.as_object_mut().unwrap().remove("hyperparameters");
        let state: State = serde_json::from_value(text).unwrap();
        assert_eq!(state, State::new("job".to_owned()));
    }
}
