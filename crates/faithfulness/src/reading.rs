//! A text in the parts of its sentences: which nouns are the garment, another
//! one or a part, and what a word in a noun phrase belongs to.

use crate::compiled::{Compiled, NounSense};
use crate::pattern::Class;
use crate::roles::Roles;
use crate::scope::Mark;
use crate::token::{Gap, Token, Tokens};
use crate::trie::{Match, Steps, longest_first};

/// How far a noun phrase is followed, in words.
pub(crate) const PHRASE: usize = 6;

/// What a noun is in this text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noun {
    /// The garment that is described.
    Own,
    /// Another garment.
    Other,
    Part,
    /// A stripe, a flower.
    PatternPart,
    Thing,
}

/// What follows in a noun phrase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Noun(Noun),
    /// A word of which nothing is known.
    Unknown,
    /// The phrase ends here.
    Nothing,
}

/// A text as far as it has been read.
pub(crate) struct Reading<'a> {
    pub compiled: &'a Compiled,
    pub tokens: &'a Tokens,
    pub steps: &'a Steps,
    pub nouns: Vec<Option<Noun>>,
    /// Which tokens belong to a phrase that says a value.
    pub covered: Vec<bool>,
    /// The attributes of which a token may say a value.
    pub may: Vec<Vec<usize>>,
    /// The attribute of which a token surely says a value.
    pub sure: Vec<Option<usize>>,
    /// Which tokens say a fabric.
    pub cloth: Vec<bool>,
    /// Which tokens stand in a clause about another garment.
    pub elsewhere: Vec<bool>,
    /// Which tokens belong to an idiom.
    pub idiom: Vec<bool>,
    pub marks: Vec<Mark>,
    /// To which classes of words each token belongs.
    kinds: Vec<Kinds<'a>>,
}

/// What a word belongs to by its key. Phrases ask so often that it is looked up once.
#[derive(Clone, Copy)]
struct Kinds<'a> {
    place: bool,
    material: bool,
    groups: &'a [usize],
}

impl<'a> Kinds<'a> {
    fn of(token: &Token, roles: &'a Roles) -> Kinds<'a> {
        let groups = roles.groups.get(&token.key);
        Kinds {
            place: roles.places.contains(&token.key),
            material: roles.materials.contains(&token.key),
            groups: groups.map(Vec::as_slice).unwrap_or_default(),
        }
    }
}

impl<'a> Reading<'a> {
    /// Finds the nouns. `category` is the garment's place in the lexicon; the
    /// first garment of the text where that is not known.
    pub fn new(
        compiled: &'a Compiled,
        tokens: &'a Tokens,
        steps: &'a Steps,
        category: Option<usize>,
    ) -> Reading<'a> {
        let list = &tokens.list;
        let found = compiled.nouns.find(list, &|_, _| false, steps);
        let found = longest_first(found, list.len(), |_| false);
        let garment = |found: &Match<NounSense>| {
            found.senses.iter().find_map(|sense| match sense {
                NounSense::Garment(garment) => Some(*garment),
                _ => None,
            })
        };
        let own = category.or_else(|| found.iter().find_map(garment));
        let own = own.and_then(|own| compiled.garments.get(own));
        let mut nouns = vec![None; list.len()];
        for found in &found {
            let is_own = |garment: usize| {
                own.is_some_and(|own| own.contains(&garment)) || follows_this(compiled, list, found)
            };
            let noun = match (garment(found), found.senses.first()) {
                (Some(garment), _) if is_own(garment) => Noun::Own,
                (Some(_), _) => Noun::Other,
                (None, Some(NounSense::Part)) => Noun::Part,
                (None, Some(NounSense::Thing)) => Noun::Thing,
                (None, _) => Noun::Own,
            };
            for &token in &found.tokens {
                nouns[token] = Some(noun);
            }
        }
        Reading {
            elsewhere: elsewhere(compiled, list, &nouns),
            compiled,
            tokens,
            steps,
            nouns,
            covered: vec![false; list.len()],
            may: vec![Vec::new(); list.len()],
            sure: vec![None; list.len()],
            cloth: vec![false; list.len()],
            idiom: vec![false; list.len()],
            marks: Vec::new(),
            kinds: list
                .iter()
                .map(|token| Kinds::of(token, &compiled.roles))
                .collect(),
        }
    }

    pub fn token(&self, at: usize) -> Option<&Token> {
        self.tokens.list.get(at)
    }

    pub fn is_covered(&self, at: usize) -> bool {
        self.covered.get(at).copied().unwrap_or_default()
    }

    pub fn noun(&self, at: usize) -> Option<Noun> {
        self.nouns.get(at).copied().flatten()
    }

    fn is_cloth(&self, at: usize) -> bool {
        self.cloth.get(at).copied().unwrap_or_default()
    }

