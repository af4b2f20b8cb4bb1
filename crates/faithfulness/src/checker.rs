//! The whole check.

use attributes::{AttributeSet, fold, folds_to};

use crate::banned::banned;
use crate::claims::{claims, is_in_title};
use crate::compiled::{Compiled, Sense};
use crate::findings::Findings;
use crate::judge::{Given, givens, judge, untold_attributes};
use crate::known::Known;
use crate::lexicon::Lexicon;
use crate::mention::mentions;
use crate::pattern::{Class, Piece};
use crate::reading::Reading;
use crate::scope::marks;
use crate::select::heard;
use crate::token::tokenise;
use crate::trie::{Steps, Trie};

/// Checks texts against what is known. Made once for an attribute set and a
/// language; then each check takes time in proportion to its text.
#[derive(Clone, Debug)]
pub struct Checker {
    set: AttributeSet,
    compiled: Compiled,
}

impl Checker {
    /// A checker of English texts.
    #[must_use]
    pub fn new(set: &AttributeSet) -> Checker {
        Checker::with_lexicon(set, &Lexicon::english())
    }

    /// A checker of texts in the lexicon's language.
    #[must_use]
    pub fn with_lexicon(set: &AttributeSet, lexicon: &Lexicon) -> Checker {
        Checker {
            set: set.clone(),
            compiled: Compiled::new(set, lexicon),
        }
    }

    /// What `text` says of what is known, and what beyond.
    #[must_use]
    pub fn check(&self, known: &Known, text: &str) -> Findings {
        self.check_in_steps(known, text, &Steps::default())
    }

    fn check_in_steps(&self, known: &Known, text: &str, steps: &Steps) -> Findings {
        let compiled = &self.compiled;
        let tokens = tokenise(text, &compiled.words);
        let category = known.category.as_deref();
        let category = category.and_then(|category| self.garment(category));
        let mut reading = Reading::new(compiled, &tokens, steps, category);
        reading.marks = marks(&reading);

        let givens = givens(&self.set, compiled, known);
        let class = |class: &Class, at: usize| reading.is(class, at);
        let mut found = compiled.senses.find(&tokens.list, &class, steps);
        found.extend(self.words_of(&givens).find(&tokens.list, &class, steps));
        let found = heard(compiled, found, tokens.list.len(), steps);
        let mentions = mentions(&mut reading, &found);

        let mut findings = Findings::default();
        let untold = untold_attributes(&self.set, compiled, known, &givens);
        judge(&reading, text, &givens, &untold, &mentions, &mut findings);
        findings
            .claims
            .retain(|claim| !is_in_title(compiled, known, &claim.text));
        findings.claims.extend(claims(&reading, text, known));
        findings
            .claims
            .sort_by_key(|claim| (claim.span.start, claim.span.end));
        findings.banned = banned(&known.banned, text, &tokens, &compiled.words);
        findings
    }

    /// The lexicon's garment for a category.
    fn garment(&self, category: &str) -> Option<usize> {
        let known = self.set.category(category);
        let names = known.map(|category| [category.name.as_str(), category.noun.as_str()]);
        let names = names.unwrap_or([category, category]);
        let position = |name: &str| {
            let key = fold(name);
            let mut garments = self.compiled.garment_names.iter();
            garments.position(|garment| folds_to(garment, &key))
        };
        names.into_iter().find_map(position)
    }

    /// The phrases of given values that the set does not know.
    fn words_of(&self, givens: &[Given]) -> Trie<Sense> {
        let mut trie = Trie::default();
        for (place, given) in givens.iter().enumerate() {
            if given.value_id.is_some() {
                continue;
            }
            let keys = &given.keys;
            let phrase: Vec<Piece> = keys.iter().cloned().map(Piece::Word).collect();
            trie.add(&phrase, Sense::Given(place));
            if let Some((last, before)) = keys.split_last() {
                for relative in self.compiled.words.relatives(last) {
                    let keys = before.iter().cloned().chain([relative]);
                    let phrase: Vec<Piece> = keys.map(Piece::Word).collect();
                    trie.add(&phrase, Sense::Given(place));
                }
            }
        }
        trie
    }
}

#[cfg(test)]
mod tests;
