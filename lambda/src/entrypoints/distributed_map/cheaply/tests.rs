use std::time::Duration;

use super::*;
use crate::entrypoints::distributed_map::{MapBatch, handle_batch};
use crate::entrypoints::{Upload, handle_upload};
use crate::fakes::{Fakes, photo_bytes};
use crate::problem::ProblemKind;

const RUN: &str = "backfill/run-1/";

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn photo(name: &str) -> Value {
    json!({"Key": format!("incoming/{name}.jpg"), "Etag": format!("\"etag of {name}\"")})
}

/// A bucket with the photos of three products.
fn fakes() -> Fakes {
    let fakes = Fakes::default();
    for name in ["1", "2", "3"] {
        let uri = format!("s3://catalogue/incoming/{name}.jpg");
        fakes.store.put(&uri, photo_bytes());
    }
    fakes
}

async fn step(fakes: &Fakes, step: &str, items: Value) -> Result<Value, Problem> {
    let batch: MapBatch = serde_json::from_value(json!({
        "Items": items,
        "BatchInput": {
            "bucket": "catalogue", "run": RUN, "step": step, "model": "claude-in-batches"
        }
    }))
    .unwrap();
    handle_batch(&fakes.app(), batch, soon()).await
}

/// The keys below a folder of the run.
fn files(fakes: &Fakes, folder: &str) -> Vec<String> {
    let prefix = format!("s3://catalogue/{RUN}{folder}/");
    let uris = fakes.store.uris().into_iter();
    uris.filter(|uri| uri.starts_with(&prefix))
        .map(|uri| uri.trim_start_matches("s3://catalogue/").to_owned())
        .collect()
}

