//! Whether a word that may mean other things is a value where it stands: "slim"
//! in "slim fit", not in "slim chance".

use crate::compiled::Attr;
use crate::reading::{After, Noun, PHRASE, Reading};
use crate::token::{Gap, Token};

impl Reading<'_> {
    /// Whether the words from `first` to `last` are a value of this attribute
    /// here, though they may mean other things.
    pub fn is_value_here(&self, first: usize, last: usize, attribute: usize) -> bool {
        let Some(attr) = self.compiled.attributes.get(attribute) else {
            return false;
        };
        let of_garment = || {
            let noun = self.noun_after(last);
            let row = self.end_of_row(last);
            matches!(noun, After::Noun(Noun::Own | Noun::PatternPart))
                || !self.is_of_part(last, row, attr)
                    && (self.stands_alone(first, last)
                        || self.is_predicate(first, row)
                        || self.is_before_sure(last)
                        || self.is_led_with(first, last, row)
                        || self.has_place(row, attr))
        };
        self.head_after(last, attr)
            || self.has_place(last, attr)
            || self.head_before(first, last, attr)
            || self.is_led(first, attr)
            || self.beside_sure(first, last, attribute)
            || attr.garment_is_head && of_garment()
            || self.is_denied_itself(first, last)
    }

    fn is_head(&self, at: usize, attr: &Attr) -> bool {
        self.token(at)
            .is_some_and(|token| attr.heads.contains(&token.key))
    }

    /// "slim fit", "long and loose sleeves".
    fn head_after(&self, last: usize, attr: &Attr) -> bool {
        for at in last + 1..=last + PHRASE {
            self.steps.tick();
            let Some(token) = self.token(at) else {
                return false;
            };
            let goes_on = self.is_covered(at) || self.is_head(at, attr);
            let soon = goes_on || self.is_covered(at + 1) || self.is_head(at + 1, attr);
            if token.gap > Gap::Comma || token.gap == Gap::Comma && !soon {
                return false;
            }
            if self.is_head(at, attr) {
                return true;
            }
            if self.joins(at) {
                if !(soon || self.is_head(at + 2, attr)) {
                    return false;
                }
            } else if !self.is_covered(at) && (token.stop || self.noun(at).is_some()) {
                return false;
            }
        }
        false
    }

    /// "long in the arm", "mustard from hem to waist".
    fn has_place(&self, last: usize, attr: &Attr) -> bool {
        let near = |at: usize| self.token(at).filter(|token| token.gap <= Gap::Space);
        let roles = &self.compiled.roles;
        if !near(last + 1).is_some_and(|token| roles.prepositions.contains(&token.key)) {
            return false;
        }
        for at in last + 2..=last + 3 {
            let Some(token) = near(at) else {
                return false;
            };
            if attr.heads.contains(&token.key) || attr.places.contains(&token.key) {
                return true;
            }
            if !roles.determiners.contains(&token.key) {
                return false;
            }
        }
        false
    }

    /// "the fit is slim", "fit: slim", "sleeves long".
    fn head_before(&self, first: usize, last: usize, attr: &Attr) -> bool {
        let mut linked = false;
        let mut unknown = 0;
        for at in (first.saturating_sub(4)..first).rev() {
            self.steps.tick();
            let (Some(token), Some(next)) = (self.token(at), self.token(at + 1)) else {
                return false;
            };
            let colon = next.gap == Gap::Break && at + 1 == first;
            if next.gap > Gap::Space && !colon {
                return false;
            }
            if self.is_head(at, attr) {
                let ends = at + 1 == first && self.is_parted(last + 1);
                return linked || colon || ends;
            }
            if colon {
                return false;
            }
            if self.compiled.roles.pronouns.contains(&token.key) {
                return linked && self.stands_for_head(at, attr);
            }
            if self.compiled.roles.links.contains(&token.key) {
                linked = true;
            } else if token.stop || unknown > 0 {
                return false;
            } else {
                unknown += 1;
            }
        }
        false
    }

    /// Whether the last noun before a pronoun is a head: "sleeves; they are short".
    fn stands_for_head(&self, pronoun: usize, attr: &Attr) -> bool {
        let before = (pronoun.saturating_sub(PHRASE)..pronoun).rev();
        let mut nouns = before.filter(|&at| self.is_head(at, attr) || self.noun(at).is_some());
        self.steps.tick();
        nouns.next().is_some_and(|at| self.is_head(at, attr))
    }

    /// "in rust", "in a deep rust", "burnished copper".
    fn is_led(&self, first: usize, attr: &Attr) -> bool {
        let before = first.checked_sub(1).and_then(|at| self.token(at));
        let near = self
            .token(first)
            .is_some_and(|token| token.gap <= Gap::Space);
        if near && before.is_some_and(|token| attr.tones.contains(&token.key)) {
            return true;
        }
        for at in (first.saturating_sub(3)..first).rev() {
            let (Some(token), Some(next)) = (self.token(at), self.token(at + 1)) else {
                return false;
            };
            if next.gap > Gap::Space {
                return false;
            }
            if attr.leads.contains(&token.key) {
                return true;
            }
            if token.stop && !self.compiled.roles.determiners.contains(&token.key) {
                return false;
            }
        }
        false
    }

    /// "in solid rust": what leads one of the values in a row leads all of them.
    fn is_led_with(&self, first: usize, last: usize, row: usize) -> bool {
        let attributes = (last + 1..=row).flat_map(|at| self.may_be_of(at));
        attributes
            .filter_map(|&attribute| self.compiled.attributes.get(attribute))
            .any(|attr| attr.garment_is_head && self.is_led(first, attr))
    }

    /// "Snug" in "a snug turtleneck": the row of values that ends at `row` names a part, which
    /// is so. A colour or pattern is the garment's as well.
    fn is_of_part(&self, last: usize, row: usize, attr: &Attr) -> bool {
        let mut attributes = self.compiled.attributes.iter();
        row > last
            && !attr.careful
            && attributes.any(|other| {
                other.is_of_part() && !other.garment_is_head && self.is_head(row, other)
            })
    }

    /// The last of the values that follow one upon another: "rust" in "solid rust".
    fn end_of_row(&self, last: usize) -> usize {
        let goes_on = |at: &usize| {
            self.steps.tick();
            let near = |token: &Token| token.gap <= Gap::Space;
            self.is_covered(*at) && self.token(*at).is_some_and(near)
        };
        let row = (last + 1..=last + PHRASE).take_while(goes_on);
        row.last().unwrap_or(last)
    }

    /// "cream and navy".
    fn beside_sure(&self, first: usize, last: usize, attribute: usize) -> bool {
        let near = |at: usize| self.token(at).is_some_and(|token| token.gap <= Gap::Comma);
        let is = |at: usize| self.sure_of(at) == Some(attribute);
        let after = near(last + 1)
            && (is(last + 1) || self.joins(last + 1) && near(last + 2) && is(last + 2));
        let before = || {
            let Some(one) = first.checked_sub(1).filter(|_| near(first)) else {
                return false;
            };
            is(one) || self.joins(one) && near(one) && one.checked_sub(1).is_some_and(is)
        };
        after || before()
    }

    /// Whether the word is, with other values, all that is said between two
    /// commas or ends: "Plain, loose and crew-necked."
    fn stands_alone(&self, first: usize, last: usize) -> bool {
        let near = |at: usize| self.token(at).is_some_and(|token| token.gap <= Gap::Space);
        let (mut first, mut last) = (first, last);
        for _ in 0..PHRASE {
            let Some(before) = first.checked_sub(1).filter(|_| near(first)) else {
                break;
            };
            if !(self.is_covered(before) || self.joins(before)) {
                break;
            }
            first = before;
        }
        for _ in 0..PHRASE {
            let next = last + 1;
            let listed = self.is_covered(next) || self.joins(next) && self.is_covered(next + 1);
            if !(near(next) && listed) {
                break;
            }
            last = next;
        }
        let begins = self
            .token(first)
            .is_some_and(|token| token.gap >= Gap::Comma);
        let of_own = || {
            let before = first.checked_sub(1);
            before.and_then(|before| self.noun(before)) == Some(Noun::Own)
        };
        (begins || of_own()) && self.is_parted(last + 1)
    }

    /// "This shirt is slim."
    fn is_predicate(&self, first: usize, last: usize) -> bool {
        let roles = &self.compiled.roles;
        let mut linked = false;
        for at in (first.saturating_sub(PHRASE)..first).rev() {
            let (Some(token), Some(next)) = (self.token(at), self.token(at + 1)) else {
                return false;
            };
            if next.gap > Gap::Space {
                return false;
            }
            if roles.predicates.contains(&token.key) {
                if linked {
                    return false;
                }
                linked = true;
                continue;
            }
            let own = self.noun(at) == Some(Noun::Own)
                || roles.own.contains(&token.key)
                || self.is_covered(at);
            if linked && own {
                return self.ends_phrase(last + 1);
            }
            if token.stop || !linked && at + 2 < first {
                return false;
            }
        }
        false
    }

    /// "Solid black", "loose navy".
    fn is_before_sure(&self, last: usize) -> bool {
        let near = self
            .token(last + 1)
            .is_some_and(|token| token.gap <= Gap::Space);
        let next = self.sure_of(last + 1).filter(|_| near);
        next.and_then(|attribute| self.compiled.attributes.get(attribute))
            .is_some_and(|attr| attr.garment_is_head)
    }

    /// "No keyhole", "not a single check", but not "no long days".
    fn is_denied_itself(&self, first: usize, last: usize) -> bool {
        let mark = self.marks.get(first).copied().unwrap_or_default();
        let Some((_, to)) = mark.denied else {
            return false;
        };
        let passes = |at: usize| {
            let determiners = &self.compiled.roles.determiners;
            let determines = |token: &Token| determiners.contains(&token.key);
            self.is_covered(at) || self.token(at).is_some_and(determines)
        };
        to < first && first <= to + 3 && (to + 1..first).all(passes) && self.ends_phrase(last + 1)
    }

    fn ends_phrase(&self, at: usize) -> bool {
        self.token(at)
            .is_none_or(|token| token.gap >= Gap::Comma || token.stop)
    }

    /// Whether a comma, an end or an "and" stands before the token at `at`.
    pub fn is_parted(&self, at: usize) -> bool {
        let parted = |token: &Token| token.gap >= Gap::Comma;
        self.token(at).is_none_or(parted) || self.joins(at)
    }
}

