use std::time::Duration;

use serde_json::json;

use super::*;
use crate::entrypoints::UNFAITHFUL_TEXT;
use crate::entrypoints::upload::Upload;
use crate::fakes::uploads::{PHOTO, RECORD, RESULT};
use crate::fakes::{Fakes, photo_base64, photo_bytes};

async fn run(fakes: &Fakes, id: &str, body: Value) -> Result<Outcome, Problem> {
    let deadline = Deadline::after(Duration::from_secs(20));
    let message = MessageId {
        channel: "sqs",
        id: id.to_owned(),
        sent: None,
        came_before: false,
    };
    handle(&fakes.app(), &message, body, deadline).await
}

fn with_photo() -> Fakes {
    let fakes = Fakes::default();
    fakes
        .store
        .put("s3://catalogue/incoming/7.jpg", photo_bytes());
    fakes
}

fn written(uri: &str) -> Outcome {
    Outcome::Written(uri.parse().unwrap())
}

#[tokio::test]
async fn the_result_is_stored_beside_the_photo_under_the_product_s_name() {
    let fakes = with_photo();
    let image = json!({"s3_uri": "s3://catalogue/incoming/7.jpg"});
    let named = json!({"product_id": "38642", "image": image, "attributes": ["Fabric"]});
    assert_eq!(
        run(&fakes, "m1", named).await.unwrap(),
        written("s3://catalogue/descriptions/38642.json")
    );
    let (result, _) = fakes
        .store
        .get("s3://catalogue/descriptions/38642.json")
        .unwrap();
    let result: Value = serde_json::from_slice(&result).unwrap();
    assert_eq!(result["product_id"], "38642");
    assert_eq!(result["attributes"], json!({"Fabric": "Cotton"}));

    let unnamed = json!({"image": image});
    assert_eq!(
        run(&fakes, "m2", unnamed).await.unwrap(),
        written("s3://catalogue/descriptions/7.json")
    );
}

#[tokio::test]
async fn a_second_delivery_does_no_second_work() {
    let fakes = with_photo();
    let image = json!({"s3_uri": "s3://catalogue/incoming/7.jpg"});
    let body = json!({"product_id": "7", "image": image});
    run(&fakes, "m1", body.clone()).await.unwrap();
    let second = run(&fakes, "m1", body.clone()).await.unwrap();
    assert_eq!(second, Outcome::Skipped("described already"));
    assert_eq!(fakes.calls(), 1);

    // Sent twice it is two messages about one photo: the result is of the second one, too.
    let again = run(&fakes, "m2", body.clone()).await.unwrap();
    assert_eq!(again, Outcome::Skipped("described already"));
    assert_eq!(fakes.calls(), 1);
    let result = fakes.store.json(RESULT);
    assert_eq!(result["source"]["etag"], "m2");
    assert_eq!(result["attributes"]["Fabric"], "Cotton");
    let (_, source) = fakes.store.get(RESULT).unwrap();
    assert_eq!(source.unwrap().etag.as_deref(), Some("m2"));

    // Another wish, or another photo, is other work.
    let mut other = body.clone();
    other["category"] = json!("dress");
    run(&fakes, "m3", other).await.unwrap();
    assert_eq!(fakes.calls(), 2);
    fakes.store.put(PHOTO, photo_bytes());
    run(&fakes, "m4", body).await.unwrap();
    assert_eq!(fakes.calls(), 3);
}

#[tokio::test]
async fn an_event_of_s3_and_a_message_about_one_photo_do_the_work_once() {
    let body = json!({"image": {"s3_uri": PHOTO}});
    for is_upload_first in [true, false] {
        let fakes = with_photo();
        let etag = fakes.store.etag(PHOTO).unwrap();
        for turn in 0..6 {
            if (turn % 2 == 0) == is_upload_first {
                fakes.deliver_as("01", etag.clone()).await.unwrap();
            } else {
                run(&fakes, "m1", body.clone()).await.unwrap();
            }
            assert_eq!(fakes.calls(), 1, "{turn}");
        }
    }
}

