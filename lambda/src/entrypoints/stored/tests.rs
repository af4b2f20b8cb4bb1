use super::*;
use crate::entrypoints::{Upload, handle_upload};
use crate::fakes::uploads::{PHOTO, RECORD, RESULT, TIME};
use crate::fakes::{Fakes, photo_bytes};

fn sequencer(fakes: &Fakes) -> String {
    let (_, source) = fakes.store.get(RESULT).unwrap();
    source.unwrap().sequencer.unwrap()
}

#[tokio::test]
async fn two_deliveries_at_once_leave_one_result() {
    let fakes = Fakes::without_claims();
    fakes.meanwhile(RESULT, "{}", "01");
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.store.get(RESULT).unwrap().0, "{}");
}

#[tokio::test]
async fn a_late_delivery_never_replaces_the_result_of_a_later_photo() {
    let fakes = Fakes::without_claims();
    fakes.meanwhile(RESULT, "{}", "02");
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Skipped("a later one is described already")
    );
    assert_eq!(fakes.store.get(RESULT).unwrap().0, "{}");
    assert_eq!(fakes.calls(), 1);

    // Known beforehand, it is not even worked on.
    fakes.deliver("01").await.unwrap();
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_later_photo_replaces_what_was_written_meanwhile() {
    let fakes = Fakes::without_claims();
    fakes.meanwhile(RESULT, "{}", "01");
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(sequencer(&fakes), "02");
    assert_eq!(fakes.calls(), 1);
}

#[tokio::test]
async fn a_photo_that_was_replaced_since_is_passed_over_without_work_and_without_a_record() {
    let fakes = Fakes::with_photo();
    *fakes.store.replaced.lock().unwrap() = Some(PHOTO);
    let outcome = fakes.deliver("01").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("its photo was replaced since"));
    assert_eq!(fakes.calls(), 0);
    assert_eq!(fakes.store.uris(), [PHOTO]);

    *fakes.store.replaced.lock().unwrap() = None;
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
}

/// Two keys of one product, whose sequencers S3 does not promise to be comparable.
#[tokio::test]
async fn of_two_photos_that_are_delivered_again_and_again_the_later_one_stays() {
    for by_time in [true, false] {
        let fakes = Fakes::with_photo();
        fakes
            .store
            .put("s3://catalogue/incoming/7.png", photo_bytes());
        let deliver = async |extension: &str| {
            let (etag, sequencer, at_ms) = match extension {
                "jpg" => ("e", if by_time { "09" } else { "01" }, 1_763_976_600_000),
                _ => ("f", "02", 1_763_976_600_500),
            };
            let upload = Upload {
                is_there: true,
                bucket: "catalogue".into(),
                key: format!("incoming/7.{extension}"),
                etag: Some(etag.into()),
                sequencer: Some(sequencer.into()),
                at_ms: by_time.then_some(at_ms),
            };
            let deadline = Deadline::after(TIME);
            handle_upload(&fakes.app(), upload, "incoming/", deadline).await
        };
        for extension in ["jpg", "png", "jpg", "png", "jpg"] {
            deliver(extension).await.unwrap();
        }
        assert_eq!(fakes.calls(), 2, "{by_time}");
        let source = fakes.store.json(RESULT)["source"].take();
        assert_eq!(source["origin"], "s3://catalogue/incoming/7.png");
    }
}

#[tokio::test]
async fn other_settings_are_other_work() {
    let mut fakes = Fakes::with_photo();
    fakes.deliver("02").await.unwrap();
    fakes.variables.insert("PRODUCT_CONCURRENCY", "5");
    let outcome = fakes.deliver("02").await.unwrap();
    assert_eq!(outcome, Outcome::Skipped("described already"));

    fakes.variables.insert("DEFAULT_CATEGORY", "dress");
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    // But not for a photo that is gone.
    fakes.variables.insert("DEFAULT_CATEGORY", "kurta");
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
}

#[tokio::test]
async fn another_format_is_other_work() {
    let mut fakes = Fakes::with_photo();
    fakes.deliver("02").await.unwrap();
    fakes.variables.insert("DEFAULT_FORMAT", "listing");
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert!(fakes.store.json(RESULT)["listing"].is_object());
}

#[tokio::test]
async fn a_text_that_is_held_is_stored_as_such_and_not_written_again() {
    let mut fakes = Fakes::with_photo();
    fakes.variables.insert("UNFAITHFUL_DESCRIPTIONS", "hold");
    let texts = ["A red cotton shirt.", "This is a red cotton shirt."];
    fakes.describer.texts.lock().unwrap().extend(texts);
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    let result = fakes.store.json(RESULT);
    assert_eq!(result["description"], Value::Null);
    assert_eq!(result["held_description"], texts[1]);

    let again = fakes.deliver("01").await.unwrap();
    assert_eq!(again, Outcome::Skipped("described already"));
    assert_eq!(fakes.describer.prompts.lock().unwrap().len(), 2);
}

