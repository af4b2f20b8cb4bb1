//! `adapter` of a request: in every form of a body, and what is said where it
//! cannot be had.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use blip2::Adapter;
use image::ImageFormat;
use model_server::backend::fake::FakeBackend;
use model_server::core::AdapterOptions;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::sending::answers;
use crate::support::{Server, code, echo, encoded, picture, png, read};

/// A folder of the fake's adapters, each of which ends its answers with a word.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, word: &str) {
        write_files(&self.path(name), word);
    }

    async fn serve(&self, backend: Arc<FakeBackend>) -> Server {
        let options = ServeOptions {
            adapters: Some(AdapterOptions {
                folder: self.0.path().to_owned(),
                max_bytes: 1 << 20,
            }),
            ..ServeOptions::default()
        };
        Server::start_with(options, backend).await
    }
}

fn write_files(folder: &Path, word: &str) {
    std::fs::create_dir_all(folder).unwrap();
    for (file, text) in Adapter::FILES.into_iter().zip(["{}", word]) {
        std::fs::write(folder.join(file), text).unwrap();
    }
}

fn request(adapter: impl Into<Value>) -> Value {
    json!({"image": png(4, 3), "prompt": "Fit", "adapter": adapter.into()})
}

fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_chooses_in_every_form_of_a_body() {
    let folder = Folder::new();
    folder.write("dresses", "silk");
    folder.write("shoes", "leather");
    let server = folder.serve(echo()).await;

    let response = server.invoke(&request("dresses")).await.unwrap().unwrap();
    assert_eq!(response.headers()["x-adapter"], "dresses");
    let attributes = response.headers()["x-amzn-sagemaker-custom-attributes"].clone();
    assert_eq!(attributes, "image_cache=miss;adapter=dresses");
    assert_eq!(read(response).await, (200, json!({"Fit": "4x3 silk"})));

    let response = server.invoke(&request(Value::Null)).await.unwrap().unwrap();
    assert!(!response.headers().contains_key("x-adapter"));
    assert_eq!(read(response).await, (200, json!({"Fit": "4x3"})));

    let mut detailed = request("shoes");
    detailed["parameters"] = json!({"details": true});
    let (status, answer) = server.post(&detailed).await;
    assert_eq!((status, &answer["adapter"]), (200, &json!("shoes")));
    assert_eq!(answer["value"], "4x3 leather");
    detailed["adapter"] = Value::Null;
    assert_eq!(server.post(&detailed).await.1.get("adapter"), None);

    let image = encoded(&picture(4, 3), ImageFormat::Png);
    let headers = [
        ("content-type", "image/png"),
        (
            "X-Amzn-SageMaker-Custom-Attributes",
            r#"{"prompts": ["Fit", "Neck"], "adapter": "shoes"}"#,
        ),
    ];
    let response = server.send(&headers, image).await;
    assert_eq!(response.headers()["x-adapter"], "shoes");
    let expected = json!([{"Fit": "4x3 leather"}, {"Neck": "4x3 leather"}]);
    assert_eq!(read(response).await, (200, expected));

    let lines = [
        request("dresses"),
        request("hats"),
        request("shoes"),
        request(Value::Null),
    ];
    let lines = lines.map(|line| line.to_string()).join("\n");
    let headers = [("content-type", "application/jsonlines")];
    let answers = answers(server.send(&headers, lines).await).await;
    assert_eq!(answers[0], json!({"Fit": "4x3 silk"}));
    assert_eq!(code(&answers[1]), "unknown_adapter");
    assert_eq!(answers[2], json!({"Fit": "4x3 leather"}));
    assert_eq!(answers[3], json!({"Fit": "4x3"}));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn adapters_come_change_and_go_without_a_restart() {
    let folder = Folder::new();
    let server = folder.serve(echo()).await;
    let (status, answer) = server.post(&request("dresses")).await;
    assert_eq!((status, code(&answer)), (400, "unknown_adapter"));
    assert!(message(&answer).contains("there is none yet"), "{answer}");

    folder.write("dresses", "silk");
    assert_eq!(
        server.post(&request("dresses")).await.1,
        json!({"Fit": "4x3 silk"})
    );
    folder.write("dresses", "wool");
    assert_eq!(
        server.post(&request("dresses")).await.1,
        json!({"Fit": "4x3 wool"})
    );
    // As a whole, the way it should be done.
    write_files(&folder.path(".new"), "lace");
    let old = folder.path(".old");
    std::fs::rename(folder.path("dresses"), &old).unwrap();
    std::fs::rename(folder.path(".new"), folder.path("dresses")).unwrap();
    assert_eq!(
        server.post(&request("dresses")).await.1,
        json!({"Fit": "4x3 lace"})
    );

    folder.write("shoes", "leather");
    std::fs::remove_dir_all(folder.path("dresses")).unwrap();
    let (status, answer) = server.post(&request("dresses")).await;
    assert_eq!((status, code(&answer)), (400, "unknown_adapter"));
    assert!(
        message(&answer).ends_with("the only one is shoes"),
        "{answer}"
    );
    let metrics = server.get("/metrics").await.text().await.unwrap();
    assert!(metrics.contains("\nadapters_loaded 0\n"), "{metrics}");
    assert!(
        metrics.contains("\nadapter_questions_total 3\n"),
        "{metrics}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_not_whole_fails_alone_and_works_when_it_is() {
    let folder = Folder::new();
    folder.write("shoes", "leather");
    std::fs::create_dir(folder.path("dresses")).unwrap();
    let server = folder.serve(echo()).await;
    let broken = async |reason: &str| {
        let response = server.invoke(&request("dresses")).await.unwrap().unwrap();
        assert_eq!(response.headers()["retry-after"], "5");
        let (status, answer) = read(response).await;
        assert_eq!((status, code(&answer)), (503, "unusable_adapter"));
        assert!(message(&answer).contains(reason), "{answer}");
        // Where it lies is nobody's business.
        let place = folder.0.path().to_str().unwrap();
        assert!(!message(&answer).contains(place), "{answer}");
        assert_eq!(
            server.post(&request("shoes")).await.1,
            json!({"Fit": "4x3 leather"})
        );
    };
    broken("adapter_config.json is missing").await;
    std::fs::write(folder.path("dresses").join(Adapter::FILES[0]), "{}").unwrap();
    broken("adapter_model.safetensors is missing").await;
    std::fs::write(folder.path("dresses").join(Adapter::FILES[1]), "").unwrap();
    broken("it is cut off").await;
    std::fs::write(folder.path("dresses").join(Adapter::FILES[1]), "silk").unwrap();
    assert_eq!(
        server.post(&request("dresses")).await.1,
        json!({"Fit": "4x3 silk"})
    );
    std::fs::write(folder.path("dresses").join(Adapter::FILES[1]), "").unwrap();
    broken("it is cut off").await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_leads_nowhere_but_into_the_folder() {
    let folder = Folder::new();
    let server = folder.serve(echo()).await;
    let outside = tempfile::tempdir().unwrap();
    write_files(outside.path(), "secret");
    write_files(&folder.path(".hidden"), "secret");
    write_files(&folder.path("a/b"), "secret");
    let outside = outside.path().to_str().unwrap();
    let up = format!("../{}", outside.rsplit('/').next().unwrap());
    for name in [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a/",
        "/",
        "./a",
        ".hidden",
        "a\u{0}b",
        "a\\b",
        "é",
        " a",
        outside,
        &up,
        &"x".repeat(101),
    ] {
        let (status, answer) = server.post(&request(name)).await;
        assert_eq!(
            (status, code(&answer)),
            (400, "invalid_request"),
            "{name}: {answer}"
        );
        assert!(
            message(&answer).contains("which is no name of one"),
            "{answer}"
        );
    }
    for wrong in [json!(7), json!(["a"]), json!({"name": "a"}), json!(true)] {
        let (status, answer) = server.post(&request(wrong)).await;
        assert_eq!((status, code(&answer)), (400, "invalid_request"));
        assert!(
            message(&answer).contains("`adapter` must be a string"),
            "{answer}"
        );
    }
    // A file is no adapter.
    std::fs::write(folder.path("file"), "secret").unwrap();
    let (status, answer) = server.post(&request("file")).await;
    assert_eq!((status, code(&answer)), (400, "unknown_adapter"));
    assert!(message(&answer).ends_with("the only one is a"), "{answer}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_adapters_says_how_to_have_some() {
    let server = Server::start(echo()).await;
    let (status, answer) = server.post(&request("dresses")).await;
    assert_eq!((status, code(&answer)), (400, "invalid_request"));
    assert!(
        message(&answer).contains("start it with --adapters DIR"),
        "{answer}"
    );
    let (status, answer) = server.post(&request(Value::Null)).await;
    assert_eq!((status, answer), (200, json!({"Fit": "4x3"})));
    server.stop().await;
}