    /// The attributes of which the token at `at` may say a value.
    pub fn may_be_of(&self, at: usize) -> &[usize] {
        self.may.get(at).map(Vec::as_slice).unwrap_or_default()
    }

    /// The attribute of which the token at `at` surely says a value.
    pub fn sure_of(&self, at: usize) -> Option<usize> {
        self.sure.get(at).copied().flatten()
    }

    /// Whether the token at `at` joins two words of a kind.
    pub fn joins(&self, at: usize) -> bool {
        self.token(at)
            .is_some_and(|token| self.compiled.roles.joins.contains(&token.key))
    }

    /// Whether the token at `at` is of this class.
    pub fn is(&self, class: &Class, at: usize) -> bool {
        let (Some(token), Some(kinds)) = (self.token(at), self.kinds.get(at)) else {
            return false;
        };
        let starts_with = |test: fn(char) -> bool| token.word.chars().next().is_some_and(test);
        match class {
            Class::Number => starts_with(|c| c.is_ascii_digit()),
            Class::Percent => token.word.ends_with('%'),
            Class::Money => starts_with(|c| matches!(c, '$' | '€' | '£' | '₹' | '¥')),
            Class::Place => kinds.place,
            Class::Name => kinds.place || token.capital && !token.stop && token.gap < Gap::End,
            Class::Material => kinds.material,
            Class::Garment => matches!(self.noun(at), Some(Noun::Own | Noun::Other)),
            Class::Group(place) => kinds.groups.contains(place),
        }
    }

    /// The noun of the phrase in which a word stands that ends at `last`. Values
    /// on the way are passed; a fabric or a garment among them is the noun where
    /// no other follows: "loose olive linen".
    pub fn noun_after(&self, last: usize) -> After {
        let (mut unknown, mut pattern, mut own) = (false, false, false);
        let mut cloth = self.is_cloth(last);
        if self.token(last).is_none_or(|token| token.stop) {
            return After::Nothing;
        }
        for at in last + 1..=last + PHRASE {
            self.steps.tick();
            let Some(token) = self.token(at) else { break };
            let covered = self.is_covered(at);
            // After a fabric a comma begins the next thing of a list.
            let parted = token.gap == Gap::Comma && (cloth || !covered);
            if token.gap > Gap::Comma || parted {
                break;
            }
            let of_pattern = self.compiled.roles.pattern_words.contains(&token.word);
            pattern |= of_pattern;
            cloth |= self.is_cloth(at);
            own |= self.is_cloth(at) || covered && self.noun(at) == Some(Noun::Own);
            if covered || of_pattern {
                continue;
            }
            if self.joins(at) {
                if !self.is_covered(at + 1) {
                    break;
                }
            } else if self.noun(at) == Some(Noun::Thing) && unknown {
                break;
            } else if self.noun(at).is_some() {
                return self.last_noun(at).map_or(After::Nothing, After::Noun);
            } else if token.stop {
                break;
            } else {
                unknown = true;
            }
        }
        if pattern {
            After::Noun(Noun::PatternPart)
        } else if own {
            After::Noun(Noun::Own)
        } else if unknown {
            After::Unknown
        } else {
            After::Nothing
        }
    }

    /// Of nouns in a row the last one counts ("shirt collar"), but a part of
    /// another garment is that garment's.
    fn last_noun(&self, at: usize) -> Option<Noun> {
        let first = self.noun(at)?;
        let mut noun = first;
        for next in at + 1..=at + 2 {
            // "The tone glows" is no glow.
            let near = self
                .token(next)
                .is_some_and(|token| token.gap <= Gap::Space && !token.stop);
            match self.noun(next) {
                Some(next_noun) if near && !self.is_covered(next) => noun = next_noun,
                _ => break,
            }
        }
        match (first, noun) {
            (Noun::Other, Noun::Part | Noun::PatternPart) => Some(Noun::Other),
            _ => Some(noun),
        }
    }

    /// The noun of which the words from `first` to `last` are said: "the buttons
    /// are …", "trousers in …", "the buttons black".
    pub fn noun_before(&self, first: usize, last: usize) -> Option<Noun> {
        let roles = &self.compiled.roles;
        let near = self.token(first)?.gap <= Gap::Space;
        let before = first
            .checked_sub(1)
            .filter(|&at| near && !self.is_covered(at));
        if let Some(noun) = before.and_then(|at| self.noun(at))
            && self.is_parted(last + 1)
        {
            return Some(noun);
        }
        let mut link: Option<&Token> = None;
        for at in (first.saturating_sub(PHRASE)..first).rev() {
            self.steps.tick();
            if self.token(at + 1)?.gap > Gap::Space {
                return None;
            }
            let token = self.token(at)?;
            if roles.links.contains(&token.key) {
                if link.is_some() {
                    return None;
                }
                link = Some(token);
                continue;
            }
            if link.is_some() && roles.pattern_words.contains(&token.word) {
                return Some(Noun::PatternPart);
            }
            if self.is_covered(at) || roles.determiners.contains(&token.key) {
                continue;
            }
            if let Some(noun) = self.noun(at) {
                // "The night in red": the night is not red.
                let place = link.is_some_and(|link| roles.placed.contains(&link.key));
                let meant = link.is_some() && !(noun == Noun::Thing && place);
                return meant.then_some(noun);
            }
            if token.stop || link.is_none() && at + 2 < first {
                return None;
            }
        }
        None
    }
}

