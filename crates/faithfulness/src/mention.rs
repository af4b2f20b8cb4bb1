//! Where a text speaks of a value, and how.

use crate::compiled::{Attr, Sense, Strength};
use crate::reading::{After, Noun, Reading};
use crate::token::{Gap, Token};
use crate::trie::Match;

/// What a mention says, and how surely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// A value of the set or the lexicon.
    Value(usize, Strength),
    /// A given value, by its place.
    Given(usize),
}

/// A place at which the text speaks of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    pub first: usize,
    pub last: usize,
    /// What it may be a value of; more than one where attributes share words.
    pub said: Vec<Said>,
    pub stance: Stance,
    pub about: About,
    /// An unknown noun follows: it may be that which is so.
    pub loose: bool,
}

/// How the text stands to what is mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stance {
    Asserted,
    /// With the words that deny it.
    Denied(usize, usize),
    /// In a question.
    Asked,
    /// Compared, offered as a choice.
    Open,
}

/// What is said to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    This,
    /// Its pattern: "red stripes".
    Pattern,
    /// A part of it: "white buttons".
    Part,
    /// Another garment, or no garment at all.
    Other,
}

/// The mentions among what was found, in the order of the text.
pub(crate) fn mentions(reading: &mut Reading<'_>, found: &[Match<Sense>]) -> Vec<Mention> {
    let values = || {
        found
            .iter()
            .filter(|found| !found.senses.contains(&Sense::Idiom))
    };
    for found in found {
        if found.senses.contains(&Sense::Idiom) {
            for &token in &found.tokens {
                reading.idiom[token] = true;
            }
        }
    }
    for found in values() {
        let sure = found.senses.iter().find_map(|sense| match *sense {
            Sense::Value(value, Strength::Strong) => reading.compiled.values.get(value),
            _ => None,
        });
        let sure = sure.map(|value| value.attribute);
        let of = |sense: &Sense| match *sense {
            Sense::Value(value, _) => reading.compiled.values.get(value),
            Sense::Given(_) | Sense::Idiom => None,
        };
        let may = found.senses.iter().filter_map(of);
        let may: Vec<usize> = may.map(|value| value.attribute).collect();
        let attr = sure.and_then(|attribute| reading.compiled.attributes.get(attribute));
        let cloth = attr.is_some_and(|attr| attr.claim.is_some());
        for &token in &found.tokens {
            reading.covered[token] = true;
            reading.may[token].clone_from(&may);
            reading.sure[token] = sure;
            reading.cloth[token] = cloth;
        }
    }
    let reading = &*reading;
    let mut mentions: Vec<Mention> = values()
        .filter_map(|found| mention(reading, found))
        .collect();
    leave_choices_open(reading, &mut mentions);
    mentions
}

fn mention(reading: &Reading<'_>, found: &Match<Sense>) -> Option<Mention> {
    let (first, last) = (found.first(), found.last());
    let said: Vec<Said> = found
        .senses
        .iter()
        .filter_map(|sense| resolve(reading, first, last, *sense))
        .collect();
    if said.is_empty() {
        return None;
    }
    let (about, loose) = about(reading, first, last, &said);
    Some(Mention {
        first,
        last,
        said,
        stance: stance(reading, &found.tokens),
        about,
        loose,
    })
}

fn resolve(reading: &Reading<'_>, first: usize, last: usize, sense: Sense) -> Option<Said> {
    match sense {
        Sense::Idiom => None,
        Sense::Given(place) => Some(Said::Given(place)),
        Sense::Value(value, Strength::Weak) => {
            let attribute = reading.compiled.values.get(value)?.attribute;
            reading
                .is_value_here(first, last, attribute)
                .then_some(Said::Value(value, Strength::Strong))
        }
        Sense::Value(value, strength) => Some(Said::Value(value, strength)),
    }
}

/// How the text stands to what the words at these tokens say.
pub(crate) fn stance(reading: &Reading<'_>, tokens: &[usize]) -> Stance {
    let (Some(&first), Some(&last)) = (tokens.first(), tokens.last()) else {
        return Stance::Open;
    };
    // "No" in "no sleeves" is a part of the value, no denial of it; so is "removed" in "sleeves
    // have been removed".
    let outside = |&(from, to): &(usize, usize)| !tokens.iter().any(|at| (from..=to).contains(at));
    let mark = |at: usize| reading.marks.get(at).copied().unwrap_or_default();
    let ends = [mark(first), mark(last)];
    let denied = ends.iter().find_map(|mark| mark.denied.filter(outside));
    let open = ends
        .iter()
        .any(|mark| mark.open.is_some_and(|by| outside(&by)));
    if let Some((from, to)) = denied {
        return Stance::Denied(from, to);
    }
    if open {
        return Stance::Open;
    }
    if !reading.tokens.is_question(last) {
        return Stance::Asserted;
    }
    match answer(reading, last) {
        Some(no) => Stance::Denied(no, no),
        None => Stance::Asked,
    }
}

