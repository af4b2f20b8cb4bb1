//! What was left out, under its reason.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use crate::source::id_order;

/// How many examples of a reason a report shows.
const EXAMPLES: usize = 8;

/// How often something was left out for a reason, with some examples.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// How often.
    pub count: u64,
    /// The first few in the order of their ids, then of what is told of them:
    /// whatever the order of the catalogue's lines, they are the same.
    pub examples: Vec<String>,
}

/// Something that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    /// The product's id; empty where a line has none that could be read.
    pub id: String,
    /// Where it stands, for a person who looks for it; empty where its id tells.
    pub place: String,
    /// What there is to see of it: a line, the name of a file. Often nothing.
    pub detail: String,
}

/// All that was left out, by reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses(BTreeMap<String, Vec<Lost>>);

impl Losses {
    /// A product that is left out.
    pub(crate) fn add(&mut self, reason: &str, id: &str, detail: &str) {
        self.put(
            reason,
            Lost {
                id: id.to_owned(),
                place: String::new(),
                detail: detail.to_owned(),
            },
        );
    }

    /// A line that is left out: `text` is its beginning.
    pub(crate) fn add_line(&mut self, reason: &str, place: String, text: &str) {
        self.put(
            reason,
            Lost {
                id: String::new(),
                place,
                detail: text.to_owned(),
            },
        );
    }

    fn put(&mut self, reason: &str, lost: Lost) {
        match self.0.get_mut(reason) {
            Some(all) => all.push(lost),
            None => {
                self.0.insert(reason.to_owned(), vec![lost]);
            }
        }
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().map(|all| all.len() as u64).sum()
    }

    /// All reasons of both in few words, the most frequent first.
    pub(crate) fn summary(&self, other: &Losses) -> String {
        let mut reasons: Vec<(&str, usize)> = self
            .0
            .iter()
            .chain(&other.0)
            .map(|(reason, all)| (reason.as_str(), all.len()))
            .collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let words = reasons
            .iter()
            .map(|(reason, count)| format!("{count}: {reason}"));
        words.collect::<Vec<_>>().join("; ")
    }

    /// Reasons in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Loss)> {
        self.0.iter().map(|(reason, all)| {
            let loss = Loss {
                count: all.len() as u64,
                examples: examples(all),
            };
            (reason.as_str(), loss)
        })
    }

    /// Each with its reason: by ids, those of one id as they were met.
    pub(crate) fn all(&self) -> Vec<(&str, &Lost)> {
        let mut all: Vec<(&str, &Lost)> = self
            .0
            .iter()
            .flat_map(|(reason, all)| all.iter().map(|lost| (reason.as_str(), lost)))
            .collect();
        all.sort_by(|(_, a), (_, b)| id_order(&a.id, &b.id));
        all
    }

    /// How often something was left out for this reason.
    #[must_use]
    pub fn count(&self, reason: &str) -> u64 {
        self.0.get(reason).map_or(0, |all| all.len() as u64)
    }
}

impl Serialize for Losses {
    /// A [`Loss`] by each reason.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

fn examples(all: &[Lost]) -> Vec<String> {
    let mut sorted: Vec<&Lost> = all.iter().collect();
    sorted.sort_by(|a, b| id_order(&a.id, &b.id).then_with(|| a.detail.cmp(&b.detail)));
    let words = |lost: &&Lost| match (lost.id.as_str(), lost.detail.as_str()) {
        (id, "") => id.to_owned(),
        ("", detail) => detail.to_owned(),
        (id, detail) => format!("{id}: {detail}"),
    };
    sorted.iter().take(EXAMPLES).map(words).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_do_not_depend_on_the_order_of_lines_and_all_are_kept() {
        let of = |ids: Vec<u32>| {
            let mut losses = Losses::default();
            for id in ids {
                losses.add("gone", &id.to_string(), "x.jpg");
                losses.add_line("broken", format!("line {id}"), &format!("{id},a"));
            }
            losses
        };
        let (up, down) = (of((1..=20).collect()), of((1..=20).rev().collect()));
        assert_eq!(
            up.iter().collect::<Vec<_>>(),
            down.iter().collect::<Vec<_>>()
        );
        let gone = up.iter().nth(1).unwrap().1;
        assert_eq!((gone.count, gone.examples.len()), (20, EXAMPLES));
        assert_eq!(gone.examples[1], "2: x.jpg");
        assert_eq!((up.all().len(), up.total()), (40, 40));
    }
}