#[tokio::test]
async fn an_event_of_s3_and_a_message_about_one_photo_have_its_text_held_once() {
    let body = json!({"image": {"s3_uri": PHOTO}});
    for is_upload_first in [true, false] {
        let mut fakes = with_photo();
        fakes.variables.insert("UNFAITHFUL_DESCRIPTIONS", "hold");
        fakes.deliver("00").await.unwrap();
        let older = fakes.store.get(RESULT);
        let false_texts = ["A red cotton shirt."; 2];
        fakes.describer.texts.lock().unwrap().extend(false_texts);
        let etag = fakes.store.etag(PHOTO).unwrap();
        for turn in 0..6 {
            let outcome = if (turn % 2 == 0) == is_upload_first {
                fakes.deliver_as("01", etag.clone()).await.unwrap()
            } else {
                run(&fakes, "m1", body.clone()).await.unwrap()
            };
            if turn == 0 {
                assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
            } else {
                assert_eq!(outcome, Outcome::Skipped(UNFAITHFUL_TEXT), "{turn}");
            }
            assert_eq!(fakes.calls(), 2, "{turn}");
        }
        assert_eq!(fakes.store.json(RECORD)["attempts"], 1);
        assert_eq!(fakes.store.get(RESULT), older);
    }
}

#[tokio::test]
async fn the_record_of_a_message_goes_when_its_photo_is_described_by_another_way() {
    let fakes = with_photo();
    let etag = fakes.store.etag(PHOTO).unwrap();
    let message = MessageId {
        channel: "sqs",
        id: "m1".to_owned(),
        sent: Some("1763976600001".to_owned()),
        came_before: false,
    };
    let body = json!({"image": {"s3_uri": PHOTO}});
    let deadline = Deadline::after(Duration::from_secs(20));
    fakes.is_slow(true);
    let failed = handle(&fakes.app(), &message, body, deadline).await;
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(fakes.store.uris(), [RECORD, PHOTO]);
    fakes.is_slow(false);
    let upload = Upload {
        is_there: true,
        bucket: "catalogue".to_owned(),
        key: "incoming/7.jpg".to_owned(),
        etag: Some(etag),
        sequencer: None,
        at_ms: Some(1_763_976_600_000),
    };
    let prefix = "incoming/";
    upload::handle(&fakes.app(), upload, prefix, deadline)
        .await
        .unwrap();
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn a_message_that_fails_leaves_no_record_beside_what_an_event_made_of_its_photo() {
    let mut fakes = with_photo();
    fakes.variables.insert("CLAIM_PRODUCTS", "no");
    let etag = fakes.store.etag(PHOTO).unwrap();
    fakes.is_slow(true);
    // It is written when the message has failed, just before that is recorded.
    let source = SourceMark {
        etag: Some(etag),
        ..fakes.mark("01")
    };
    let by_event = (RESULT.to_owned(), "{}".into(), source);
    *fakes.store.interloper.lock().unwrap() = Some(by_event);
    let outcome = run(&fakes, "m1", json!({"image": {"s3_uri": PHOTO}})).await;
    assert_eq!(outcome.unwrap(), Outcome::Skipped("described already"));
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
    // The result is of the message from now on, too.
    assert_eq!(fakes.store.json(RESULT)["source"]["etag"], "m1");
}

#[tokio::test(start_paused = true)]
async fn a_look_that_gets_no_answer_leaves_the_time_for_the_record() {
    let fakes = with_photo();
    *fakes.store.hanging.lock().unwrap() = Some("incoming/");
    let problem = run(&fakes, "m1", json!({"image": {"s3_uri": PHOTO}})).await;
    assert!(problem.unwrap_err().kind.is_retriable());
    assert_eq!(fakes.store.json(RECORD)["retriable"], true);
}

#[tokio::test]
async fn a_photo_in_the_message_is_known_by_its_bytes() {
    let mut fakes = Fakes::default();
    fakes.variables.insert("OUTPUT_BUCKET", "results");
    let body = json!({"product_id": "7", "image": {"base64": photo_base64()}});
    for id in ["m1", "m2"] {
        run(&fakes, id, body.clone()).await.unwrap();
    }
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_message_whose_photo_is_replaced_just_then_comes_again() {
    let fakes = with_photo();
    *fakes.store.replaced.lock().unwrap() = Some(PHOTO);
    let body = json!({"image": {"s3_uri": PHOTO}});
    let problem = run(&fakes, "m1", body.clone()).await.unwrap_err();
    assert!(problem.kind.is_retriable(), "{problem:?}");
    assert_eq!(fakes.calls(), 0);
    *fakes.store.replaced.lock().unwrap() = None;
    let outcome = run(&fakes, "m1", body).await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
}

#[tokio::test]
async fn a_photo_in_the_message_needs_a_bucket_and_a_name() {
    let mut fakes = Fakes::default();
    let image = json!({"base64": photo_base64()});
    let named = json!({"product_id": "7", "image": image});
    let problem = run(&fakes, "m1", named.clone()).await.unwrap_err();
    assert!(problem.detail.contains("OUTPUT_BUCKET"), "{problem:?}");

    fakes.variables.insert("OUTPUT_BUCKET", "results");
    assert_eq!(
        run(&fakes, "m1", named).await.unwrap(),
        written("s3://results/descriptions/7.json")
    );
    let outcome = run(&fakes, "m1", json!({"image": image})).await.unwrap();
    let Outcome::Failed { record, problem } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(problem.detail.contains("product_id"), "{problem:?}");
    assert_eq!(record.to_string(), "s3://results/failures/messages/m1.json");
}

#[tokio::test]
async fn a_wrong_message_says_what_to_mend() {
    let problem = run(&Fakes::default(), "m1", json!({"image": {"url": "x"}}))
        .await
        .unwrap_err();
    assert!(problem.detail.contains("url"), "{problem:?}");
}

#[tokio::test]
async fn a_wrong_message_is_kept_under_its_product_s_name_and_comes_no_more() {
    let mut fakes = Fakes::default();
    fakes.variables.insert("OUTPUT_BUCKET", "results");
    let photo = photo_base64();
    let body = json!({"product_id": "7", "image": {"base64": photo, "url": "x"}});
    let outcome = run(&fakes, "m1", body).await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    let record = fakes.store.json("s3://results/failures/7.json");
    assert_eq!(record["product_id"], "7");
    assert_eq!(record["kind"], "invalid-request");
    assert_eq!(record["retriable"], false);
    assert_eq!(record["source"]["etag"], "m1");
    assert!(!record.to_string().contains(&photo[..41]), "{record}");
}

/// Its key would be another one than that of its record and its result.
#[tokio::test]
async fn a_name_that_is_a_path_is_kept_under_the_message_s_and_comes_no_more() {
    for name in ["../x", "..", ".", "/x", "a\nb"] {
        let fakes = with_photo();
        let body = json!({"product_id": name, "image": {"s3_uri": PHOTO}});
        let outcome = run(&fakes, "m1", body).await.unwrap();
        let Outcome::Failed { record, problem } = outcome else {
            panic!("{outcome:?}")
        };
        assert!(problem.detail.contains("product_id"), "{problem:?}");
        let uri = "s3://catalogue/failures/messages/m1.json";
        assert_eq!(record.to_string(), uri);
        let record = fakes.store.json(uri);
        assert_eq!(record["kind"], "invalid-request");
        assert_eq!(record["retriable"], false);
        assert_eq!(fakes.calls(), 0);
    }
}

#[tokio::test]
async fn a_message_that_is_late_does_not_replace_the_result_of_a_later_one() {
    let fakes = with_photo();
    let body = json!({"image": {"s3_uri": "s3://catalogue/incoming/7.jpg"}});
    let sent = async |id: &str, sent: &str, body: Value| {
        let message = MessageId {
            channel: "sqs",
            id: id.to_owned(),
            sent: Some(sent.to_owned()),
            came_before: false,
        };
        let deadline = Deadline::after(Duration::from_secs(20));
        handle(&fakes.app(), &message, body, deadline).await
    };
    sent("m2", "1763976600002", body.clone()).await.unwrap();
    let late = sent("m1", "1763976600001", body).await.unwrap();
    assert!(matches!(late, Outcome::Skipped(_)), "{late:?}");
    let body = json!({"image": {"s3_uri": PHOTO}, "attributes": ["Fabric"]});
    let later = sent("m3", "1763976600003", body).await.unwrap();
    assert!(matches!(later, Outcome::Written(_)), "{later:?}");
}
