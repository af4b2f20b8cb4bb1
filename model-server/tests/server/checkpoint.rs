//! The small checkpoint behind the server.

use std::path::PathBuf;

use blip2::{DeviceKind, LoadOptions};
use image::ImageFormat;
use model_server::backend;
use serde_json::{Value, json};

use crate::support::{Server, base64, encoded, picture};

pub fn model_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/blip2-mini")
}

pub async fn start() -> Server {
    let options = LoadOptions {
        device: DeviceKind::Cpu,
        number_type: None,
        ..LoadOptions::default()
    };
    Server::start(backend::load(&model_dir(), &options).unwrap()).await
}

fn questions() -> Vec<String> {
    let set = attributes::AttributeSet::embedded();
    let (noun, asked) = set.attributes_of("shirt");
    asked
        .into_iter()
        .map(|attribute| attributes::question(attribute, noun))
        .collect()
}

fn same(one: &Value, other: &Value) {
    assert_eq!(one["generated_text"], other["generated_text"]);
    assert_eq!(one["generated_tokens"], other["generated_tokens"]);
    let difference = one["confidence"].as_f64().unwrap() - other["confidence"].as_f64().unwrap();
    assert!(difference.abs() < 1e-5, "{one} {other}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_answered_alike_alone_and_in_a_batch() {
    let server = start().await;
    let image = base64(&encoded(&picture(180, 240), ImageFormat::Jpeg));
    let questions = questions();
    assert_eq!(questions.len(), 8);
    for parameters in [
        json!({"details": true}),
        json!({"details": true, "num_beams": 3}),
    ] {
        let request = json!({"image": image, "prompts": questions, "parameters": parameters});
        let (status, batch) = server.post(&request).await;
        assert_eq!(status, 200, "{batch}");
        for (question, in_batch) in questions.iter().zip(batch.as_array().unwrap()) {
            let request = json!({"image": image, "prompt": question, "parameters": parameters});
            let (status, alone) = server.post(&request).await;
            assert_eq!(status, 200, "{alone}");
            same(&alone, in_batch);
            let confidence = alone["confidence"].as_f64().unwrap();
            assert!(confidence > 0.0 && confidence <= 1.0);
            assert!(alone["attribute"].is_string(), "no pair: {alone}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_at_one_time_are_answered_as_one_after_the_other() {
    let server = start().await;
    let requests: Vec<Value> = (0..12)
        .map(|number| {
            let photo = encoded(&picture(60 + number * 7, 90), ImageFormat::Png);
            let parameters = json!({"details": true, "num_beams": 1 + number % 3});
            json!({"image": base64(&photo), "prompts": questions(), "parameters": parameters})
        })
        .collect();
    let mut expected = Vec::new();
    for request in &requests {
        expected.push(server.post(request).await.1);
    }
    let running: Vec<_> = requests
        .iter()
        .map(|request| server.invoke(request))
        .collect();
    for (request, expected) in running.into_iter().zip(expected) {
        let answer: Value = request.await.unwrap().unwrap().json().await.unwrap();
        for (one, other) in answer
            .as_array()
            .unwrap()
            .iter()
            .zip(expected.as_array().unwrap())
        {
            same(one, other);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_reaches_the_model() {
    let server = start().await;
    let image = base64(&encoded(&picture(96, 96), ImageFormat::Png));
    let ask = async |parameters: Value| {
        let request = json!({"image": image, "prompt": questions()[0], "parameters": parameters});
        let (status, answer) = server.post(&request).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let short = ask(json!({"details": true, "max_new_tokens": 1})).await;
    assert_eq!(short["generated_tokens"], 1);
    let long = ask(json!({"details": true, "min_new_tokens": 12, "max_new_tokens": 12})).await;
    assert_eq!(long["generated_tokens"], 12);
    let sampled = json!({"details": true, "do_sample": true, "temperature": 1.5, "top_k": 0,
        "top_p": 0.95, "seed": 7});
    assert_eq!(ask(sampled.clone()).await, ask(sampled).await);
    ask(
        json!({"num_beams": 4, "length_penalty": 0.6, "early_stopping": "never",
        "repetition_penalty": 1.3, "max_new_tokens": 256}),
    )
    .await;
    server.stop().await;
}
