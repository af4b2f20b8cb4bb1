//! What a text claims beyond what is known, by the lexicon's phrases.

use std::collections::HashSet;

use attributes::fold;

use crate::compiled::{ClaimSense, Compiled};
use crate::findings::{Claim, ClaimKind};
use crate::known::Known;
use crate::pattern::Class;
use crate::reading::{After, Noun, Reading};
use crate::token::{self, Gap};
use crate::trie::{Match, longest_first};

/// The least number of letters by which two words of one root agree.
const ROOT: usize = 4;

/// The claims of a text in its order, without those for which `known` speaks.
pub(crate) fn claims(reading: &Reading<'_>, text: &str, known: &Known) -> Vec<Claim> {
    let compiled = reading.compiled;
    let support = Support::new(compiled, known);
    let tokens = &reading.tokens.list;
    let is = |class: &Class, at: usize| reading.is(class, at);
    let never = |sense: &ClaimSense| *sense == ClaimSense::Never;

    let mut names = compiled.names.find(tokens, &is, reading.steps);
    // A name in small letters is no name, and must not hide what else is there.
    names.retain(|found| found.senses.iter().any(never) || has_capitals(reading, found));
    let mut names = longest_first(names, tokens.len(), never);
    names.retain(|found| !is_ordinary(reading, found));
    let mut named = vec![false; tokens.len()];
    for found in names.iter().filter(|found| kind(found).is_some()) {
        for &token in &found.tokens {
            named[token] = true;
        }
    }

    let says = compiled.claims.find(tokens, &is, reading.steps);
    let mut says = longest_first(says, tokens.len(), never);
    // "Straight from" a shop is no place.
    says.retain(|found| {
        kind(found) != Some(ClaimKind::Origin) || !found.tokens.iter().any(|&at| named[at])
    });
    says.iter()
        .chain(&names)
        .filter_map(|found| {
            let kind = kind(found)?;
            // "Do not tumble dry" tells how to care.
            let denied = kind != ClaimKind::Care && is_denied(reading, found);
            if denied || is_others(reading, found) {
                return None;
            }
            let keys: Vec<&String> = found
                .tokens
                .iter()
                .filter_map(|&at| reading.token(at))
                .filter(|token| !token.stop)
                .map(|token| &token.key)
                .collect();
            if support.covers(kind, &keys) {
                return None;
            }
            let span = reading.tokens.span(found.first(), found.last());
            Some(Claim {
                kind,
                text: span.of(text).to_owned(),
                span,
            })
        })
        .collect()
}

/// Whether the title says these words: what it says is known.
pub(crate) fn is_in_title(compiled: &Compiled, known: &Known, words: &str) -> bool {
    let title = known.title.as_deref().unwrap_or_default();
    let title = token::keys(title, &compiled.words);
    let keys = token::keys(words, &compiled.words);
    !keys.is_empty() && keys.iter().all(|key| title.contains(key))
}

fn kind(found: &Match<ClaimSense>) -> Option<ClaimKind> {
    if found.senses.contains(&ClaimSense::Never) {
        return None;
    }
    found.senses.iter().find_map(|sense| match sense {
        ClaimSense::Claims(kind) => Some(*kind),
        ClaimSense::Never => None,
    })
}

fn has_capitals(reading: &Reading<'_>, found: &Match<ClaimSense>) -> bool {
    found.tokens.iter().all(|&at| {
        reading
            .token(at)
            .is_some_and(|token| token.capital || token.stop || token.word == "and")
    })
}

/// A word with a capital because a sentence begins: "Guess what".
fn is_ordinary(reading: &Reading<'_>, found: &Match<ClaimSense>) -> bool {
    let first = reading.token(found.first());
    found.tokens.len() == 1
        && first.is_some_and(|token| {
            token.gap == Gap::End && reading.compiled.roles.uncertain.contains(&token.key)
        })
}

/// "It is not waterproof" claims nothing; "never needs ironing" does.
fn is_denied(reading: &Reading<'_>, found: &Match<ClaimSense>) -> bool {
    let mark = reading.marks.get(found.first());
    mark.and_then(|mark| mark.denied)
        .is_some_and(|(from, to)| !found.tokens.contains(&from) && to < found.first())
}

