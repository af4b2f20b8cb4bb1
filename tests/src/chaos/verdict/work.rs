//! The rule of work: what was done for which delivery.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Done, Evidence, Rule};
use crate::chaos::driver::Invocation;
use crate::chaos::events::places;
use crate::chaos::ledger::{StoredResult, Work};
use crate::chaos::plan::{Plan, Version, product_id};

/// The rule of work, and what there was.
pub(super) fn work(evidence: Evidence<'_>) -> (Rule, Done) {
    let mut rule = Rule::new("no work beyond once a delivery, and none once it is done");
    let mut done = Done::default();
    // The invocations that worked on a product, in their order.
    let mut before: HashMap<usize, Vec<(&Invocation, u32)>> = HashMap::new();
    for (number, invocation) in evidence.carried.invocations.iter().enumerate() {
        let mut open: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        let work = evidence.seen.work.get(&number);
        for version in &invocation.versions {
            done.deliveries += 1;
            let product = open.entry(version.product).or_default();
            if is_open(
                evidence,
                worked_on(evidence.plan, *version, work),
                invocation,
            ) {
                product.push(version.number);
            } else {
                done.needless += 1;
            }
        }
        let Some(work) = work else { continue };
        for (&product, &questions) in &work.questions {
            rule.checked += 1;
            let deliveries = open.get(&product);
            let due = deliveries.map_or(0, |numbers| due(product, numbers, invocation));
            let allowed = due * evidence.questions;
            if questions > allowed {
                rule.broken.push(format!(
                    "{}: {questions} questions answered in invocation {number}, {allowed} were \
                     due: {:?}",
                    product_id(product),
                    deliveries
                ));
            }
            let newest = deliveries.and_then(|numbers| numbers.iter().max());
            let newest = newest.copied().unwrap_or_default();
            let earlier = before.entry(product).or_default();
            if earlier.iter().all(|(_, number)| *number < newest) {
                done.first += 1;
            } else if earlier.iter().any(|(other, _)| other.overlaps(invocation)) {
                done.at_once += 1;
                let is_twice = earlier.iter().any(|(other, _)| {
                    other.overlaps(invocation) && both_worked_off(other, invocation, product)
                });
                if is_twice {
                    rule.broken.push(format!(
                        "{}: two deliveries of one photo at once, one of them in invocation \
                         {number}, did the work and succeeded",
                        product_id(product)
                    ));
                }
            } else {
                done.again += 1;
            }
            earlier.push((invocation, newest));
        }
        rule.checked += 1;
        done.texts += work.texts;
        let allowed: usize = open
            .iter()
            .map(|(&product, numbers)| due(product, numbers, invocation))
            .sum();
        if work.texts > allowed {
            rule.broken.push(format!(
                "{} texts written in invocation {number}, {allowed} were due",
                work.texts
            ));
        }
    }
    (rule, done)
}

/// How many of the open deliveries of a product may have done work in an invocation: one of
/// each photo, of which others wait for it, and those that were not worked off, whose work may
/// have been done again.
fn due(product: usize, numbers: &[u32], invocation: &Invocation) -> usize {
    let photos: BTreeSet<u32> = numbers.iter().copied().collect();
    let is_left = |left: &&Version| left.product == product && photos.contains(&left.number);
    let left = invocation.left.iter().filter(is_left).count();
    (photos.len() + left).min(numbers.len())
}

/// The photo that a delivery may have been worked on with: a message of one's own is about
/// what lies there when it is read, which may be a later one than it was sent after.
fn worked_on(plan: &Plan, told: Version, work: Option<&Work>) -> Version {
    let newest = work.and_then(|work| work.newest.get(&told.product));
    let number = match newest {
        Some(&newest) if plan.products[told.product].has_own() => newest.max(told.number),
        _ => told.number,
    };
    Version { number, ..told }
}

/// Whether there was something to do for a delivery when its invocation began.
fn is_open(evidence: Evidence<'_>, version: Version, invocation: &Invocation) -> bool {
    let stored = evidence.seen.stored.get(&version.product);
    let was_there = |result: &StoredResult| {
        result.at < invocation.began
            && number_of(evidence.plan, version.product, &result.sequence)
                .is_some_and(|number| number >= version.number)
    };
    !stored.into_iter().flatten().any(was_there)
}

/// Which photo of a product a result says that it was made from.
fn number_of(plan: &Plan, product: usize, sequence: &str) -> Option<u32> {
    let mut versions = plan.versions(product);
    let version = versions.find(|version| {
        let mut places = places(plan, *version).into_iter();
        places.any(|place| place == sequence)
    })?;
    Some(version.number)
}

impl Invocation {
    fn overlaps(&self, later: &Invocation) -> bool {
        self.ended.is_none_or(|ended| ended > later.began)
    }
}

/// Whether two invocations were told of one and the same photo of the product, and of no other
/// one of it, and both were done with that.
fn both_worked_off(one: &Invocation, other: &Invocation, product: usize) -> bool {
    let photo = |invocation: &Invocation| {
        let mut photos = invocation
            .versions
            .iter()
            .filter(|version| version.product == product);
        let photo = photos.next().copied()?;
        let is_done = photos.all(|copy| *copy == photo) && !invocation.left.contains(&photo);
        is_done.then_some(photo)
    };
    let photo_of_one = photo(one);
    photo_of_one.is_some() && photo_of_one == photo(other)
}
