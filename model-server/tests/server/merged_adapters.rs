//! A server with adapters against servers of the checkpoints that each of them
//! is merged into.

use std::path::{Path, PathBuf};

use blip2::training::{Learning, Trainee};
use blip2::{Adapter, LoadOptions};
use image::ImageFormat;
use model_server::backend;
use model_server::core::AdapterOptions;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::process::program;
use crate::support::{Server, base64, code, encoded, picture};

const TOLERANCE: f64 = 1e-4;

fn tiny() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/blip2/tests/data/blip2-tiny")
}

/// One that peft wrote, and the opposite of it.
fn adapters() -> [(&'static str, Adapter); 2] {
    let stored = Adapter::read(&tiny().join("adapter_after_10_steps")).unwrap();
    let mut opposite = stored.clone();
    for (_, b) in opposite.layers.values_mut() {
        *b = b.affine(-1.0, 0.0).unwrap();
    }
    [("dresses", stored), ("shoes", opposite)]
}

fn put(adapter: &Adapter, folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    adapter.write(folder).unwrap();
}

fn merge(adapter: &Adapter, folder: &Path) {
    let learning = Learning::Adapter(adapter.clone());
    let options = LoadOptions::default();
    let trainee = Trainee::load(&tiny().join("checkpoint"), &options, &learning).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    trainee.write_checkpoint(folder).unwrap();
}

async fn serve(checkpoint: &Path, adapters: Option<&Path>) -> Server {
    let options = ServeOptions {
        adapters: adapters.map(|folder| AdapterOptions {
            folder: folder.to_owned(),
            max_bytes: 1 << 20,
        }),
        ..ServeOptions::default()
    };
    let backend = backend::load(checkpoint, &LoadOptions::default()).unwrap();
    Server::start_with(options, backend).await
}

/// Requests of every kind about one of several photographs.
fn requests() -> Vec<Value> {
    let parameters = [
        json!({"details": true}),
        json!({"details": true, "num_beams": 3, "max_new_tokens": 8}),
        json!({"details": true, "do_sample": true, "seed": 5, "max_new_tokens": 6}),
        json!({"details": true, "choices": [["Fit: Slim", "Fit: Regular"], ["Neck: Round", "x: y"]]}),
    ];
    let requests = parameters.into_iter().enumerate();
    requests
        .map(|(number, parameters)| {
            let photo = picture(40 + 9 * number as u32 % 20, 50);
            json!({
                "image": base64(&encoded(&photo, ImageFormat::Png)),
                "prompts": ["What is the fit of the shirt in this picture?", "Neck?"],
                "parameters": parameters,
            })
        })
        .collect()
}

fn assert_same(answer: &Value, expected: &Value) {
    let (answers, expected) = (answer.as_array().unwrap(), expected.as_array().unwrap());
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(expected) {
        // All that is no probability; `adapter` says who answered.
        let texts = |answer: &Value| {
            let mut answer = answer.as_object().unwrap().clone();
            answer.retain(|name, _| !["confidence", "choices", "adapter"].contains(&&**name));
            answer
        };
        assert!(texts(expected).contains_key("generated_text"), "{expected}");
        assert_eq!(texts(answer), texts(expected));
        let close = |one: &Value, other: &Value| {
            let difference = one.as_f64().unwrap() - other.as_f64().unwrap();
            assert!(difference.abs() < TOLERANCE, "{answer} {expected}");
        };
        close(&answer["confidence"], &expected["confidence"]);
        assert_eq!(
            answer.get("choices").is_some(),
            expected.get("choices").is_some()
        );
        let choices = |answer: &Value| answer["choices"].as_object().cloned().unwrap_or_default();
        let (choices, of_expected) = (choices(answer), choices(expected));
        assert_eq!(choices.len(), of_expected.len());
        for (name, probability) in &choices {
            close(probability, &of_expected[name]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_requests_at_one_time_are_answered_as_by_their_merged_checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let adapter_folder = folder.path().join("adapters");
    let mut expected = Vec::new();
    let plain = serve(&tiny().join("checkpoint"), None).await;
    let mut servers = vec![(Value::Null, plain)];
    for (name, adapter) in adapters() {
        put(&adapter, &adapter_folder.join(name));
        let merged = folder.path().join(name);
        merge(&adapter, &merged);
        servers.push((json!(name), serve(&merged, None).await));
    }
    for (name, server) in servers {
        for request in requests() {
            let (status, answer) = server.post(&request).await;
            assert_eq!(status, 200, "{answer}");
            let mut to_adapter = request;
            to_adapter["adapter"] = name.clone();
            expected.push((to_adapter, answer));
        }
        server.stop().await;
    }
    let texts: Vec<&Value> = expected.iter().map(|(_, answer)| answer).collect();
    let count = requests().len();
    // What was held to choices says how likely each is.
    assert_eq!(texts[count - 1][0]["choices"].as_object().unwrap().len(), 2);
    assert_ne!(texts[0], texts[count], "the adapters change nothing");
    assert_ne!(texts[count], texts[2 * count], "the adapters are one");

    let server = serve(&tiny().join("checkpoint"), Some(&adapter_folder)).await;
    for round in 0..3 {
        // Neighbours have different adapters; all are on their way at one time.
        let running: Vec<_> = (0..count)
            .flat_map(|at| expected.iter().skip(at + round % 2).step_by(count))
            .map(|(request, answer)| (server.invoke(request), &request["adapter"], answer))
            .collect();
        for (request, adapter, expected) in running {
            let answer: Value = request.await.unwrap().unwrap().json().await.unwrap();
            assert_same(&answer, expected);
            for answer in answer.as_array().unwrap() {
                assert_eq!(answer.get("adapter").cloned().unwrap_or_default(), *adapter);
            }
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_come_and_go_and_may_be_half_copied() {
    let folder = tempfile::tempdir().unwrap();
    let [(_, adapter), (_, opposite)] = adapters();
    let server = serve(&tiny().join("checkpoint"), Some(folder.path())).await;
    let mut request = requests().remove(0);
    let (_, plain) = server.post(&request).await;
    request["adapter"] = json!("dresses");
    let refused = async |status: u16, code: &str, reason: &str| {
        let (actual, answer) = server.post(&request).await;
        assert_eq!((actual, self::code(&answer)), (status, code), "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{message}");
    };
    refused(400, "unknown_adapter", "there is none yet").await;

    let target = folder.path().join("dresses");
    put(&adapter, &target);
    let (status, first) = server.post(&request).await;
    assert_eq!((status, &first[0]["adapter"]), (200, &json!("dresses")));
    assert_ne!(first[0]["confidence"], plain[0]["confidence"]);

    let weights = target.join("adapter_model.safetensors");
    let whole = std::fs::read(&weights).unwrap();
    std::fs::write(&weights, &whole[..whole.len() / 2]).unwrap();
    refused(
        503,
        "unusable_adapter",
        "adapter_model.safetensors: it is cut off",
    )
    .await;
    std::fs::write(target.join("adapter_config.json"), "{\"r\": 8}").unwrap();
    refused(503, "unusable_adapter", "peft_type").await;

    put(&opposite, &target);
    let (status, second) = server.post(&request).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first[0]["confidence"], second[0]["confidence"]);

    // One that changes what is seen of a photograph is refused with the way out.
    let mut sees = adapter.clone();
    let (name, pair) = sees.layers.pop_first().unwrap();
    sees.layers
        .insert(name.replace("language_model", "vision_model"), pair);
    put(&sees, &target);
    refused(503, "unusable_adapter", "the model has no layer").await;

    // Settings that are another adapter's, or say two things.
    put(&adapter, &target);
    let settings = target.join("adapter_config.json");
    let text = adapter.config.to_json();
    for (from, to, reason) in [
        ("\"v\",", "", "which do not name language_model."),
        ("\"v\",", "\"v\", \"k\",", "which name language_model."),
        ("\"r\": 8", "\"r\": 8, \"r\": 8", "the key `r` twice"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        std::fs::write(&settings, changed).unwrap();
        refused(503, "unusable_adapter", reason).await;
    }

    // Finite numbers, and none that would follow from them.
    let mut absurd = adapter.clone();
    for (a, b) in absurd.layers.values_mut() {
        *a = a.affine(1e25, 0.0).unwrap();
        *b = b.affine(1e25, 0.0).unwrap();
    }
    put(&absurd, &target);
    refused(503, "unusable_adapter", "no finite number in f32").await;

    std::fs::remove_dir_all(&target).unwrap();
    refused(400, "unknown_adapter", "there is none yet").await;
    request["adapter"] = Value::Null;
    assert_same(&server.post(&request).await.1, &plain);
    server.stop().await;
}

#[test]
fn the_command_line_answers_with_an_adapter_too() {
    let folder = tempfile::tempdir().unwrap();
    let photo = folder.path().join("photo.png");
    picture(30, 40).save(&photo).unwrap();
    let [(_, adapter), _] = adapters();
    let (beside, merged) = (folder.path().join("beside"), folder.path().join("merged"));
    put(&adapter, &beside);
    merge(&adapter, &merged);
    let ask = |model_dir: &Path, adapter: Option<&Path>| {
        let mut command = program();
        command
            .args(["ask", "--json", "--model-dir"])
            .arg(model_dir);
        command.arg("--image").arg(&photo);
        if let Some(adapter) = adapter {
            command.arg("--adapter").arg(adapter);
        }
        command.arg("Neck?").output().unwrap()
    };
    let answer = |output: std::process::Output| -> Value {
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let checkpoint = tiny().join("checkpoint");
    let unmerged = answer(ask(&checkpoint, Some(&beside)));
    assert_same(&unmerged, &answer(ask(&merged, None)));
    assert_ne!(unmerged, answer(ask(&checkpoint, None)));
    let missing = ask(&checkpoint, Some(&folder.path().join("missing")));
    let error = String::from_utf8(missing.stderr).unwrap();
    assert!(!missing.status.success());
    assert!(error.contains("cannot use the adapter in"), "{error}");
}

/// The adapter that ships beside the checkpoint that ships, about the drawn
/// samples: with it, and only with it, the question is understood.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_adapter_answers_what_the_shipped_checkpoint_was_not_taught() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let server = serve(
        &root.join("models/lookbook-mini"),
        Some(&root.join("models/adapters")),
    )
    .await;
    let occasions = ["Casual", "Ethnic", "Formal", "Sports"];
    let mut known_words = 0;
    for number in 1..=12 {
        let photo = std::fs::read(root.join(format!("samples/drawn-{number:02}.jpg"))).unwrap();
        let ask = |adapter: Value| {
            json!({
                "image": base64(&photo),
                "prompt": "What is the occasion of the shirt in this picture?",
                "parameters": {"details": true},
                "adapter": adapter,
            })
        };
        let (status, with) = server.post(&ask(json!("occasion"))).await;
        assert!(
            status == 200 && with["attribute"] == "Occasion",
            "{number}: {with}"
        );
        known_words += usize::from(occasions.iter().any(|one| with["value"] == *one));
        let (status, without) = server.post(&ask(Value::Null)).await;
        assert!(
            status == 200 && without["attribute"] != "Occasion",
            "{number}: {without}"
        );
    }
    // It has learnt from photographs alone: of a drawing it may once write half of
    // one word and half of another.
    assert!(known_words >= 11, "{known_words}");
}