/// The word that says no right after the question in which `at` stands.
fn answer(reading: &Reading<'_>, at: usize) -> Option<usize> {
    let sentence = reading.token(at)?.sentence;
    for next in at + 1..=at + 12 {
        let token = reading.token(next)?;
        if token.sentence != sentence {
            return reading
                .compiled
                .roles
                .noes
                .contains(&token.key)
                .then_some(next);
        }
    }
    None
}

fn about(reading: &Reading<'_>, first: usize, last: usize, said: &[Said]) -> (About, bool) {
    let compiled = reading.compiled;
    let roles = &compiled.roles;
    let value = |said: &Said| match said {
        Said::Value(value, _) => compiled.values.get(*value),
        Said::Given(_) => None,
    };
    let all = |test: fn(&Attr) -> bool| {
        said.iter().all(|said| {
            let attr = value(said).and_then(|value| compiled.attributes.get(value.attribute));
            attr.is_some_and(test)
        })
    };
    // A sleeve or neck is a part by itself.
    let of_part = all(Attr::is_of_part);
    let of_pattern = all(|attr| attr.of_pattern);
    let aside = said
        .iter()
        .all(|said| value(said).is_some_and(|value| value.aside));
    let before = |steps: usize| first.checked_sub(steps).and_then(|at| reading.token(at));
    let is_definite = |token: &Token| roles.definite.contains(&token.key);
    let definite = [1, 2].into_iter().filter_map(before).any(is_definite);

    let partner = reading.marks.get(first).is_some_and(|mark| mark.partner);
    let elsewhere = reading.elsewhere.get(first).copied().unwrap_or_default();
    let of_set = said.iter().all(|said| matches!(said, Said::Value(..)));
    if partner && !(of_part && definite)
        || of_set && (elsewhere || reading.noun(last) == Some(Noun::Other))
    {
        return (About::Other, false);
    }
    let after = reading.noun_after(last);
    let noun = match after {
        _ if !of_part && is_set_off(reading, first) => Some(Noun::Part),
        After::Noun(noun) => Some(noun),
        After::Unknown | After::Nothing => reading.noun_before(first, last),
    };
    let about = match noun {
        None | Some(Noun::Own) => About::This,
        Some(Noun::Other) => About::Other,
        Some(_) if of_part => About::This,
        Some(Noun::Thing) => About::Other,
        Some(Noun::PatternPart) if of_pattern => About::This,
        Some(Noun::PatternPart) => About::Pattern,
        // Beads are on a part, and the garment is beaded.
        Some(Noun::Part) if aside => About::Pattern,
        Some(Noun::Part) => About::Part,
    };
    let names_pattern = reading
        .token(last)
        .is_some_and(|token| roles.pattern_words.contains(&token.word));
    (about, after == After::Unknown && !names_pattern)
}

/// Whether the words before `first` set what follows off from the rest:
/// "contrasting white", "lined with silk".
fn is_set_off(reading: &Reading<'_>, first: usize) -> bool {
    let roles = &reading.compiled.roles;
    let before = |steps: usize| first.checked_sub(steps).and_then(|at| reading.token(at));
    let contrasts = |token: &Token| roles.contrasting.contains(&token.key);
    let trims = |steps: &usize| {
        let trims = before(*steps).is_some_and(|token| roles.trims.contains(&token.key));
        trims && before(steps - 1).is_some_and(|token| token.stop)
    };
    [1, 2].into_iter().filter_map(before).any(contrasts) || [2, 3, 4].iter().any(trims)
}

/// "Long or short sleeves", "from short to long": neither is said of this one.
fn leave_choices_open(reading: &Reading<'_>, mentions: &mut [Mention]) {
    let attributes = |mention: &Mention| -> Vec<(usize, usize)> {
        let values = mention.said.iter().filter_map(|said| match said {
            Said::Value(value, _) => Some(*value),
            Said::Given(_) => None,
        });
        values
            .filter_map(|id| Some((reading.compiled.values.get(id)?.attribute, id)))
            .collect()
    };
    for place in 1..mentions.len() {
        let (before, rest) = mentions.split_at_mut(place);
        let (Some(one), Some(other)) = (before.last_mut(), rest.first_mut()) else {
            continue;
        };
        let chosen = (one.last + 1..other.first)
            .take(3)
            .filter_map(|at| reading.token(at))
            .any(|token| {
                reading.compiled.roles.choices.contains(&token.key) && token.gap <= Gap::Comma
            });
        let near = other.first > one.last && other.first - one.last <= 3;
        let (ones, others) = (attributes(one), attributes(other));
        let differ = ones.iter().any(|(attribute, value)| {
            let mut others = others.iter();
            others.any(|(other, other_value)| attribute == other && value != other_value)
        });
        let same = ones.iter().any(|value| others.contains(value));
        if chosen && near && differ && !same {
            for mention in [one, other] {
                if mention.stance == Stance::Asserted {
                    mention.stance = Stance::Open;
                }
            }
        }
    }
}
