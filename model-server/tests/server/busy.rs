//! Many requests at a time, too many, and a model that fails.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model_server::backend::fake::FakeBackend;
use model_server::core::Limits;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::support::{Gate, PATIENCE, Server, echo, eventually, gated, png, question, read};

fn with_places(max_waiting_questions: usize) -> ServeOptions {
    let limits = Limits {
        max_waiting_questions,
        ..Limits::default()
    };
    ServeOptions {
        limits,
        ..ServeOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_client_gets_its_own_answers() {
    let server = Server::start(echo()).await;
    let requests: Vec<_> = (1..=100u32)
        .map(|number| {
            let prompts = [format!("A{number}"), format!("B{number}")];
            (
                number,
                server.invoke(&json!({"image": png(number, 2), "prompts": prompts})),
            )
        })
        .collect();
    for (number, request) in requests {
        let answer = read(request.await.unwrap().unwrap()).await;
        let value = format!("{number}x2");
        let expected = json!([{format!("A{number}"): value}, {format!("B{number}"): value}]);
        assert_eq!(answer, (200, expected));
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_answers_during_inference() {
    let gate = Gate::closed();
    let server = Server::start(gated(&gate)).await;
    let request = server.invoke(&question("Fit"));
    gate.until_arrived(1).await;
    let started = Instant::now();
    for _ in 0..20 {
        assert_eq!(server.ping().await.status(), 200);
    }
    assert!(started.elapsed() < Duration::from_secs(5));
    gate.open();
    assert_eq!(request.await.unwrap().unwrap().status(), 200);
    server.stop().await;
}

/// A request of so many questions, all the same, about a photo of this width,
/// which no other request has sent before it.
fn many(width: u32, prompt: &str, count: usize) -> Value {
    json!({"image": png(width, 3), "prompts": vec![prompt; count]})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_so_at_once_and_answers_what_it_admitted() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let server = Server::start_with(with_places(64), backend.clone()).await;
    let running = server.invoke(&question("Fit"));
    gate.until_arrived(1).await;
    // The one that is being answered takes no place.
    let waiting = [40, 24].map(|count| server.invoke(&many(count, "Fit", count as usize)));
    eventually(|| backend.photos_seen() == 3).await;

    let refused = server.invoke(&question("Fit")).await.unwrap().unwrap();
    assert_eq!(refused.headers()["retry-after"], "1");
    let (status, answer) = read(refused).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (429, &json!("overloaded"))
    );
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(message.contains("64 questions may wait"), "{message}");

    gate.open();
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    for request in waiting {
        assert_eq!(request.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(server.post(&question("Fit")).await.0, 200);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_frees_its_places_and_is_not_computed_for() {
    let gate = Gate::closed();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let backend = {
        let (gate, asked) = (Arc::clone(&gate), Arc::clone(&asked));
        FakeBackend::new(move |_, prompts| {
            asked.lock().unwrap().push(prompts[0].clone());
            gate.pass();
            Ok(vec!["Fit: Slim".to_owned(); prompts.len()])
        })
    };
    let server = Server::start_with(with_places(64), backend.clone()).await;
    let running = server.invoke(&question("first"));
    gate.until_arrived(1).await;
    let leaving = server.invoke(&many(5, "leaving", 64));
    eventually(|| backend.photos_seen() == 2).await;
    assert_eq!(server.post(&question("refused")).await.0, 429);
    leaving.abort();

    let started = Instant::now();
    let admitted = loop {
        let request = server.invoke(&many(6, "admitted", 64));
        eventually(|| request.is_finished() || backend.photos_seen() == 3).await;
        if backend.photos_seen() == 3 {
            break request;
        }
        assert_eq!(request.await.unwrap().unwrap().status(), 429);
        assert!(
            started.elapsed() < PATIENCE,
            "the places are never given back"
        );
    };
    gate.open();
    assert_eq!(running.await.unwrap().unwrap().status(), 200);
    assert_eq!(admitted.await.unwrap().unwrap().status(), 200);
    server.stop().await;
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(
        asked[0].contains("first") && asked[1].contains("admitted"),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_model_is_an_error_of_one_request() {
    let server = Server::start(FakeBackend::answering(|_, prompt| {
        assert!(!prompt.contains("trap"), "tensor shapes differ");
        "Fit: Slim".to_owned()
    }))
    .await;
    for _ in 0..3 {
        let (status, answer) = server.post(&question("trap")).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (500, &json!("internal"))
        );
        assert!(!answer.to_string().contains("tensor"), "{answer}");
        assert_eq!(
            server.post(&question("Fit")).await,
            (200, json!({"Fit": "Slim"}))
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_or_miscounts_is_an_error_of_one_request() {
    let server = Server::start(FakeBackend::new(|_, prompts| {
        if prompts[0].contains("fail") {
            return Err("out of memory".into());
        }
        let extra = usize::from(prompts[0].contains("miscount"));
        Ok(vec!["Fit: Slim".to_owned(); prompts.len() + extra])
    }))
    .await;
    for prompt in ["fail", "miscount"] {
        let (status, answer) = server.post(&question(prompt)).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (500, &json!("internal")),
            "{prompt}"
        );
        assert_eq!(server.post(&question("Fit")).await.0, 200);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_goes_through_the_model_in_parts() {
    let sizes = Arc::new(Mutex::new(Vec::new()));
    let backend = {
        let sizes = Arc::clone(&sizes);
        FakeBackend::new(move |_, prompts| {
            sizes.lock().unwrap().push(prompts.len());
            Ok(prompts
                .iter()
                .map(|prompt| format!("Length: {}", prompt.len()))
                .collect())
        })
    };
    let server = Server::start(backend).await;
    // One token a character.
    let prompts: Vec<String> = (0..10).map(|index| "x".repeat(900 + index)).collect();
    let (status, answer) = server
        .post(&json!({"image": png(4, 3), "prompts": prompts}))
        .await;
    assert_eq!(status, 200);
    for (index, one) in answer.as_array().unwrap().iter().enumerate() {
        let wrapped = "Question:  Answer: ".len() + 900 + index;
        assert_eq!(one, &json!({"Length": wrapped.to_string()}));
    }
    assert_eq!(*sizes.lock().unwrap(), [4, 4, 2]);
    server.stop().await;
}
