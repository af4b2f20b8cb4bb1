use std::time::SystemTime;

use super::*;
use crate::domain::since_epoch_ms;
use crate::entrypoints::Outcome;
use crate::fakes::Fakes;
use crate::fakes::uploads::{CLAIM, PHOTO, RECORD, RESULT, TIME};

fn writes_for(fakes: &Fakes, time: Duration) {
    *fakes.describer.turn.lock().unwrap() = time;
}

/// Delivers something whose process is killed while the text is written.
async fn kill_in_the_middle(fakes: &Fakes, sequencer: &str) {
    writes_for(fakes, Duration::from_secs(60));
    let killed = tokio::time::timeout(Duration::from_secs(5), fakes.deliver(sequencer)).await;
    assert!(killed.is_err(), "{killed:?}");
    writes_for(fakes, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn of_two_deliveries_at_once_one_does_the_work_and_the_other_waits_for_it() {
    for (fakes, calls) in [(Fakes::without_claims(), 2), (Fakes::with_photo(), 1)] {
        writes_for(&fakes, Duration::from_secs(3));
        let outcomes = tokio::join!(fakes.deliver("01"), fakes.deliver("01"));
        let outcomes = [outcomes.0.unwrap(), outcomes.1.unwrap()];
        let is_written = |outcome: &&Outcome| matches!(outcome, Outcome::Written(_));
        assert_eq!(outcomes.iter().filter(is_written).count(), 1);
        let skipped = Outcome::Skipped("described already");
        assert!(outcomes.contains(&skipped), "{outcomes:?}");
        assert_eq!(fakes.calls(), calls);
        assert_eq!(fakes.describer.prompts.lock().unwrap().len(), calls);
        assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
    }
}

#[tokio::test(start_paused = true)]
async fn the_claim_of_a_dead_process_is_taken_over_when_it_has_expired() {
    let fakes = Fakes::with_photo();
    kill_in_the_middle(&fakes, "01").await;
    assert_eq!(fakes.store.uris(), [CLAIM, PHOTO]);

    // As long as it may be alive it is waited for, and then comes again.
    let problem = fakes.deliver("01").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::WorkInProgress);
    assert!(problem.kind.is_retriable());
    assert_eq!(fakes.calls(), 1);
    assert_eq!(fakes.store.json(RECORD)["kind"], "work-in-progress");

    let mut lease = fakes.store.json(CLAIM);
    lease["claimed_until_ms"] = json!(since_epoch_ms(SystemTime::now()) - 1);
    fakes.store.rewrite(CLAIM, lease.to_string().into());
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.calls(), 2);
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test(start_paused = true)]
async fn the_claim_on_another_photo_holds_nobody_up() {
    let fakes = Fakes::with_photo();
    kill_in_the_middle(&fakes, "01").await;
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_neither_works_beside_a_later_one_nor_takes_its_claim() {
    let fakes = Fakes::with_photo();
    writes_for(&fakes, Duration::from_secs(3));
    // Told of in this order: the later one has the claim when the others come.
    let outcomes = tokio::join!(
        fakes.deliver("02"),
        fakes.deliver("01"),
        fakes.deliver("02")
    );
    let written = outcomes.0.unwrap();
    assert!(matches!(written, Outcome::Written(_)), "{written:?}");
    let late = Outcome::Skipped("a later one is described already");
    assert_eq!(outcomes.1.unwrap(), late);
    assert_eq!(outcomes.2.unwrap(), Outcome::Skipped("described already"));
    assert_eq!(fakes.calls(), 1);
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn what_fails_gives_its_claim_back() {
    let fakes = Fakes::with_photo();
    fakes.is_slow(true);
    for calls in 1..=2 {
        fakes.deliver("01").await.unwrap_err();
        assert_eq!(fakes.store.uris(), [RECORD, PHOTO]);
        assert_eq!(fakes.calls(), calls);
    }
}

#[tokio::test]
async fn what_may_be_done_already_is_looked_at_before_it_is_claimed() {
    let fakes = Fakes::with_photo();
    fakes.deliver("01").await.unwrap();
    fakes.store.requests(CLAIM);
    let outcome = fakes.deliver_again("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.store.requests(CLAIM), 0);

    // Not done after all, it is looked once more when it is claimed.
    fakes.store.requests(RESULT);
    let outcome = fakes.deliver_again("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.requests(RESULT), 2 + 1);
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn what_is_likely_to_be_new_is_claimed_and_then_looked_at_once() {
    let fakes = Fakes::with_photo();
    fakes.deliver("01").await.unwrap();
    // A look and the write.
    assert_eq!(fakes.store.requests(RESULT), 2);
    assert_eq!(fakes.store.requests(CLAIM), 2);

    // It was none: its claim is given back.
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.calls(), 1);
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_asks_for_the_claim_alone_and_ever_less_often() {
    let fakes = Fakes::with_photo();
    kill_in_the_middle(&fakes, "01").await;
    fakes.store.requests(RESULT);
    fakes.store.requests(CLAIM);
    let problem = fakes.deliver("01").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::WorkInProgress);
    // It is refused by a write and a look; of 18 s of work it waits 1, 2, 4, 4, 4 and 2.
    assert_eq!(fakes.store.requests(CLAIM), 2 + 6);
    // Whether it was done nevertheless is looked at when the failure is kept.
    assert_eq!(fakes.store.requests(RESULT), 1);
}

#[tokio::test(start_paused = true)]
async fn a_claim_that_gets_no_answer_leaves_the_time_for_the_record() {
    let fakes = Fakes::with_photo();
    *fakes.store.hanging.lock().unwrap() = Some("claims/");
    fakes.deliver("01").await.unwrap_err();
    assert_eq!(fakes.store.json(RECORD)["retriable"], true);
    assert_eq!(fakes.calls(), 0);
}

fn delivery(source: &SourceMark) -> Delivery<'_> {
    Delivery {
        product_id: Some("7"),
        name: "7",
        bucket: "catalogue",
        source,
        request: serde_json::Value::Null,
    }
}

/// S3's client makes a request again whose answer was lost.
#[tokio::test]
async fn a_claim_whose_answer_was_lost_is_one_s_own() {
    let fakes = Fakes::with_photo();
    let app = fakes.app();
    let source = fakes.mark("01");
    *fakes.store.is_answer_lost.lock().unwrap() = true;
    let deadline = Deadline::after(TIME);
    let claim = take(&app, &delivery(&source), deadline, deadline).await;
    claim.unwrap().unwrap().release(&app, deadline).await;
    assert_eq!(fakes.store.uris(), [PHOTO]);
}

#[tokio::test]
async fn a_claim_that_was_taken_over_is_given_back_without_more_ado() {
    let fakes = Fakes::with_photo();
    let app = fakes.app();
    let source = fakes.mark("01");
    let deadline = Deadline::after(TIME);
    let taken = take(&app, &delivery(&source), deadline, deadline).await;
    let claim = taken.unwrap().unwrap();
    fakes.meanwhile(CLAIM, "{}", "01");
    claim.remove(&app, deadline).await.unwrap();
    // It is the other's now.
    assert_eq!(fakes.store.get(CLAIM).unwrap().0, "{}");

    *fakes.store.denied.lock().unwrap() = Some("claims/");
    let error = claim.remove(&app, deadline).await.unwrap_err();
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
}