fn only_file(fakes: &Fakes, folder: &str) -> String {
    let mut found = files(fakes, folder);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn lines(fakes: &Fakes, key: &str) -> Vec<Value> {
    let (bytes, _) = fakes.store.get(&format!("s3://catalogue/{key}")).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What Batch Transform makes of the one file of questions: the fabric is known, all else
/// is not. The lines of `broken` are errors.
fn transform(fakes: &Fakes, broken: &[usize]) -> Value {
    let file = &only_file(fakes, "questions");
    let mut answers = String::new();
    for (index, line) in lines(fakes, file).into_iter().enumerate() {
        let questions = line["prompts"].as_array().unwrap();
        let answer = |question: &Value| match question.as_str().unwrap().contains("fabric") {
            true => json!({"generated_text": "Fabric: Cotton", "confidence": 0.5}),
            false => json!({"generated_text": "", "confidence": 0.1}),
        };
        let line = match broken.contains(&index) {
            true => json!({"error": {"code": "invalid_image", "message": "no"}}),
            false => Value::Array(questions.iter().map(answer).collect()),
        };
        answers.push_str(&format!("{line}\n"));
    }
    let key = format!("{}.out", file.replace("questions", "answers"));
    fakes
        .store
        .put(&format!("s3://catalogue/{key}"), answers.into());
    json!([{"Key": key}])
}

/// What batch inference makes of the one file of prompts: `text` for each.
fn write(fakes: &Fakes, text: &str) -> Value {
    let file = &only_file(fakes, "prompts");
    let mut texts = String::new();
    for record in lines(fakes, file) {
        let line = json!({
            "recordId": record["recordId"],
            "modelInput": record["modelInput"],
            "modelOutput": {
                "content": [{"type": "text", "text": text}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 70, "output_tokens": 50}
            }
        });
        texts.push_str(&format!("{line}\n"));
    }
    let key = format!("{}.out", file.replace("prompts/", "texts/job-1/"));
    fakes
        .store
        .put(&format!("s3://catalogue/{key}"), texts.into());
    json!([{"Key": key}, {"Key": format!("{RUN}texts/job-1/manifest.json.out")}])
}

fn all() -> Value {
    json!([photo("1"), photo("2"), {"Key": "incoming/"}, photo("3")])
}

fn result(fakes: &Fakes, name: &str) -> Value {
    let uri = format!("s3://catalogue/descriptions/{name}.json");
    fakes.store.json(&uri)
}

#[tokio::test]
async fn three_steps_describe_what_nobody_was_asked_about_live() {
    let fakes = fakes();
    let asked = step(&fakes, "questions", all()).await.unwrap();
    assert_eq!(
        asked,
        json!({"photos": 4, "asked": 3, "skipped": 1, "left": 0})
    );
    let questions = lines(&fakes, &only_file(&fakes, "questions"));
    assert_eq!(questions.len(), 3);
    assert_eq!(questions[0]["parameters"], json!({"details": true}));
    assert_eq!(questions[0]["prompts"].as_array().unwrap().len(), 8);

    let answers = transform(&fakes, &[]);
    let prompted = step(&fakes, "prompts", answers).await.unwrap();
    assert_eq!(prompted, json!({"photos": 3, "prompts": 3}));

    let texts = write(&fakes, "A cotton garment.");
    let written = step(&fakes, "results", texts).await.unwrap();
    assert_eq!(
        written,
        json!({"texts": 3, "written": 3, "skipped": 0, "failed": 0})
    );
    for name in ["1", "2", "3"] {
        let result = result(&fakes, name);
        assert_eq!(result["description"], "A cotton garment.");
        assert_eq!(result["attributes"], json!({"Fabric": "Cotton"}));
        assert_eq!(result["models"]["description"], "claude-in-batches");
        assert_eq!(result["models"]["attributes"], "fake-endpoint");
        assert_eq!(result["usage"]["output_tokens"], 50);
    }
    assert!(fakes.model.asked.lock().unwrap().is_empty());
    assert!(fakes.describer.prompts.lock().unwrap().is_empty());
}

/// A text is known once: what is claimed is looked at again before the work, not after it.
#[tokio::test]
async fn claimed_products_are_described_by_the_known_texts_and_no_claim_is_left() {
    let fakes = fakes();
    step(&fakes, "questions", all()).await.unwrap();
    let answers = transform(&fakes, &[]);
    step(&fakes, "prompts", answers).await.unwrap();
    let texts = write(&fakes, "A cotton garment.");
    let written = step(&fakes, "results", texts).await.unwrap();
    assert_eq!(written["written"], 3);
    assert!(fakes.describer.prompts.lock().unwrap().is_empty());
    let uris = fakes.store.uris();
    let is_beside = |uri: &String| uri.contains("failures/") || uri.contains("claims/");
    assert!(!uris.iter().any(is_beside), "{uris:?}");
}

#[tokio::test]
async fn what_is_described_is_not_asked_about_and_its_result_stays() {
    let fakes = fakes();
    let live = json!({"Items": [photo("2")], "BatchInput": {"bucket": "catalogue"}});
    let live: MapBatch = serde_json::from_value(live).unwrap();
    handle_batch(&fakes.app(), live, soon()).await.unwrap();
    let before = result(&fakes, "2");

    let asked = step(&fakes, "questions", all()).await.unwrap();
    assert_eq!(asked["asked"], 2);
    let answers = transform(&fakes, &[]);
    step(&fakes, "prompts", answers).await.unwrap();
    let texts = write(&fakes, "A cotton garment.");
    for expected in [
        json!({"texts": 2, "written": 2, "skipped": 0, "failed": 0}),
        // A step that is repeated does nothing twice.
        json!({"texts": 2, "written": 0, "skipped": 2, "failed": 0}),
    ] {
        let written = step(&fakes, "results", texts.clone()).await.unwrap();
        assert_eq!(written, expected);
    }
    assert_eq!(result(&fakes, "2"), before);
    let asked = step(&fakes, "questions", all()).await.unwrap();
    assert_eq!(asked["asked"], 0);
}

/// It would be asked about, written and mended with every run.
#[tokio::test]
async fn what_is_on_record_beside_an_older_text_is_not_asked_about() {
    let mut fakes = fakes();
    fakes.variables.insert("UNFAITHFUL_DESCRIPTIONS", "hold");
    let deliver = async |etag: &str| {
        let key = "incoming/1.jpg".to_owned();
        let upload = to_upload(key, Some(etag.to_owned()), None, "catalogue".to_owned());
        let outcome = handle_upload(&fakes.app(), upload, "incoming/", soon()).await;
        outcome.unwrap()
    };
    deliver("older").await;
    let false_texts = ["A red cotton shirt."; 2];
    fakes.describer.texts.lock().unwrap().extend(false_texts);
    let outcome = deliver("etag of 1").await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");

    let listed = json!([photo("1")]);
    let asked = step(&fakes, "questions", listed.clone()).await.unwrap();
    assert_eq!((&asked["asked"], &asked["skipped"]), (&json!(0), &json!(1)));

    fakes.store.forget("s3://catalogue/descriptions/1.json");
    let asked = step(&fakes, "questions", listed).await.unwrap();
    assert_eq!(asked["asked"], 1);
}

/// The text of a photo that was listed may come hours after that of a newer one.
#[tokio::test]
async fn a_newer_photo_of_the_product_keeps_its_text() {
    for is_described_before in [true, false] {
        let fakes = fakes();
        fakes
            .store
            .put("s3://catalogue/incoming/1.png", photo_bytes());
        let newer = async || {
            let upload = Upload {
                is_there: true,
                bucket: "catalogue".into(),
                key: "incoming/1.png".into(),
                etag: fakes.store.etag("s3://catalogue/incoming/1.png"),
                sequencer: Some("02".into()),
                at_ms: Some(1_763_976_601_000),
            };
            let prefix = "incoming/";
            let outcome = handle_upload(&fakes.app(), upload, prefix, soon()).await;
            outcome.unwrap();
        };
        if is_described_before {
            newer().await;
        }
        let mut listed = photo("1");
        listed["LastModified"] = json!("2025-11-24T09:30:00.000Z");
        let asked = step(&fakes, "questions", json!([listed])).await.unwrap();
        if is_described_before {
            assert_eq!(asked["asked"], 0, "{asked}");
        } else {
            let answers = transform(&fakes, &[]);
            step(&fakes, "prompts", answers).await.unwrap();
            let texts = write(&fakes, "A cotton garment.");
            newer().await;
            let written = step(&fakes, "results", texts).await.unwrap();
            assert_eq!(written["skipped"], 1, "{written}");
        }
        let source = result(&fakes, "1")["source"].take();
        assert_eq!(source["origin"], "s3://catalogue/incoming/1.png");
    }
}

/// A run may have begun with a version that kept no times.
#[tokio::test]
async fn a_file_of_photos_without_times_is_read() {
    let fakes = fakes();
    step(&fakes, "questions", json!([photo("1")]))
        .await
        .unwrap();
    let uri = format!("s3://catalogue/{}", only_file(&fakes, "photos"));
    let mut photos = fakes.store.json(&uri);
    photos[0].as_object_mut().unwrap().remove("at_ms").unwrap();
    fakes.store.put(&uri, photos.to_string().into());
    let answers = transform(&fakes, &[]);
    let prompted = step(&fakes, "prompts", answers).await.unwrap();
    assert_eq!(prompted["prompts"], 1);
}

#[tokio::test]
async fn a_step_that_is_repeated_writes_the_same_files() {
    let fakes = fakes();
    step(&fakes, "questions", all()).await.unwrap();
    let first = files(&fakes, "questions");
    step(&fakes, "questions", all()).await.unwrap();
    assert_eq!(files(&fakes, "questions"), first);
    assert_eq!(files(&fakes, "photos").len(), 1);
}

#[tokio::test]
async fn what_has_no_answer_is_left_for_later_and_no_record_is_kept() {
    let fakes = fakes();
    fakes
        .store
        .put("s3://catalogue/incoming/2.jpg", "no photo".into());
    let asked = step(&fakes, "questions", all()).await.unwrap();
    assert_eq!(
        asked,
        json!({"photos": 4, "asked": 2, "skipped": 1, "left": 1})
    );
    let answers = transform(&fakes, &[0]);
    let prompted = step(&fakes, "prompts", answers).await.unwrap();
    assert_eq!(prompted, json!({"photos": 2, "prompts": 1}));
    let texts = write(&fakes, "A cotton garment.");
    let written = step(&fakes, "results", texts).await.unwrap();
    assert_eq!(written["written"], 1);
    let uris = fakes.store.uris();
    assert!(uris.contains(&"s3://catalogue/descriptions/3.json".to_owned()));
    let is_beside = |uri: &String| uri.contains("failures/") || uri.contains("claims/");
    assert!(!uris.iter().any(is_beside), "{uris:?}");
}

#[tokio::test]
async fn a_text_with_faults_is_mended_by_the_live_writer() {
    let fakes = fakes();
    step(&fakes, "questions", json!([photo("1")]))
        .await
        .unwrap();
    let answers = transform(&fakes, &[]);
    step(&fakes, "prompts", answers).await.unwrap();
    // Nothing of cotton in it.
    let texts = write(&fakes, "A garment.");
    step(&fakes, "results", texts).await.unwrap();
    let prompts = fakes.describer.prompts.lock().unwrap();
    let corrected: Vec<bool> = prompts
        .iter()
        .map(|(prompt, _)| prompt.correction.is_some())
        .collect();
    assert_eq!(corrected, [true]);
    let result = result(&fakes, "1");
    assert_eq!(result["description"], "A cotton garment.");
    assert_eq!(result["usage"]["output_tokens"], 55);
}

#[tokio::test]
async fn a_text_for_another_prompt_is_not_used() {
    let mut fakes = fakes();
    step(&fakes, "questions", json!([photo("1")]))
        .await
        .unwrap();
    let answers = transform(&fakes, &[]);
    step(&fakes, "prompts", answers).await.unwrap();
    let texts = write(&fakes, "A cotton garment of long ago.");
    // The settings were changed while the texts were written.
    fakes.variables.insert("BRAND_VOICE", "dry");
    step(&fakes, "results", texts).await.unwrap();
    assert_eq!(result(&fakes, "1")["description"], "A cotton garment.");
}

#[tokio::test]
async fn answers_that_are_not_a_line_each_are_nobody_s() {
    let fakes = fakes();
    step(&fakes, "questions", all()).await.unwrap();
    let answers = transform(&fakes, &[]);
    let uri = format!("s3://catalogue/{}", answers[0]["Key"].as_str().unwrap());
    let (bytes, _) = fakes.store.get(&uri).unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let (_, rest) = text.split_once('\n').unwrap();
    fakes.store.put(&uri, rest.to_owned().into());
    let prompted = step(&fakes, "prompts", answers).await.unwrap();
    assert_eq!(prompted, json!({"photos": 0, "prompts": 0}));
    assert!(files(&fakes, "prompts").is_empty());
}

#[tokio::test]
async fn a_step_says_what_it_lacks() {
    for common in [
        json!({"step": "questions", "bucket": "catalogue"}),
        json!({"step": "questions", "bucket": "catalogue", "run": "backfill/run-1"}),
        json!({"step": "questions", "run": RUN}),
    ] {
        let batch = json!({"Items": [], "BatchInput": common});
        let batch: MapBatch = serde_json::from_value(batch).unwrap();
        let problem = handle_batch(&fakes().app(), batch, soon())
            .await
            .unwrap_err();
        assert_eq!(problem.kind, ProblemKind::InvalidRequest);
        assert!(problem.detail.contains("BatchInput"), "{problem:?}");
    }
    let unknown = json!({"Items": [], "BatchInput": {"step": "guesses"}});
    assert!(serde_json::from_value::<MapBatch>(unknown).is_err());
}
