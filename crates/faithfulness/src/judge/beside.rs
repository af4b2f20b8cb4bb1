//! Phrases that are heard beside all others: those that deny a value without
//! naming it, and those that say a value where it is given.

use super::Judge;
use crate::findings::Findings;
use crate::mention::{Stance, stance};
use crate::pattern::Class;
use crate::reading::{After, Noun};
use crate::trie::{Match, Trie};

impl Judge<'_> {
    /// What denies a given value that is not said elsewhere.
    pub(super) fn denials(&mut self, findings: &mut Findings) {
        for found in self.of_this(&self.reading.compiled.denials) {
            for place in self.places(&found) {
                if !self.mentioned[place] {
                    self.contradict(place, found.first(), found.last(), findings);
                }
            }
        }
    }

    /// What says a given value that is not contradicted elsewhere.
    pub(super) fn hints(&mut self) {
        for found in self.of_this(&self.reading.compiled.hints) {
            let reading = self.reading;
            let idiom = found.tokens.iter().any(|&at| reading.idiom[at]);
            let other = reading.noun(found.last()) == Some(Noun::Other)
                || reading.noun_after(found.last()) == After::Noun(Noun::Other);
            if idiom || other {
                continue;
            }
            for place in self.places(&found) {
                if !self.contradicted[place] {
                    self.mentioned[place] = true;
                }
            }
        }
    }

    /// The phrases that the text says of this garment.
    fn of_this(&self, trie: &Trie<usize>) -> Vec<Match<usize>> {
        let reading = self.reading;
        let is = |class: &Class, at: usize| reading.is(class, at);
        let mut found = trie.find(&reading.tokens.list, &is, reading.steps);
        found.retain(|found| {
            let partner = reading
                .marks
                .get(found.first())
                .is_some_and(|mark| mark.partner);
            let stance = stance(reading, &found.tokens);
            !partner && matches!(stance, Stance::Asserted | Stance::Asked)
        });
        found
    }

    /// The places of the given values of which a phrase speaks.
    fn places(&self, found: &Match<usize>) -> Vec<usize> {
        let givens = self.givens.iter().enumerate();
        let spoken = givens.filter(|(_, given)| {
            given
                .value_id
                .is_some_and(|value| found.senses.contains(&value))
        });
        spoken.map(|(place, _)| place).collect()
    }
}