#[cfg(test)]
mod tests {
    use crate::compiled::Compiled;
    use crate::lexicon::Lexicon;
    use crate::reading::Reading;
    use crate::scope::marks;
    use crate::token::tokenise;
    use crate::trie::Steps;
    use attributes::AttributeSet;

    fn is_value(text: &str, at: usize, attribute: &str) -> bool {
        let compiled = Compiled::new(&AttributeSet::embedded(), &Lexicon::english());
        let tokens = tokenise(text, &compiled.words);
        let steps = Steps::default();
        let mut garments = compiled.garment_names.iter();
        let shirt = garments.position(|name| name == "shirt");
        let mut reading = Reading::new(&compiled, &tokens, &steps, shirt);
        reading.marks = marks(&reading);
        let attribute = compiled
            .attributes
            .iter()
            .position(|own| own.name == attribute)
            .unwrap();
        reading.is_value_here(at, at, attribute)
    }

    #[test]
    fn a_word_is_a_value_beside_its_head() {
        for (text, at, attribute) in [
            ("slim fit", 0, "Fit"),
            ("slim and easy fit", 0, "Fit"),
            ("fit: slim", 1, "Fit"),
            ("the fit is wonderfully slim", 4, "Fit"),
            ("slim white shirt", 0, "Fit"),
            ("this shirt is slim", 3, "Fit"),
            ("Plain, slim.", 1, "Fit"),
            ("in a deep rust", 3, "Colour"),
            ("long in the arm", 0, "Sleeve Length"),
            ("sleeves long.", 1, "Sleeve Length"),
            ("no keyhole here", 1, "Neck"),
        ] {
            assert!(is_value(text, at, attribute), "{text}");
        }
    }

    #[test]
    fn a_word_without_its_head_is_none() {
        for (text, at, attribute) in [
            ("slim chance of a fit", 0, "Fit"),
            ("a slim book of verse", 1, "Fit"),
            ("long days with sleeves", 0, "Sleeve Length"),
            ("no long days ahead", 1, "Sleeve Length"),
            ("sleeves. Long days", 1, "Sleeve Length"),
            ("Long, short, whatever", 0, "Sleeve Length"),
            ("a boat trip", 1, "Neck"),
            ("coffee with friends", 0, "Colour"),
        ] {
            assert!(!is_value(text, at, attribute), "{text}");
        }
    }
}
