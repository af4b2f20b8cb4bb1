//! What is denied, left open, or said of another garment.

use crate::lexicon::ScopeKind;
use crate::pattern::Class;
use crate::reading::{Noun, Reading};
use crate::token::Gap;
use crate::trie::{Match, longest_first};

/// How far a partner's clause is followed, in words.
const PARTNER_REACH: usize = 24;
/// How far a list is looked ahead, in words.
const SEGMENT: usize = 8;

/// What the words around a token do to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The first and last token of the words that deny it.
    pub denied: Option<(usize, usize)>,
    /// The first and last token of the words that leave it open.
    pub open: Option<(usize, usize)>,
    /// It is said of another garment.
    pub partner: bool,
}

/// The marks of all tokens.
pub(crate) fn marks(reading: &Reading<'_>) -> Vec<Mark> {
    let tokens = &reading.tokens.list;
    let found = reading.compiled.scopes.find(
        tokens,
        &|class: &Class, at: usize| reading.is(class, at),
        reading.steps,
    );
    let mut marks = vec![Mark::default(); tokens.len()];
    for found in longest_first(found, tokens.len(), |_| false) {
        let Some(sense) = found.senses.first() else {
            continue;
        };
        let operator = (found.first(), found.last());
        for at in reach(reading, &found, sense.kind, sense.reach) {
            let mark = &mut marks[at];
            match sense.kind {
                // Of two that deny the nearer one counts.
                ScopeKind::Denial | ScopeKind::DenialBefore | ScopeKind::DenialSuffix => {
                    mark.denied = Some(operator);
                }
                ScopeKind::Open | ScopeKind::OpenBefore => mark.open = Some(operator),
                ScopeKind::Partner => mark.partner = true,
                ScopeKind::None => {}
            }
        }
    }
    marks
}

/// The tokens that an operator reaches.
fn reach<T>(
    reading: &Reading<'_>,
    found: &Match<T>,
    kind: ScopeKind,
    reach: usize,
) -> std::ops::Range<usize> {
    let (first, last) = (found.first(), found.last());
    match kind {
        ScopeKind::None => 0..0,
        ScopeKind::Denial | ScopeKind::Open => forward(reading, last, reach, false),
        ScopeKind::Partner => forward(reading, last, PARTNER_REACH, true),
        ScopeKind::DenialBefore | ScopeKind::OpenBefore => backward(reading, first, reach),
        ScopeKind::DenialSuffix => {
            let joined = |at: usize| {
                reading
                    .token(at)
                    .is_some_and(|token| token.gap == Gap::Joined)
            };
            match first.checked_sub(1) {
                Some(before) if joined(first) => before..first,
                _ => 0..0,
            }
        }
    }
}

fn forward(
    reading: &Reading<'_>,
    last: usize,
    reach: usize,
    partner: bool,
) -> std::ops::Range<usize> {
    let roles = &reading.compiled.roles;
    let begin = last + 1;
    let mut end = begin;
    while end < begin + reach {
        reading.steps.tick();
        let Some(token) = reading.token(end) else {
            break;
        };
        let parted = match token.gap {
            Gap::Joined | Gap::Space => false,
            Gap::Comma if partner => !lists_partners(reading, end),
            Gap::Comma => !lists_choices(reading, end),
            Gap::Break | Gap::End => true,
        };
        let begins_anew = reading.token(end + 1).is_some_and(|next| {
            roles.joins.contains(&token.key)
                && !roles.choices.contains(&token.key)
                && (roles.determiners.contains(&next.key) || roles.own.contains(&next.key))
        });
        let ends = if partner {
            roles.own.contains(&token.key)
        } else {
            roles.denial_ends.contains(&token.key) || begins_anew
        };
        if parted || ends || roles.turns.contains(&token.key) {
            break;
        }
        end += 1;
    }
    begin..end
}