/// Whether a garment's word says that it is the one at hand, whatever it is called: "this tee"
/// of a shirt.
fn follows_this(compiled: &Compiled, list: &[Token], found: &Match<NounSense>) -> bool {
    let roles = &compiled.roles;
    let first = found.first();
    let near = list.get(first).is_some_and(|token| token.gap <= Gap::Space);
    let before = first.checked_sub(1).and_then(|at| list.get(at));
    near && before.is_some_and(|before| {
        roles.own.contains(&before.key) && roles.determiners.contains(&before.key)
    })
}

/// Which tokens stand in a clause whose subject is another garment: "the jacket
/// beside it is black". One that speaks of this garment as well is about it.
fn elsewhere(compiled: &Compiled, tokens: &[Token], nouns: &[Option<Noun>]) -> Vec<bool> {
    let roles = &compiled.roles;
    let mut elsewhere = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let inner = rest.iter().skip(1);
        let length = 1 + inner.take_while(|token| token.gap < Gap::Break).count();
        let (clause, after) = rest.split_at(length);
        rest = after;
        let begin = elsewhere.len();
        let noun = |at: usize| nouns.get(begin + at).copied().flatten();
        let opens = roles.determiners.contains(&first.key) && !roles.own.contains(&first.key);
        // The first noun, where nothing but adjectives stands before it.
        let subject = (1..clause.len().min(4)).take_while(|_| opens).find(|&at| {
            let token = &clause[at];
            noun(at).is_some() || token.stop || token.gap > Gap::Space
        });
        let subject = subject.filter(|&at| {
            noun(at) == Some(Noun::Other) && (at + 1 >= length || noun(at + 1).is_none())
        });
        let own = || {
            clause.iter().enumerate().any(|(at, token)| {
                let definite = roles.definite.contains(&token.key) && token.word != "the";
                definite || noun(at) == Some(Noun::Own)
            })
        };
        let subject = subject.filter(|_| !own());
        elsewhere.extend((0..length).map(|at| subject.is_some_and(|subject| at >= subject)));
    }
    elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;
    use crate::token::tokenise;
    use attributes::AttributeSet;

    fn with_reading<T>(text: &str, ask: impl FnOnce(&Reading<'_>) -> T) -> T {
        let compiled = Compiled::new(&AttributeSet::embedded(), &Lexicon::english());
        let tokens = tokenise(text, &compiled.words);
        let steps = Steps::default();
        let shirt = compiled
            .garment_names
            .iter()
            .position(|name| name == "shirt");
        ask(&Reading::new(&compiled, &tokens, &steps, shirt))
    }

    #[test]
    fn a_word_belongs_to_the_noun_of_its_phrase() {
        for (text, after) in [
            ("red shirt", After::Noun(Noun::Own)),
            ("red linen trousers", After::Noun(Noun::Other)),
            ("red buttons", After::Noun(Noun::Part)),
            ("red shirt buttons", After::Noun(Noun::Part)),
            ("red jeans pocket", After::Noun(Noun::Other)),
            ("red stripes", After::Noun(Noun::PatternPart)),
            ("red skies", After::Noun(Noun::Thing)),
            ("red fizzle", After::Unknown),
            ("red for trousers", After::Nothing),
            ("red. Trousers", After::Nothing),
            ("red", After::Nothing),
        ] {
            assert_eq!(
                with_reading(text, |reading| reading.noun_after(0)),
                after,
                "{text}"
            );
        }
    }

    #[test]
    fn a_clause_may_be_about_another_garment() {
        let elsewhere = |text: &str| with_reading(text, |reading| reading.elsewhere.clone());
        assert_eq!(
            elsewhere("Blue. The jacket is red; it is"),
            [false, false, true, true, true, false, false]
        );
        assert!(!elsewhere("The jacket for this shirt is red").contains(&true));
        assert!(!elsewhere("The jacket pocket").contains(&true));
    }

    #[test]
    fn a_word_may_be_said_of_what_stands_before() {
        for (text, first, noun) in [
            ("the buttons are white", 3, Some(Noun::Part)),
            ("trousers in white", 2, Some(Noun::Other)),
            ("trousers, in white", 2, None),
            ("trousers white", 1, Some(Noun::Other)),
            ("trousers white at", 1, None),
        ] {
            let before = with_reading(text, |reading| reading.noun_before(first, first));
            assert_eq!(before, noun, "{text}");
        }
    }
}
