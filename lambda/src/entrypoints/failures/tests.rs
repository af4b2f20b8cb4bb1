use super::*;
use crate::domain::{DescriberError, Usage};
use crate::fakes::uploads::{PHOTO, RECORD, RESULT, TIME};
use crate::fakes::{Fakes, photo_bytes};

#[tokio::test]
async fn a_record_says_what_failed_how_and_how_often_and_goes_with_success() {
    let fakes = Fakes::with_photo();
    fakes.is_slow(true);
    for attempts in 1..=2 {
        let problem = fakes.deliver("01").await.unwrap_err();
        let record = fakes.store.json(RECORD);
        assert_eq!(record["attempts"], attempts);
        assert_eq!(record["tries"].as_array().unwrap().len(), attempts);
        assert_eq!(record["product_id"], "7");
        assert_eq!(record["kind"], "attributes-timed-out");
        assert_eq!(record["status"], 504);
        assert_eq!(record["retriable"], true);
        assert_eq!(record["problem"], problem.to_json());
        assert_eq!(record["source"]["origin"], PHOTO);
        assert_eq!(record["source"]["sequencer"], "01");
        assert_eq!(record["request"]["photo"], PHOTO);
    }
    // Another upload has tries of its own.
    fakes.deliver("02").await.unwrap_err();
    assert_eq!(fakes.store.json(RECORD)["attempts"], 1);

    fakes.is_slow(false);
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn a_broken_photo_is_looked_at_once() {
    let fakes = Fakes::default();
    fakes.store.put(PHOTO, "no photo".into());
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    let again = fakes.deliver("01").await.unwrap();
    assert!(matches!(again, Outcome::Skipped(_)), "{again:?}");
    assert_eq!(fakes.store.json(RECORD)["attempts"], 1);

    // A better one has arrived.
    fakes.store.put(PHOTO, photo_bytes());
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert!(fakes.store.get(RECORD).is_none());
}

/// As events/README.md has it.
#[tokio::test]
async fn a_newer_photo_that_fails_leaves_the_older_description_and_both_say_of_which_they_are() {
    let fakes = Fakes::with_photo();
    fakes.deliver("01").await.unwrap();
    let described = fakes.store.get(RESULT);
    fakes.store.put(PHOTO, "no photo".into());
    fakes.deliver("02").await.unwrap();
    assert_eq!(fakes.store.uris(), [RESULT, RECORD, PHOTO]);
    assert_eq!(fakes.store.get(RESULT), described);
    for (document, sequencer) in [(RESULT, "01"), (RECORD, "02")] {
        let source = fakes.store.json(document)["source"].take();
        assert_eq!(source, fakes.mark(sequencer).to_json(), "{document}");
    }

    fakes.store.put(PHOTO, photo_bytes());
    fakes.deliver("03").await.unwrap();
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
    assert_eq!(fakes.store.json(RESULT)["source"]["sequencer"], "03");
}

#[tokio::test]
async fn a_missing_object_is_tried_again_whenever_it_is_delivered() {
    let fakes = Fakes::default();
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    fakes.store.put(PHOTO, photo_bytes());
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert!(fakes.store.get(RECORD).is_none());
}

#[tokio::test]
async fn what_a_guardrail_stops_is_kept_with_the_attributes_and_done_with_that() {
    let fakes = Fakes::with_photo();
    *fakes.describer.error.lock().unwrap() = Some(DescriberError::Blocked {
        model: "claude".into(),
        reason: "Sorry, no.".into(),
        usage: Usage {
            input_tokens: 100,
            output_tokens: 50,
            cost: None,
        },
    });
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    let record = fakes.store.json(RECORD);
    assert_eq!(record["kind"], "description-blocked");
    assert_eq!(record["retriable"], false);
    assert_eq!(record["problem"]["attributes"]["Fabric"], "Cotton");
    let paid = json!({"input_tokens": 100, "output_tokens": 50});
    assert_eq!(record["problem"]["usage"], paid);
}

#[tokio::test]
async fn a_listing_that_can_t_be_read_comes_again() {
    let mut fakes = Fakes::with_photo();
    fakes.variables.insert("DEFAULT_FORMAT", "listing");
    let prose = ["A blue cotton shirt."; 2];
    fakes.describer.texts.lock().unwrap().extend(prose);
    let problem = fakes.deliver("01").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::ListingUnreadable);
    assert_eq!(fakes.store.json(RECORD)["retriable"], true);

    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn what_can_t_be_kept_comes_again() {
    let fakes = Fakes::default();
    *fakes.store.denied.lock().unwrap() = Some("failures/7.json");
    let problem = fakes.deliver("01").await.unwrap_err();
    assert_eq!(problem.kind, ProblemKind::NoSuchObject);
}

#[tokio::test]
async fn a_success_meanwhile_takes_the_record_away() {
    let fakes = Fakes::without_claims();
    fakes.is_slow(true);
    fakes.meanwhile(RESULT, "{}", "01");
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn a_record_that_can_t_be_taken_away_comes_again_without_the_work() {
    let fakes = Fakes::without_claims();
    fakes.is_slow(true);
    fakes.deliver("01").await.unwrap_err();
    fakes.is_slow(false);
    *fakes.store.denied.lock().unwrap() = Some("failures/");
    fakes.deliver("01").await.unwrap_err();
    assert!(fakes.store.get(RESULT).is_some());

    *fakes.store.denied.lock().unwrap() = None;
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
    assert_eq!(fakes.calls(), 2);
}

#[tokio::test]
async fn the_record_of_a_later_upload_is_left_alone() {
    let fakes = Fakes::with_photo();
    fakes.is_slow(true);
    fakes.deliver("02").await.unwrap_err();
    let of_later = fakes.store.get(RECORD);
    fakes.deliver("01").await.unwrap_err();
    assert_eq!(fakes.store.get(RECORD), of_later);
    fakes.is_slow(false);
    fakes.deliver("01").await.unwrap();
    assert_eq!(fakes.store.get(RECORD), of_later);
}

#[tokio::test]
async fn a_record_of_a_later_upload_that_comes_in_between_is_not_taken_away() {
    let fakes = Fakes::with_photo();
    fakes.is_slow(true);
    fakes.deliver("01").await.unwrap_err();
    let app = fakes.app();
    for (sequencer, is_left) in [("02", true), ("01", false)] {
        let source = fakes.mark("01");
        let delivery = Delivery {
            product_id: Some("7"),
            name: "7",
            bucket: "catalogue",
            source: &source,
            request: Value::Null,
        };
        // After it was looked what there is, and before that is taken away.
        fakes.meanwhile(RECORD, "{}", sequencer);
        let deadline = Deadline::after(TIME);
        clear(&app, &delivery, deadline).await.unwrap();
        assert_eq!(fakes.store.get(RECORD).is_some(), is_left, "{sequencer}");
        fakes.store.forget(RECORD);
        fakes.deliver("01").await.unwrap_err();
    }
}

#[tokio::test]
async fn two_that_fail_at_once_leave_one_record() {
    let fakes = Fakes::without_claims();
    fakes.is_slow(true);
    fakes.meanwhile(RECORD, "{}", "01");
    fakes.deliver("01").await.unwrap_err();
    // The other's record can't be read: it is replaced.
    assert_eq!(fakes.store.json(RECORD)["attempts"], 1);
}

/// It had waited for another delivery, which has failed in its last second.
#[tokio::test]
async fn who_only_waited_leaves_the_record_of_who_tried() {
    let fakes = Fakes::default();
    fakes.store.put(PHOTO, "no photo".into());
    fakes.deliver("01").await.unwrap();
    let tried = fakes.store.get(RECORD);
    for (sequencer, is_left) in [("01", true), ("02", false)] {
        let source = fakes.mark(sequencer);
        let delivery = Delivery {
            product_id: Some("7"),
            name: "7",
            bucket: "catalogue",
            source: &source,
            request: Value::Null,
        };
        let waited = Problem::new(ProblemKind::WorkInProgress, "not done in time");
        let deadline = Deadline::after(TIME);
        let settled = settle(&fakes.app(), &delivery, waited, deadline).await;
        // It comes again in any case.
        assert_eq!(settled.unwrap_err().kind, ProblemKind::WorkInProgress);
        assert_eq!(fakes.store.get(RECORD) == tried, is_left, "{sequencer}");
    }
    assert_eq!(fakes.store.json(RECORD)["kind"], "work-in-progress");
}

#[test]
fn a_summary_has_no_photo_and_no_long_texts() {
    let request = DescribeRequest {
        product_id: Some("7".into()),
        photo: PhotoSource::Bytes("secret".into()),
        category: Some("c".repeat(1_000)),
        attributes: Some(vec!["a".repeat(1_000)]),
        format: Some(Format::Listing),
    };
    let summary = summary(&request);
    assert_eq!(summary["format"], "listing");
    assert_eq!(summary["photo"], "6 bytes in the message");
    assert!(summary.to_string().len() < 300, "{summary}");
}
