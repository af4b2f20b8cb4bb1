//! What was left out, counted under its reason.

use std::collections::BTreeMap;

use serde::Serialize;

/// How many examples of a reason are kept.
const EXAMPLES: usize = 8;

/// How often something was left out for a reason, with the first examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// How often.
    pub count: u64,
    /// The first few: an id, a line.
    pub examples: Vec<String>,
}

/// Losses by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Losses(BTreeMap<String, Loss>);

impl Losses {
    pub(crate) fn add(&mut self, reason: &str, example: &str) {
        let loss = match self.0.get_mut(reason) {
            Some(loss) => loss,
            None => self.0.entry(reason.to_owned()).or_default(),
        };
        loss.count += 1;
        if loss.examples.len() < EXAMPLES {
            loss.examples.push(example.to_owned());
        }
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().map(|loss| loss.count).sum()
    }

    /// All reasons of both in few words, the most frequent first.
    pub(crate) fn summary(&self, other: &Losses) -> String {
        let mut reasons: Vec<(&str, u64)> = self
            .iter()
            .chain(other.iter())
            .map(|(reason, loss)| (reason, loss.count))
            .collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let words = reasons
            .iter()
            .map(|(reason, count)| format!("{count}: {reason}"));
        words.collect::<Vec<_>>().join("; ")
    }

    /// Reasons in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Loss)> {
        self.0.iter().map(|(reason, loss)| (reason.as_str(), loss))
    }

    /// How often something was left out for this reason.
    #[must_use]
    pub fn count(&self, reason: &str) -> u64 {
        self.0.get(reason).map_or(0, |loss| loss.count)
    }
}
