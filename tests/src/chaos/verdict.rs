//! Whether what lies in the bucket, and what was done for it, is right.
//!
//! 1. **One outcome.** Of its newest photo a product has either the description or a
//!    record of the failure, never both. It has neither only where the photo's message
//!    or event is a dead letter, whose deliveries all ended before a failure could be
//!    kept. An older description may stay beside the record of a newer photo: nothing
//!    better is known.
//! 2. **The right one.** A description is of the newest photo by its mark and by its
//!    attributes. What can't be described has a record that says why, and that it is
//!    not tried again. A record that promises another try has a dead letter.
//! 3. **No work twice.** Work are the questions that the endpoint answered and the
//!    texts that Bedrock wrote, as far as the answers came through. A delivery may
//!    have each question of its product answered once and one text written. One that
//!    begins when the result of its photo, or of a newer one, is stored may have none.
//!    Of two deliveries of one photo at the same time that were both worked off, in one
//!    batch or in two invocations, one alone may have questions answered: the other
//!    waits for it. A message of one's own is about the photo that lies there when it is
//!    read, which may be a later one than it was sent after. So whatever is done again is a retry after a delivery that failed or
//!    was killed.
//! 4. **Nothing else.** No process ends by itself, no call is about an unknown photo,
//!    no object has a name that no product has.
//! 5. **Nothing claimed.** No more claims are left than the products of invocations whose
//!    process was ended in the middle, and the calls about claims that met a fault.

mod work;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use self::work::work;
use super::bucket::{Description, Failure, Found};
use super::dead_letters::{DeadLetter, Ending};
use super::driver::{Carried, Invocation};
use super::events::places;
use super::ledger::Seen;
use super::plan::{Photo, Plan, Version, product_id};

/// What is judged.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    /// What was to happen.
    pub plan: &'a Plan,
    /// What happened.
    pub carried: &'a Carried,
    /// What was seen.
    pub seen: &'a Seen,
    /// What lies in the bucket.
    pub found: &'a Found,
    /// The attributes of each picture, found out when nothing went wrong.
    pub pictures: &'a [Map<String, Value>],
    /// How many questions are asked about a photo.
    pub questions: usize,
}

/// What became of the products.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Those whose newest photo is described, …
    pub described: usize,
    /// … of these with attributes missing that the picture has.
    pub partly: usize,
    /// Records of the newest photo by kind, of those that are not tried again.
    pub kept: BTreeMap<String, usize>,
    /// The same of those that may be: their messages are dead letters.
    pub given_up: BTreeMap<String, usize>,
    /// Those with an older description beside the record.
    pub outdated: usize,
    /// Those of which there is nothing but the dead letter.
    pub dead_only: usize,
}

/// The work that was done, in photos about which questions were answered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// For the first time, or for a newer photo of the product.
    pub first: usize,
    /// Again, after a delivery that failed or was killed.
    pub again: usize,
    /// The same, while the other one's invocation was still under way.
    pub at_once: usize,
    /// Texts.
    pub texts: usize,
    /// Deliveries: what a batch has several of.
    pub deliveries: usize,
    /// Those that began when there was nothing left to do.
    pub needless: usize,
}

/// The claims on products, with which nobody works any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// How many are left.
    pub left: usize,
    /// How many may be.
    pub allowed: usize,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What holds.
    pub words: &'static str,
    /// How often it was looked at.
    pub checked: usize,
    /// Where it is broken.
    pub broken: Vec<String>,
}

/// The verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What became of the products.
    pub outcomes: Outcomes,
    /// The work.
    pub done: Done,
    /// The claims.
    pub claims: Claims,
    /// The rules.
    pub rules: Vec<Rule>,
}

impl Verdict {
    /// Judges.
    pub fn of(evidence: Evidence<'_>) -> Verdict {
        let mut one_outcome = Rule::new("one description or one record of a failure a product");
        let mut right = Rule::new("descriptions of the newest photo, records that say why");
        let mut outcomes = Outcomes::default();
        let dead: Vec<&DeadLetter> = evidence.carried.dead.iter().collect();
        for product in 0..evidence.plan.products.len() {
            let newest = evidence.plan.newest(product);
            let case = Case {
                evidence,
                newest,
                description: evidence.found.descriptions.get(&product),
                failure: evidence.found.failures.get(&product),
                is_dead: dead.iter().any(|letter| letter.version == newest),
            };
            one_outcome.check(product, case.one_outcome(&mut outcomes));
            right.check(product, case.right());
        }
        let (once, done) = work(evidence);
        let (given_back, claims) = claims(evidence);
        Verdict {
            outcomes,
            done,
            claims,
            rules: vec![one_outcome, right, once, nothing_else(evidence), given_back],
        }
    }

    /// Whether every rule holds.
    pub fn is_right(&self) -> bool {
        self.rules.iter().all(|rule| rule.broken.is_empty())
    }
}

impl Rule {
    fn new(words: &'static str) -> Rule {
        Rule {
            words,
            checked: 0,
            broken: Vec::new(),
        }
    }

