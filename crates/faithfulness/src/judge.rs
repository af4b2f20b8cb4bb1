//! From what a text mentions to what it states, leaves out and contradicts.

use attributes::{AttributeSet, fold};

use crate::compiled::{Compiled, Relation, Strength};
use crate::findings::{Claim, Contradiction, Findings, Span};
use crate::known::Known;
use crate::mention::{About, Mention, Said, Stance};
use crate::reading::Reading;
use crate::token::{self, Gap};

mod beside;
mod sole;
mod untold;

/// How near two values are that are said together, in words.
const TOGETHER: usize = 5;

/// A known attribute, as far as set and lexicon know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub name: String,
    pub value: String,
    pub attribute: Option<usize>,
    pub value_id: Option<usize>,
    /// The keys of the value's words.
    pub keys: Vec<String>,
}

/// Looks up what is known.
pub(crate) fn givens(set: &AttributeSet, compiled: &Compiled, known: &Known) -> Vec<Given> {
    let attributes = known.attributes.iter();
    attributes
        .map(|(name, value)| {
            let in_set = set.attribute(name);
            let key = fold(in_set.map_or(name, |attribute| &attribute.name));
            let attribute = compiled.attribute_named(&key);
            let canonical = in_set.and_then(|attribute| attribute.value(value));
            let value_key = fold(canonical.map_or(value, |value| &value.name));
            Given {
                name: name.clone(),
                value: value.clone(),
                attribute,
                value_id: attribute
                    .and_then(|attribute| compiled.value_named(attribute, &value_key)),
                keys: token::keys(value, &compiled.words),
            }
        })
        .collect()
}

/// The attributes of which nothing is known, by their places, without those that are given.
pub(crate) fn untold_attributes(
    set: &AttributeSet,
    compiled: &Compiled,
    known: &Known,
    givens: &[Given],
) -> Vec<usize> {
    let names = known.unknown.iter();
    let places = names.filter_map(|name| {
        let in_set = set.attribute(name);
        compiled.attribute_named(&fold(in_set.map_or(name, |attribute| &attribute.name)))
    });
    let is_given = |place: &usize| givens.iter().any(|given| given.attribute == Some(*place));
    places.filter(|place| !is_given(place)).collect()
}

/// What the mentions say of what is given, and of what is `untold`, into `findings`.
pub(crate) fn judge(
    reading: &Reading<'_>,
    text: &str,
    givens: &[Given],
    untold: &[usize],
    mentions: &[Mention],
    findings: &mut Findings,
) {
    let mut judge = Judge {
        reading,
        text,
        givens,
        untold,
        mentions,
        mentioned: vec![false; givens.len()],
        contradicted: vec![false; givens.len()],
    };
    for place in 0..mentions.len() {
        judge.mention(place, findings);
    }
    judge.denials(findings);
    judge.hints();
    findings
        .contradicted
        .sort_by_key(|found| (found.span.start, found.span.end));
    for (place, given) in givens.iter().enumerate() {
        if judge.mentioned[place] {
            findings.mentioned.push(given.name.clone());
        } else if !judge.contradicted[place] {
            findings.unmentioned.push(given.name.clone());
            findings.missing_values.push(given.value.clone());
        }
    }
}

struct Judge<'a> {
    reading: &'a Reading<'a>,
    text: &'a str,
    givens: &'a [Given],
    untold: &'a [usize],
    mentions: &'a [Mention],
    mentioned: Vec<bool>,
    contradicted: Vec<bool>,
}

