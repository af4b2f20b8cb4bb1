use std::time::Duration;

use serde_json::json;

use super::*;
use crate::chaos::channel::Channel;
use crate::chaos::events::place_of;
use crate::chaos::ledger::{StoredResult, Work};
use crate::chaos::plan::Planned;

const QUESTIONS: usize = 8;

/// A run in which everything is right: a product whose photo was replaced.
struct Run {
    plan: Plan,
    carried: Carried,
    seen: Seen,
    found: Found,
    pictures: Vec<Map<String, Value>>,
}

fn version(number: u32) -> Version {
    Version { product: 0, number }
}

fn place(number: u32) -> String {
    place_of(Channel::S3, version(number), 0)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn invocation(number: u32, began: u64, ended: u64) -> Invocation {
    Invocation {
        versions: vec![version(number)],
        began: seconds(began),
        ended: Some(seconds(ended)),
        ending: Ending::Done,
        left: Vec::new(),
    }
}

fn attributes(fabric: &str) -> Map<String, Value> {
    let attributes = json!({"Fabric": fabric});
    attributes.as_object().unwrap().clone()
}

fn description(number: u32, fabric: &str) -> Description {
    Description {
        sequence: place(number),
        attributes: attributes(fabric),
        has_text: true,
    }
}

fn failure(number: u32, kind: &str, is_retriable: bool) -> Failure {
    Failure {
        sequence: place(number),
        kind: kind.to_owned(),
        is_retriable,
    }
}

fn work_of(questions: usize, texts: usize) -> Work {
    Work {
        questions: BTreeMap::from([(0, questions)]),
        newest: BTreeMap::new(),
        texts,
    }
}

impl Run {
    fn of(photos: Vec<Photo>) -> Run {
        Run {
            plan: Plan {
                products: vec![Planned {
                    channel: Channel::S3,
                    beside: None,
                    photos,
                    has_two_keys: false,
                    is_close: false,
                }],
                steps: Vec::new(),
            },
            carried: Carried {
                invocations: Vec::new(),
                dead: Vec::new(),
                deaths: Vec::new(),
                took: seconds(9),
            },
            seen: Seen::default(),
            found: Found::default(),
            pictures: vec![attributes("Cotton"), attributes("Linen")],
        }
    }

    fn replaced() -> Run {
        let whole = |picture| Photo::Whole { picture };
        let mut run = Run::of(vec![whole(0), whole(1)]);
        run.found.descriptions.insert(0, description(2, "Linen"));
        for (number, began) in [(1, 0), (2, 10)] {
            let invocations = &mut run.carried.invocations;
            run.seen
                .work
                .insert(invocations.len(), work_of(QUESTIONS, 1));
            invocations.push(invocation(number, began, began + 5));
            let stored = run.seen.stored.entry(0).or_default();
            stored.push(StoredResult {
                sequence: place(number),
                at: seconds(began + 4),
            });
        }
        run
    }

    /// One more invocation with this work.
    fn works(&mut self, invocation: Invocation, work: Work) {
        self.seen.work.insert(self.carried.invocations.len(), work);
        self.carried.invocations.push(invocation);
    }

    fn verdict(&self) -> Verdict {
        Verdict::of(Evidence {
            plan: &self.plan,
            carried: &self.carried,
            seen: &self.seen,
            found: &self.found,
            pictures: &self.pictures,
            questions: QUESTIONS,
        })
    }

    /// Which rules are broken, by their numbers.
    #[track_caller]
    fn assert_broken(&self, expected: &[usize]) {
        let rules = self.verdict().rules;
        let broken: Vec<usize> = (0..rules.len())
            .filter(|&rule| !rules[rule].broken.is_empty())
            .collect();
        assert_eq!(broken, expected, "{rules:?}");
    }

    /// Has the description say that it is of this message. Says what it says.
    fn is_described_by_message(&mut self, number: u32) -> String {
        let at_ms = self.plan.uploaded_ms(version(number));
        let sequence = place_of(Channel::SqsOwn, version(number), at_ms);
        let description = Description {
            sequence: sequence.clone(),
            ..description(2, "Linen")
        };
        self.found.descriptions.insert(0, description);
        sequence
    }

    fn dies(&mut self, number: u32) {
        self.carried.dead.push(DeadLetter {
            version: version(number),
            endings: vec![Ending::Failed; 3],
        });
    }
}

#[test]
fn a_photo_that_is_replaced_is_described_once_each() {
    let run = Run::replaced();
    let verdict = run.verdict();
    assert!(verdict.is_right(), "{verdict:?}");
    assert_eq!(verdict.outcomes.described, 1);
    let done = Done {
        first: 2,
        texts: 2,
        deliveries: 2,
        ..Done::default()
    };
    assert_eq!(verdict.done, done);
}

#[test]
fn what_is_told_of_by_two_ways_may_be_of_either() {
    let mut run = Run::replaced();
    run.plan.products[0].beside = Some(Channel::SqsOwn);
    run.assert_broken(&[]);
    run.is_described_by_message(1);
    run.assert_broken(&[0]);
    let sequence = run.is_described_by_message(2);
    run.assert_broken(&[]);
    // It is stored by the message: then there is nothing left to do for the event.
    run.seen.stored.insert(
        0,
        vec![StoredResult {
            sequence,
            at: seconds(14),
        }],
    );
    run.works(invocation(2, 20, 25), work_of(QUESTIONS, 0));
    run.assert_broken(&[2]);
}

#[test]
fn both_or_neither_is_wrong() {
    let mut run = Run::replaced();
    run.found
        .failures
        .insert(0, failure(1, "invalid-photo", false));
    run.assert_broken(&[0]);

    let mut run = Run::replaced();
    run.found.descriptions.clear();
    run.assert_broken(&[0]);
    run.dies(2);
    run.assert_broken(&[]);
    assert_eq!(run.verdict().outcomes.dead_only, 1);
}

#[test]
fn an_old_description_alone_is_a_photo_lost() {
    let mut run = Run::replaced();
    run.found.descriptions.insert(0, description(1, "Cotton"));
    run.assert_broken(&[0]);
    // Beside the record of the newer photo it may stay.
    run.found
        .failures
        .insert(0, failure(2, "attributes-timed-out", true));
    run.dies(2);
    run.assert_broken(&[]);
    assert_eq!(run.verdict().outcomes.outdated, 1);
}

#[test]
fn a_description_by_the_mark_of_one_photo_and_of_another_is_wrong() {
    let mut run = Run::replaced();
    run.found.descriptions.insert(0, description(2, "Cotton"));
    run.assert_broken(&[1]);
}

#[test]
fn a_record_says_why_and_promises_nothing() {
    let text = || Run::of(vec![Photo::Text]);
    let mut run = text();
    run.found
        .failures
        .insert(0, failure(1, "invalid-photo", false));
    run.assert_broken(&[]);
    run.found
        .failures
        .insert(0, failure(1, "no-such-object", false));
    run.assert_broken(&[1]);
    run.found
        .failures
        .insert(0, failure(1, "storage-timed-out", true));
    run.assert_broken(&[1]);
    run.dies(1);
    run.assert_broken(&[]);

    let mut run = text();
    run.found.descriptions.insert(0, description(1, "Cotton"));
    run.assert_broken(&[1]);

    let mut run = Run::of(vec![Photo::Whole { picture: 0 }]);
    run.found
        .failures
        .insert(0, failure(1, "invalid-photo", false));
    run.assert_broken(&[1]);
}

#[test]
fn work_after_the_result_is_work_twice() {
    let mut run = Run::replaced();
    run.works(invocation(2, 20, 25), Work::default());
    run.assert_broken(&[]);
    assert_eq!(run.verdict().done.needless, 1);
    run.works(invocation(1, 30, 35), work_of(QUESTIONS, 0));
    run.assert_broken(&[2]);

    let mut run = Run::replaced();
    run.works(invocation(2, 20, 25), work_of(0, 1));
    run.assert_broken(&[2]);
}

#[test]
fn a_delivery_has_its_questions_answered_once() {
    let mut run = Run::replaced();
    run.works(invocation(2, 12, 15), work_of(QUESTIONS + 1, 1));
    run.assert_broken(&[2]);
}

#[test]
fn work_again_is_told_from_work_at_once() {
    let mut run = Run::of(vec![Photo::Whole { picture: 0 }]);
    run.found.descriptions.insert(0, description(1, "Cotton"));
    for (began, ended) in [(0, 5), (3, 6), (10, 15)] {
        run.works(invocation(1, began, ended), work_of(QUESTIONS, 1));
    }
    // Two at once that both say that they are done.
    run.assert_broken(&[2]);
    // One of them failed, and the other did what that had not.
    run.carried.invocations[0].left = vec![version(1)];
    run.assert_broken(&[]);
    let done = run.verdict().done;
    assert_eq!((done.first, done.at_once, done.again), (1, 1, 1));
}

#[test]
fn of_copies_in_one_batch_one_does_the_work() {
    let batch = |copies: &[u32], left: &[u32]| {
        let mut run = Run::of(vec![
            Photo::Whole { picture: 1 },
            Photo::Whole { picture: 0 },
        ]);
        run.found.descriptions.insert(0, description(2, "Cotton"));
        let mut batch = invocation(2, 0, 5);
        batch.versions = copies.iter().copied().map(version).collect();
        batch.left = left.iter().copied().map(version).collect();
        run.works(batch, Work::default());
        run
    };
    let worked = |mut run: Run, questions: usize, texts: usize| {
        run.seen.work.insert(0, work_of(questions, texts));
        run
    };
    worked(batch(&[2, 2], &[]), QUESTIONS, 1).assert_broken(&[]);
    worked(batch(&[2, 2], &[]), 2 * QUESTIONS, 1).assert_broken(&[2]);
    worked(batch(&[2, 2], &[]), QUESTIONS, 2).assert_broken(&[2]);
    // One of them failed, and the other did what that had not.
    worked(batch(&[2, 2], &[2]), 2 * QUESTIONS, 2).assert_broken(&[]);
    worked(batch(&[2, 2], &[2, 2]), 3 * QUESTIONS, 2).assert_broken(&[2]);
    // Two photos are two works.
    worked(batch(&[1, 2], &[]), 2 * QUESTIONS, 2).assert_broken(&[]);
    worked(batch(&[1, 2, 2], &[1]), 3 * QUESTIONS, 3).assert_broken(&[]);
    worked(batch(&[1, 2, 2], &[]), 3 * QUESTIONS, 3).assert_broken(&[2]);
    // Of such a batch and another invocation that were both done, one has done the work.
    let mut run = worked(batch(&[2, 2], &[]), QUESTIONS, 1);
    run.works(invocation(2, 1, 6), work_of(QUESTIONS, 0));
    run.assert_broken(&[2]);
}

#[test]
fn a_message_of_one_s_own_is_about_the_photo_that_lies_there() {
    let of_the_next_photo = |channel| {
        let whole = |picture| Photo::Whole { picture };
        let mut run = Run::of(vec![whole(0), whole(1)]);
        run.plan.products[0].beside = channel;
        run.found.descriptions.insert(0, description(2, "Linen"));
        run.works(invocation(1, 0, 5), work_of(QUESTIONS, 1));
        let first = StoredResult {
            sequence: place(1),
            at: seconds(4),
        };
        run.seen.stored.insert(0, vec![first]);
        // It tells of the first photo, and comes when the second one is there.
        let work = Work {
            newest: BTreeMap::from([(0, 2)]),
            ..work_of(QUESTIONS, 1)
        };
        run.works(invocation(1, 10, 15), work);
        run
    };
    of_the_next_photo(Some(Channel::SqsOwn)).assert_broken(&[]);
    of_the_next_photo(Some(Channel::SqsS3)).assert_broken(&[2]);
    // Once it is described there is nothing to do for such a message, either.
    let mut run = of_the_next_photo(Some(Channel::SqsOwn));
    let second = StoredResult {
        sequence: place(2),
        at: seconds(9),
    };
    run.seen.stored.entry(0).or_default().push(second);
    run.assert_broken(&[2]);
}

#[test]
fn claims_are_left_by_who_was_killed_and_by_faults_alone() {
    let mut run = Run::replaced();
    run.found.claims = 1;
    run.assert_broken(&[4]);
    run.seen.claims_at_risk = 1;
    run.assert_broken(&[]);
    run.found.claims = 2;
    run.assert_broken(&[4]);
    // Both of its messages are about one product.
    let mut killed = invocation(2, 20, 25);
    killed.versions = vec![version(1), version(2)];
    killed.ending = Ending::Killed;
    run.works(killed, Work::default());
    run.assert_broken(&[]);
    let claims = run.verdict().claims;
    assert_eq!((claims.left, claims.allowed), (2, 2));
}

#[test]
fn what_nobody_can_explain_is_wrong() {
    let mut run = Run::replaced();
    run.found.others.push("descriptions/else.json".to_owned());
    run.assert_broken(&[3]);
    let mut run = Run::replaced();
    run.carried.deaths.push("exit status: 101".to_owned());
    run.assert_broken(&[3]);
}