    fn check(&mut self, product: usize, outcome: Result<(), String>) {
        self.checked += 1;
        if let Err(what) = outcome {
            self.broken.push(format!("{}: {what}", product_id(product)));
        }
    }
}

/// A product at the end.
struct Case<'a> {
    evidence: Evidence<'a>,
    newest: Version,
    description: Option<&'a Description>,
    failure: Option<&'a Failure>,
    /// Whether the newest photo's message or event was given up.
    is_dead: bool,
}

impl Case<'_> {
    /// What a description or a record says that is of the newest photo.
    fn places(&self) -> Vec<String> {
        places(self.evidence.plan, self.newest)
    }

    fn one_outcome(&self, outcomes: &mut Outcomes) -> Result<(), String> {
        let places = self.places();
        let described = self
            .description
            .is_some_and(|one| places.contains(&one.sequence));
        let failed = self
            .failure
            .filter(|record| places.contains(&record.sequence));
        match (described, failed) {
            (true, _) if self.failure.is_some() => {
                Err("a description, and a record of a failure".to_owned())
            }
            (true, _) => {
                outcomes.described += 1;
                outcomes.partly += usize::from(self.is_partial());
                Ok(())
            }
            (false, Some(record)) => {
                outcomes.outdated += usize::from(self.description.is_some());
                let records = match record.is_retriable {
                    true => &mut outcomes.given_up,
                    false => &mut outcomes.kept,
                };
                *records.entry(record.kind.clone()).or_default() += 1;
                Ok(())
            }
            (false, None) if self.is_dead => {
                outcomes.dead_only += 1;
                Ok(())
            }
            (false, None) => Err(format!(
                "nothing about its newest photo: lost (description {:?}, record {:?})",
                self.description.map(|one| &one.sequence),
                self.failure.map(|one| &one.sequence)
            )),
        }
    }

    /// Whether the description lacks what can be seen in the picture.
    fn is_partial(&self) -> bool {
        let picture = self.evidence.plan.photo(self.newest).picture();
        let known = picture.map_or(0, |picture| self.evidence.pictures[picture].len());
        self.description
            .is_some_and(|description| description.attributes.len() < known)
    }

    fn right(&self) -> Result<(), String> {
        let places = self.places();
        let photo = self.evidence.plan.photo(self.newest);
        if let Some(description) = self
            .description
            .filter(|one| places.contains(&one.sequence))
        {
            let Some(picture) = photo.picture() else {
                return Err("a description of what can't be described".to_owned());
            };
            let known = &self.evidence.pictures[picture];
            let is_of = |(name, value): (&String, &Value)| known.get(name) == Some(value);
            let of_another = !description.attributes.iter().all(is_of);
            if of_another || description.attributes.is_empty() || !description.has_text {
                return Err(format!(
                    "no description of its newest photo: {description:?}"
                ));
            }
        }
        let Some(record) = self.failure.filter(|one| places.contains(&one.sequence)) else {
            return Ok(());
        };
        if record.is_retriable {
            return match self.is_dead {
                true => Ok(()),
                false => Err(format!("to be tried again, and nobody does: {record:?}")),
            };
        }
        let expected = match photo {
            Photo::Cut { .. } | Photo::Text => "invalid-photo",
            Photo::Missing => "no-such-object",
            Photo::Whole { .. } => return Err(format!("a good photo is given up: {record:?}")),
        };
        match record.kind == expected {
            true => Ok(()),
            false => Err(format!("{expected} is expected: {record:?}")),
        }
    }
}

fn nothing_else(evidence: Evidence<'_>) -> Rule {
    let mut rule = Rule::new("nothing that nobody can explain");
    rule.checked = evidence.carried.invocations.len();
    let deaths = evidence.carried.deaths.iter();
    rule.broken
        .extend(deaths.map(|said| format!("a process ended by itself: {said}")));
    rule.broken.extend(evidence.seen.strange.iter().cloned());
    let others = evidence.found.others.iter();
    rule.broken
        .extend(others.map(|key| format!("{key} is of no product")));
    rule
}

/// The rule of claims, and how many there are.
fn claims(evidence: Evidence<'_>) -> (Rule, Claims) {
    let is_cut_off = |invocation: &&Invocation| match invocation.ending {
        Ending::Killed | Ending::TimedOut | Ending::Died => true,
        Ending::Done | Ending::Reported | Ending::Failed => false,
    };
    let products = |invocation: &Invocation| {
        let products = invocation.versions.iter().map(|version| version.product);
        products.collect::<BTreeSet<usize>>().len()
    };
    let invocations = evidence.carried.invocations.iter().filter(is_cut_off);
    let claims = Claims {
        left: evidence.found.claims,
        allowed: invocations.map(products).sum::<usize>() + evidence.seen.claims_at_risk,
    };
    let mut rule = Rule::new("claims are given back");
    rule.checked = claims.left;
    if claims.left > claims.allowed {
        rule.broken.push(format!(
            "{} claims are left, {} may be",
            claims.left, claims.allowed
        ));
    }
    (rule, claims)
}

#[cfg(test)]
mod tests;
