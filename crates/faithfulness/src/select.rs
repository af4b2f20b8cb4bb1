//! Which of the phrases that share words are heard.

use crate::compiled::{Compiled, Sense, Strength};
use crate::trie::{Match, Steps};

/// Of phrases that share words: the longest has them, an idiom before others of
/// its length. A phrase of another attribute may use a word as well ("long
/// sleeves that flare" says two things of sleeves), unless it is an ambiguous
/// part of the longer one ("regular" of "regular sleeves"). Of two as long about
/// one attribute the first is heard, and the other speaks for what is given only.
pub(crate) fn heard(
    compiled: &Compiled,
    found: Vec<Match<Sense>>,
    tokens: usize,
    steps: &Steps,
) -> Vec<Match<Sense>> {
    let longest = found.iter().map(|found| found.tokens.len()).max();
    let mut ranks: Vec<Vec<Match<Sense>>> = Vec::new();
    ranks.resize_with(2 * longest.unwrap_or_default() + 2, Vec::new);
    for found in found {
        let idiom = found.senses.contains(&Sense::Idiom);
        ranks[2 * found.tokens.len() + usize::from(idiom)].push(found);
    }
    let mut kept: Vec<Match<Sense>> = Vec::new();
    // For each token those of `kept` that have it; they differ in attribute.
    let mut owners: Vec<Vec<usize>> = vec![Vec::new(); tokens];
    for found in ranks.into_iter().rev().flatten() {
        steps.tick();
        let verdict = match verdict(compiled, &found, &kept, &owners) {
            // "Cotton candy pink" is a colour, and its cotton still no cotton.
            Verdict::Dropped if is_owned_idiom(&found, &owners) => Verdict::Heard,
            verdict => verdict,
        };
        match verdict {
            Verdict::Heard => {
                for &token in &found.tokens {
                    if let Some(owners) = owners.get_mut(token) {
                        owners.push(kept.len());
                    }
                }
                kept.push(found);
            }
            Verdict::Hint => kept.push(as_hint(found)),
            Verdict::Dropped => {}
        }
    }
    kept.retain(|found| !found.senses.is_empty());
    kept.sort_by(|one, other| one.tokens.cmp(&other.tokens));
    kept
}

/// Whether it is an idiom all of whose words belong to longer phrases.
fn is_owned_idiom(found: &Match<Sense>, owners: &[Vec<usize>]) -> bool {
    let owned = |&token: &usize| owners.get(token).is_some_and(|owners| !owners.is_empty());
    found.senses.contains(&Sense::Idiom) && found.tokens.iter().all(owned)
}

enum Verdict {
    Heard,
    Hint,
    Dropped,
}

fn verdict(
    compiled: &Compiled,
    found: &Match<Sense>,
    kept: &[Match<Sense>],
    owners: &[Vec<usize>],
) -> Verdict {
    let mut verdict = Verdict::Heard;
    let owners = found.tokens.iter().filter_map(|&token| owners.get(token));
    for owner in owners.flatten().filter_map(|&owner| kept.get(owner)) {
        let repeated = found.tokens == owner.tokens
            && found
                .senses
                .iter()
                .all(|sense| owner.senses.contains(sense));
        if repeated {
            return Verdict::Dropped;
        }
        let longer = owner.tokens.len() > found.tokens.len();
        let strong = |sense: &Sense| matches!(sense, Sense::Value(_, Strength::Strong));
        let within = || {
            let mut tokens = found.tokens.iter();
            !found.senses.iter().any(strong) && tokens.all(|token| owner.tokens.contains(token))
        };
        match (attributes(compiled, found), attributes(compiled, owner)) {
            (Some(own), Some(others)) => {
                let same = own.iter().any(|attribute| others.contains(attribute));
                if longer && (same || within()) {
                    return Verdict::Dropped;
                }
                if same {
                    verdict = Verdict::Hint;
                }
            }
            _ => return Verdict::Dropped,
        }
    }
    verdict
}

/// The attributes of which a phrase may speak; `None` where it has its words
/// for itself.
fn attributes(compiled: &Compiled, found: &Match<Sense>) -> Option<Vec<usize>> {
    let senses = found.senses.iter();
    senses
        .map(|sense| match sense {
            Sense::Value(value, _) => compiled.values.get(*value).map(|value| value.attribute),
            Sense::Given(_) | Sense::Idiom => None,
        })
        .collect()
}

fn as_hint(found: Match<Sense>) -> Match<Sense> {
    let senses = found.senses.iter().filter_map(|sense| match sense {
        Sense::Value(value, Strength::Strong) => Some(Sense::Value(*value, Strength::Hint)),
        _ => None,
    });
    Match {
        senses: senses.collect(),
        tokens: found.tokens,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;
    use crate::token::tokenise;
    use attributes::AttributeSet;

    fn heard_in(text: &str) -> Vec<String> {
        let compiled = Compiled::new(&AttributeSet::embedded(), &Lexicon::english());
        let tokens = tokenise(text, &compiled.words).list;
        let steps = Steps::default();
        let found = compiled.senses.find(&tokens, &|_, _| false, &steps);
        let heard = heard(&compiled, found, tokens.len(), &steps);
        let words = heard.iter().map(|found| {
            let words = found.tokens.iter().map(|&at| tokens[at].word.as_str());
            words.collect::<Vec<_>>().join(" ")
        });
        words.collect()
    }

    #[test]
    fn the_longest_of_one_attribute_is_heard() {
        assert_eq!(heard_in("off white"), ["off white"]);
        assert_eq!(heard_in("slim collar"), ["slim collar"]);
    }

    #[test]
    fn an_idiom_has_its_words_for_itself() {
        assert_eq!(heard_in("cotton candy"), ["cotton candy"]);
    }

    #[test]
    fn two_attributes_may_share_a_word() {
        let heard = heard_in("long sleeves that flare");
        assert_eq!(heard, ["long sleeves", "sleeves flare"]);
    }
}
