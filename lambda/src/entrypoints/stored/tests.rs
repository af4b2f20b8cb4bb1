use std::time::Duration;

use super::*;
use crate::entrypoints::upload::{self, Upload};
use crate::fakes::{Fakes, photo_bytes};

const PHOTO: &str = "s3://catalogue/incoming/7.jpg";
const RESULT: &str = "s3://catalogue/descriptions/7.json";

fn with_photo() -> Fakes {
    let fakes = Fakes::default();
    fakes.store.put(PHOTO, photo_bytes());
    fakes
}

async fn deliver(fakes: &Fakes, sequencer: &str) -> Outcome {
    let upload = Upload {
        is_there: true,
        bucket: "catalogue".into(),
        key: "incoming/7.jpg".into(),
        etag: Some(format!("etag of {sequencer}")),
        sequencer: Some(sequencer.into()),
    };
    let deadline = Deadline::after(Duration::from_secs(20));
    let outcome = upload::handle(&fakes.app(), upload, "incoming/", deadline).await;
    outcome.unwrap()
}

fn mark(fakes: &Fakes, sequencer: &str) -> SourceMark {
    SourceMark {
        origin: PHOTO.into(),
        etag: Some(format!("etag of {sequencer}")),
        sequencer: Some(sequencer.into()),
        settings: Some(fakes.app().settings.mark(None)),
    }
}

/// Somebody else's result appears while this one is made.
fn meanwhile(fakes: &Fakes, sequencer: &str) {
    let other = (RESULT.to_owned(), "{}".into(), mark(fakes, sequencer));
    *fakes.store.interloper.lock().unwrap() = Some(other);
}

fn sequencer(fakes: &Fakes) -> String {
    let (_, source) = fakes.store.get(RESULT).unwrap();
    source.unwrap().sequencer.unwrap()
}

#[tokio::test]
async fn two_deliveries_at_once_leave_one_result() {
    let fakes = with_photo();
    meanwhile(&fakes, "01");
    let outcome = deliver(&fakes, "01").await;
    assert_eq!(outcome, Outcome::Skipped("described already"));
    assert_eq!(fakes.store.get(RESULT).unwrap().0, "{}");
}

#[tokio::test]
async fn a_late_delivery_never_replaces_the_result_of_a_later_photo() {
    let fakes = with_photo();
    meanwhile(&fakes, "02");
    let outcome = deliver(&fakes, "01").await;
    assert_eq!(
        outcome,
        Outcome::Skipped("a later one is described already")
    );
    assert_eq!(fakes.store.get(RESULT).unwrap().0, "{}");
    assert_eq!(fakes.model.asked.lock().unwrap().len(), 1);

    // Known beforehand, it is not even worked on.
    deliver(&fakes, "01").await;
    assert_eq!(fakes.model.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_later_photo_replaces_what_was_written_meanwhile() {
    let fakes = with_photo();
    meanwhile(&fakes, "01");
    let outcome = deliver(&fakes, "02").await;
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert_eq!(sequencer(&fakes), "02");
    assert_eq!(fakes.model.asked.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn other_settings_are_other_work() {
    let mut fakes = with_photo();
    deliver(&fakes, "02").await;
    fakes.variables.insert("PRODUCT_CONCURRENCY", "5");
    let outcome = deliver(&fakes, "02").await;
    assert_eq!(outcome, Outcome::Skipped("described already"));

    fakes.variables.insert("DEFAULT_CATEGORY", "dress");
    let outcome = deliver(&fakes, "02").await;
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    // But not for a photo that is gone.
    fakes.variables.insert("DEFAULT_CATEGORY", "kurta");
    let outcome = deliver(&fakes, "01").await;
    assert!(matches!(outcome, Outcome::Skipped(_)), "{outcome:?}");
}

#[tokio::test]
async fn another_format_is_other_work() {
    let mut fakes = with_photo();
    deliver(&fakes, "02").await;
    fakes.variables.insert("DEFAULT_FORMAT", "listing");
    let outcome = deliver(&fakes, "02").await;
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    assert!(fakes.store.json(RESULT)["listing"].is_object());
}

#[tokio::test]
async fn a_text_that_is_held_is_stored_as_such_and_not_written_again() {
    let mut fakes = with_photo();
    fakes.variables.insert("UNFAITHFUL_DESCRIPTIONS", "hold");
    let texts = ["A red cotton shirt.", "This is a red cotton shirt."];
    fakes.describer.texts.lock().unwrap().extend(texts);
    let outcome = deliver(&fakes, "01").await;
    assert!(matches!(outcome, Outcome::Written(_)), "{outcome:?}");
    let result = fakes.store.json(RESULT);
    assert_eq!(result["description"], Value::Null);
    assert_eq!(result["held_description"], texts[1]);

    let again = deliver(&fakes, "01").await;
    assert_eq!(again, Outcome::Skipped("described already"));
    assert_eq!(fakes.describer.prompts.lock().unwrap().len(), 2);
}

/// S3's entity tags, which its conditional writes compare, are digests of the contents.
#[tokio::test]
async fn results_of_equal_words_from_two_photos_are_two_contents() {
    let fakes = with_photo();
    deliver(&fakes, "01").await;
    let (first, _) = fakes.store.get(RESULT).unwrap();
    deliver(&fakes, "02").await;
    let (second, _) = fakes.store.get(RESULT).unwrap();
    let parsed = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap();
    let (first, second) = (parsed(first.as_ref()), parsed(second.as_ref()));
    assert_eq!(first["description"], second["description"]);
    assert_eq!(first["source"]["sequencer"], "01");
    assert_eq!(second["source"]["sequencer"], "02");
    assert_eq!(second["source"]["origin"], PHOTO);
}