/// Whether it is said of another garment: "Italian leather loafers".
fn is_others(reading: &Reading<'_>, found: &Match<ClaimSense>) -> bool {
    reading.noun(found.last()) == Some(Noun::Other)
        || matches!(reading.noun_after(found.last()), After::Noun(Noun::Other))
}

/// What is known that may stand behind a claim.
struct Support {
    /// The keys of the title's words.
    title: HashSet<String>,
    /// The keys of each value's words.
    values: Vec<HashSet<String>>,
    /// Of each kind the values of the attributes that speak of it.
    by_kind: Vec<(ClaimKind, HashSet<String>)>,
}

impl Support {
    fn new(compiled: &Compiled, known: &Known) -> Support {
        let keys = |text: &str| -> HashSet<String> {
            token::keys(text, &compiled.words).into_iter().collect()
        };
        let by_kind = compiled.supports.iter().map(|(kind, names)| {
            let values = known.attributes.iter();
            let values = values.filter(|(name, _)| names.contains(&fold(name)));
            (*kind, values.flat_map(|(_, value)| keys(value)).collect())
        });
        Support {
            title: known.title.as_deref().map(keys).unwrap_or_default(),
            values: known.attributes.values().map(|value| keys(value)).collect(),
            by_kind: by_kind.collect(),
        }
    }

    /// Whether a claim in these words is known: the title or a value says it,
    /// or an attribute of its kind is given and shares a word's root with it.
    fn covers(&self, kind: ClaimKind, keys: &[&String]) -> bool {
        let said_by = |words: &HashSet<String>| {
            !keys.is_empty() && keys.iter().all(|key| words.contains(*key))
        };
        said_by(&self.title)
            || self.values.iter().any(said_by)
            || self
                .by_kind
                .iter()
                .filter(|(own, _)| *own == kind)
                .any(|(_, words)| {
                    words
                        .iter()
                        .any(|word| keys.iter().any(|key| akin(word, key)))
                })
    }
}

/// Whether two words have one root: "wash", "washable".
fn akin(one: &str, other: &str) -> bool {
    one == other
        || one.chars().count().min(other.chars().count()) >= ROOT
            && (one.starts_with(other) || other.starts_with(one))
}

#[cfg(test)]
mod tests {
    use crate::{Checker, ClaimKind, Known};
    use attributes::AttributeSet;

    fn kinds(known: &Known, text: &str) -> Vec<ClaimKind> {
        let findings = Checker::new(&AttributeSet::embedded()).check(known, text);
        findings.claims.iter().map(|claim| claim.kind).collect()
    }

    #[test]
    fn every_kind_is_found() {
        let known = Known::new("shirt");
        for (text, kind) in [
            ("A shirt made of soft cotton.", ClaimKind::Material),
            ("Handcrafted in Jaipur.", ClaimKind::Origin),
            ("A GOTS-certified shirt.", ClaimKind::Certificate),
            ("It is machine washable.", ClaimKind::Care),
            ("A waterproof shirt.", ClaimKind::Performance),
            ("Now at 20% off.", ClaimKind::Price),
            ("The best shirt in the world.", ClaimKind::Superlative),
            ("Hypoallergenic and light.", ClaimKind::Health),
            ("A limited edition.", ClaimKind::Availability),
            ("As worn by fans of Nike.", ClaimKind::Brand),
            ("Take a size up.", ClaimKind::Size),
        ] {
            assert_eq!(kinds(&known, text), [kind], "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_claim_is_none() {
        let known = Known::new("shirt");
        for text in [
            "A cotton-candy pink shirt.",
            "Pair it with Italian leather loafers.",
            "A print of organic shapes.",
            "A certified head-turner.",
            "It is not waterproof.",
            "Put your best foot forward.",
            "Leave a gap at the hem.",
            "Made in the shade of summer days.",
            "A model of calm, whatever the size of the day.",
        ] {
            assert!(kinds(&known, text).is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_known_is_no_claim() {
        let known = Known {
            title: Some("Nike Organic Cotton Shirt".into()),
            ..Known::new("shirt")
        }
        .with("Care", "Machine Wash");
        let text = "This Nike shirt is machine washable organic cotton.";
        assert!(kinds(&known, text).is_empty());
        let known = Known::new("shirt").with("Fabric", "Cotton");
        assert!(kinds(&known, "In soft cotton.").is_empty());
        assert_eq!(
            kinds(&known, "In organic cotton."),
            [ClaimKind::Certificate]
        );
    }
}