fn backward(reading: &Reading<'_>, first: usize, reach: usize) -> std::ops::Range<usize> {
    let mut begin = first;
    while begin > 0 && first - begin < reach {
        reading.steps.tick();
        let near = reading
            .token(begin)
            .is_some_and(|token| token.gap <= Gap::Space);
        let turns = reading
            .token(begin - 1)
            .is_some_and(|token| reading.compiled.roles.turns.contains(&token.key));
        if !near || turns {
            break;
        }
        begin -= 1;
    }
    begin..first
}

/// Whether the words after a comma at `at` go on with what to wear: another
/// garment is among them, and not this one.
fn lists_partners(reading: &Reading<'_>, at: usize) -> bool {
    for next in at..at + SEGMENT {
        reading.steps.tick();
        let Some(token) = reading.token(next) else {
            return false;
        };
        if next > at && token.gap >= Gap::Comma || reading.compiled.roles.own.contains(&token.key) {
            return false;
        }
        match reading.noun(next) {
            Some(Noun::Other) => return true,
            Some(Noun::Own) => return false,
            _ => {}
        }
    }
    false
}

/// Whether the words after a comma at `at` go on with a list of choices: "no
/// stripes, checks or prints".
fn lists_choices(reading: &Reading<'_>, at: usize) -> bool {
    for next in at..at + SEGMENT / 2 {
        reading.steps.tick();
        let Some(token) = reading.token(next) else {
            return false;
        };
        if token.gap >= Gap::Break {
            return false;
        }
        let roles = &reading.compiled.roles;
        if roles.joins.contains(&token.key) && roles.choices.contains(&token.key) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compiled::Compiled;
    use crate::lexicon::Lexicon;
    use crate::token::tokenise;
    use crate::trie::Steps;
    use attributes::AttributeSet;

    /// The words of `text` for which `test` holds.
    fn words(text: &str, test: impl Fn(&Mark) -> bool) -> Vec<String> {
        let compiled = Compiled::new(&AttributeSet::embedded(), &Lexicon::english());
        let tokens = tokenise(text, &compiled.words);
        let steps = Steps::default();
        let shirt = compiled
            .garment_names
            .iter()
            .position(|name| name == "shirt");
        let reading = Reading::new(&compiled, &tokens, &steps, shirt);
        let marks = marks(&reading);
        let marked = tokens.list.iter().zip(marks).filter(|(_, mark)| test(mark));
        marked.map(|(token, _)| token.word.clone()).collect()
    }

    fn denied(text: &str) -> Vec<String> {
        words(text, |mark| mark.denied.is_some())
    }

    #[test]
    fn a_negation_reaches_to_the_end_of_its_phrase() {
        assert_eq!(denied("without stripes, in blue"), ["stripes"]);
        assert_eq!(denied("no collar but a round neck"), ["collar"]);
        assert_eq!(denied("no stripes and a slim fit"), ["stripes"]);
        assert_eq!(
            denied("neither checked nor striped. Long"),
            ["checked", "nor", "striped"]
        );
        assert!(denied("no stripes, checks or prints").contains(&"prints".to_owned()));
        assert_eq!(denied("instead of stripes"), ["stripes"]);
        assert_eq!(denied("a stripe-free shirt"), ["stripe"]);
    }

    #[test]
    fn what_only_looks_like_a_negation_is_none() {
        for text in [
            "not only striped",
            "no doubt striped",
            "feel free",
            "not just any shirt",
        ] {
            assert!(denied(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn a_partner_has_its_clause_and_no_more() {
        let partner = |text: &str| words(text, |mark| mark.partner).join(" ");
        assert_eq!(
            partner("Pair it with white trousers. Striped"),
            "white trousers"
        );
        assert_eq!(
            partner("Pair it with white trousers, brown loafers and a belt, this blue shirt"),
            "white trousers brown loafers and a belt"
        );
        assert_eq!(partner("Team with white, and the slim fit shines"), "white");
        assert_eq!(partner("a striped shirt"), "");
    }
}
