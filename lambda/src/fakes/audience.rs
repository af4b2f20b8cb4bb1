//! Somebody who remembers what is heard.

use std::sync::Mutex;

use crate::domain::{Audience, Findings, Restart};

/// What an audience hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Attributes(Findings),
    Draft(String),
    Restart(Restart),
}

/// Remembers it.
#[derive(Default)]
pub struct FakeAudience(Mutex<Vec<Heard>>);

impl FakeAudience {
    /// What was heard since the last time.
    pub fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    /// The same, as words: the texts of drafts, and the reasons of restarts.
    pub fn take_words(&self) -> Vec<String> {
        let words = self.take().into_iter().map(|heard| match heard {
            Heard::Attributes(_) => "attributes".to_owned(),
            Heard::Draft(piece) => piece,
            Heard::Restart(why) => format!("{why:?}"),
        });
        words.collect()
    }

    fn hear(&self, heard: Heard) {
        self.0.lock().unwrap().push(heard);
    }
}

impl Audience for FakeAudience {
    fn attributes(&self, findings: &Findings) {
        self.hear(Heard::Attributes(findings.clone()));
    }

    fn draft(&self, piece: &str) {
        self.hear(Heard::Draft(piece.to_owned()));
    }

    fn restart(&self, why: Restart) {
        self.hear(Heard::Restart(why));
    }
}