impl Judge<'_> {
    fn mention(&mut self, place: usize, findings: &mut Findings) {
        self.reading.steps.tick();
        let mentions = self.mentions;
        let Some(mention) = mentions.get(place) else {
            return;
        };
        if mention.about == About::Other {
            return;
        }
        self.claim(mention, findings);
        self.claim_of_untold(place, mention, findings);
        let relations: Vec<(usize, Relation, Strength)> = (0..self.givens.len())
            .filter_map(|given| {
                let (relation, strength) = self.relation(mention, given)?;
                Some((given, relation, strength))
            })
            .collect();
        match mention.stance {
            Stance::Denied(from, to) => {
                for (given, relation, strength) in relations {
                    let denies = matches!(relation, Relation::Same | Relation::General);
                    if denies && strength != Strength::Hint && mention.about != About::Part {
                        let first = mention.first.min(from);
                        let last = mention.last.max(to);
                        // An answer to a question stands too far to be quoted with it.
                        let near = last - first <= 2 * TOGETHER;
                        let (first, last) = if near {
                            (first, last)
                        } else {
                            (mention.first, mention.last)
                        };
                        self.contradict(given, first, last, findings);
                    }
                }
            }
            Stance::Asserted | Stance::Asked => self.assert(place, mention, relations, findings),
            Stance::Open => {}
        }
    }

    fn assert(
        &mut self,
        place: usize,
        mention: &Mention,
        relations: Vec<(usize, Relation, Strength)>,
        findings: &mut Findings,
    ) {
        if mention.about == About::Part {
            return;
        }
        self.sleeves_of_another_colour(mention, &relations, findings);
        let mut said = false;
        for &(given, relation, _) in &relations {
            if self.states(given, relation) {
                self.mentioned[given] = true;
                said = true;
            }
        }
        let contradicts = !said && mention.about == About::This && mention.stance != Stance::Asked;
        for (given, relation, strength) in relations {
            if contradicts
                && relation == Relation::Different
                && strength == Strength::Strong
                && !self.is_excused(place, mention, given)
            {
                self.contradict(given, mention.first, mention.last, findings);
            }
        }
    }

    /// Whether a value that stands in `relation` to the given one says it.
    fn states(&self, given: usize, relation: Relation) -> bool {
        match relation {
            Relation::Same | Relation::Finer => true,
            Relation::General => self
                .attribute_of(given)
                .and_then(|attribute| self.reading.compiled.attributes.get(attribute))
                .is_some_and(|attr| attr.general_counts),
            Relation::Kin | Relation::Different => false,
        }
    }

    fn attribute_of(&self, given: usize) -> Option<usize> {
        self.givens.get(given)?.attribute
    }

    /// How the mention stands to a given attribute; `None` where it does not
    /// speak of it. Of several readings the one that fits best counts.
    fn relation(&self, mention: &Mention, place: usize) -> Option<(Relation, Strength)> {
        let compiled = self.reading.compiled;
        let given = self.givens.get(place)?;
        let mut best: Option<(Relation, Strength)> = None;
        for said in &mention.said {
            let found = match *said {
                Said::Given(own) if own == place => (Relation::Same, Strength::Strong),
                Said::Given(_) => continue,
                Said::Value(value, strength) => {
                    let attribute = compiled.values.get(value).map(|value| value.attribute);
                    if attribute.is_none() || attribute != given.attribute {
                        continue;
                    }
                    let relation = match given.value_id {
                        Some(id) => compiled.relation(id, value),
                        None if self.shares_word(mention, given) => Relation::Kin,
                        None => Relation::Different,
                    };
                    (relation, strength)
                }
            };
            if best.is_none_or(|best| rank(found) < rank(best)) {
                best = Some(found);
            }
        }
        best
    }

    fn shares_word(&self, mention: &Mention, given: &Given) -> bool {
        (mention.first..=mention.last)
            .filter_map(|at| self.reading.token(at))
            .any(|token| !token.stop && given.keys.contains(&token.key))
    }

    /// Whether another value of the attribute may be said here all the same.
    fn is_excused(&self, place: usize, mention: &Mention, given: usize) -> bool {
        let compiled = self.reading.compiled;
        let attribute = self.attribute_of(given);
        let Some(attr) = attribute.and_then(|attribute| compiled.attributes.get(attribute)) else {
            return true;
        };
        let aside = mention.said.iter().any(|said| match *said {
            Said::Value(value, _) => compiled
                .values
                .get(value)
                .is_some_and(|value| value.aside && Some(value.attribute) == attribute),
            Said::Given(_) => false,
        });
        aside
            || attr.careful && mention.loose
            || self.also_states(place, given)
            || attr.combines && !self.is_sole(given) && self.stands_with(place, given)
    }

    /// Whether another reading of the same words states the given value.
    fn also_states(&self, place: usize, given: usize) -> bool {
        let Some(mention) = self.mentions.get(place) else {
            return false;
        };
        let mut others = self.around(place);
        others.any(|other| {
            other.first <= mention.last
                && mention.first <= other.last
                && other.stance == Stance::Asserted
                && self.is_stated_by(other, given)
        })
    }

    /// The mentions near that at `place`.
    fn around(&self, place: usize) -> impl Iterator<Item = &Mention> {
        (place.saturating_sub(3)..=place + 3)
            .filter(move |&other| other != place)
            .filter_map(move |other| self.mentions.get(other))
    }

    fn is_stated_by(&self, mention: &Mention, given: usize) -> bool {
        let relation = self.relation(mention, given);
        relation.is_some_and(|(relation, _)| self.states(given, relation))
    }

    /// Whether the given value is said beside the mention: "red and white".
    fn stands_with(&self, place: usize, given: usize) -> bool {
        let Some(mention) = self.mentions.get(place) else {
            return false;
        };
        self.around(place).any(|other| {
            let (first, last) = (mention.first.min(other.first), mention.last.max(other.last));
            let gap = other
                .first
                .saturating_sub(mention.last)
                .max(mention.first.saturating_sub(other.last));
            let parted = (first + 1..=last)
                .filter_map(|at| self.reading.token(at))
                .any(|token| token.gap >= Gap::Break);
            gap <= TOGETHER
                && !parted
                && other.stance == Stance::Asserted
                && matches!(other.about, About::This | About::Pattern)
                && self.is_stated_by(other, given)
        })
    }

    fn contradict(&mut self, given: usize, first: usize, last: usize, findings: &mut Findings) {
        let Some(known) = self.givens.get(given) else {
            return;
        };
        let span = self.reading.tokens.span(first, last);
        self.contradicted[given] = true;
        let again = findings
            .contradicted
            .iter()
            .any(|other| other.span == span && other.attribute == known.name);
        if !again {
            findings.contradicted.push(Contradiction {
                attribute: known.name.clone(),
                given: known.value.clone(),
                said: span.of(self.text).to_owned(),
                span,
            });
        }
    }

    /// A value of an attribute that is not given, where it is a claim.
    fn claim(&self, mention: &Mention, findings: &mut Findings) {
        if !matches!(mention.stance, Stance::Asserted | Stance::Asked) {
            return;
        }
        let compiled = self.reading.compiled;
        for said in &mention.said {
            let Said::Value(value, Strength::Strong) = *said else {
                continue;
            };
            let Some(attribute) = compiled.values.get(value).map(|value| value.attribute) else {
                continue;
            };
            let claim = compiled
                .attributes
                .get(attribute)
                .and_then(|attr| attr.claim);
            let Some(kind) = claim else { continue };
            let known = self.givens.iter().enumerate().any(|(place, given)| {
                given.attribute == Some(attribute)
                    && (mention.about != About::Part
                        || self
                            .relation(mention, place)
                            .is_some_and(|(relation, _)| relation != Relation::Different))
            });
            if !known {
                let span: Span = self.reading.tokens.span(mention.first, mention.last);
                findings.claims.push(Claim {
                    kind,
                    text: span.of(self.text).to_owned(),
                    span,
                });
                return;
            }
        }
    }
}

/// The lower the better it fits; of equal ones a sure one.
fn rank((relation, strength): (Relation, Strength)) -> (u8, bool) {
    let rank = match relation {
        Relation::Same => 0,
        Relation::Finer => 1,
        Relation::General => 2,
        Relation::Kin => 3,
        Relation::Different => 4,
    };
    (rank, strength != Strength::Strong)
}