const FALSE: &str = "A red cotton shirt.";

fn with_fate(fate: &'static str) -> Fakes {
    let mut fakes = Fakes::with_photo();
    fakes.variables.insert("UNFAITHFUL_DESCRIPTIONS", fate);
    fakes
}

fn writes_false(fakes: &Fakes) {
    fakes.describer.texts.lock().unwrap().extend([FALSE; 2]);
}

/// As events/README.md has it.
#[tokio::test]
async fn a_text_that_is_held_or_dropped_never_takes_the_place_of_one_that_a_shop_has() {
    for fate in ["hold", "drop"] {
        let fakes = with_fate(fate);
        fakes.deliver("01").await.unwrap();
        let described = fakes.store.get(RESULT);
        writes_false(&fakes);
        let outcome = fakes.deliver("02").await.unwrap();
        assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
        assert_eq!(fakes.store.get(RESULT), described, "{fate}");
        let record = fakes.store.json(RECORD);
        assert_eq!(record["kind"], "description-unfaithful");
        assert_eq!(record["retriable"], false);
        assert_eq!(record["source"], fakes.mark("02").to_json());
        let problem = &record["problem"];
        assert_eq!(problem["attributes"]["Colour"], "Blue");
        assert_eq!(problem["contradicted"], json!(["Colour"]));
        assert_eq!(problem["usage"]["input_tokens"], 14);
        let held = (fate == "hold").then_some(FALSE);
        assert_eq!(problem["held_description"].as_str(), held);

        // The same event is not worked on again, …
        let calls = fakes.calls();
        for _ in 0..2 {
            let again = fakes.deliver("02").await.unwrap();
            assert_eq!(again, Outcome::Skipped(UNFAITHFUL_TEXT));
            let again = fakes.deliver_again("02").await.unwrap();
            assert_eq!(again, Outcome::Skipped(UNFAITHFUL_TEXT));
        }
        assert_eq!(fakes.calls(), calls);
        // … and the next photo is.
        let outcome = fakes.deliver("03").await.unwrap();
        assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
        assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
    }
}

#[tokio::test]
async fn a_text_that_was_held_beside_an_older_one_is_stored_once_that_is_gone() {
    let fakes = with_fate("hold");
    fakes.deliver("01").await.unwrap();
    writes_false(&fakes);
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");

    fakes.store.forget(RESULT);
    writes_false(&fakes);
    let outcome = fakes.deliver("02").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.json(RESULT)["held_description"], FALSE);
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn a_text_that_is_held_leaves_the_one_of_other_settings_and_is_written_again_by_others() {
    let mut fakes = with_fate("hold");
    fakes.deliver("01").await.unwrap();
    let described = fakes.store.get(RESULT);
    fakes.variables.insert("AUDIENCE", "Parents");
    writes_false(&fakes);
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!(fakes.store.get(RESULT), described);
    let again = fakes.deliver("01").await.unwrap();
    assert_eq!(again, Outcome::Skipped(UNFAITHFUL_TEXT));

    fakes.variables.insert("AUDIENCE", "Everybody");
    let outcome = fakes.deliver("01").await.unwrap();
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

#[tokio::test]
async fn a_result_without_a_text_gives_way_to_the_next_one_without() {
    let fakes = with_fate("drop");
    for sequencer in ["01", "02"] {
        writes_false(&fakes);
        let outcome = fakes.deliver(sequencer).await.unwrap();
        assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
        let result = fakes.store.json(RESULT);
        assert_eq!(result["description"], Value::Null);
        assert_eq!(result["source"]["sequencer"], sequencer);
    }
    assert_eq!(fakes.store.uris(), [RESULT, PHOTO]);
}

/// S3's entity tags, which its conditional writes compare, are digests of the contents.
#[tokio::test]
async fn results_of_equal_words_from_two_photos_are_two_contents() {
    let fakes = Fakes::with_photo();
    fakes.deliver("01").await.unwrap();
    let (first, _) = fakes.store.get(RESULT).unwrap();
    fakes.deliver("02").await.unwrap();
    let (second, _) = fakes.store.get(RESULT).unwrap();
    let parsed = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
    let (first, second) = (parsed(first.as_ref()), parsed(second.as_ref()));
    assert_eq!(first["description"], second["description"]);
    assert_eq!(first["source"]["sequencer"], "01");
    assert_eq!(second["source"]["sequencer"], "02");
    assert_eq!(second["source"]["origin"], PHOTO);
}
