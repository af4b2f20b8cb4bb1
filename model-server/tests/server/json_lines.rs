//! A request a line, an answer a line.

use std::time::{Duration, Instant};

use model_server::backend::fake::FakeBackend;
use model_server::core::Limits;
use model_server::router::HttpLimits;
use model_server::serve::ServeOptions;
use serde_json::{Value, json};

use crate::sending::{LINES, Sending, answers, next};
use crate::support::{Gate, PATIENCE, Server, code, echo, gated, png, question, with_http};

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_answered_in_order() {
    let server = Server::start(echo()).await;
    let lines: Vec<String> = (1..=100)
        .map(|number| match number % 3 {
            0 => json!({"image": png(number, 2), "prompts": ["Fit", "Neck"]}).to_string(),
            _ => json!({"image": png(number, 2), "prompt": "Fit"}).to_string(),
        })
        .collect();
    // Blank lines, line ends of both kinds, none at the end.
    let body = format!("\r\n{}\n \n{}", lines[0], lines[1..].join("\r\n"));
    for kind in [
        "application/jsonlines",
        "application/x-ndjson; charset=utf-8",
    ] {
        let response = server.send(&[("content-type", kind)], body.clone()).await;
        let answers = answers(response).await;
        assert_eq!(answers.len(), 100);
        for (number, answer) in (1..).zip(answers) {
            let size = format!("{number}x2");
            let expected = match number % 3 {
                0 => json!([{"Fit": size}, {"Neck": size}]),
                _ => json!({"Fit": size}),
            };
            assert_eq!(answer, expected);
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_line_spoils_no_other() {
    let http = HttpLimits {
        max_body_bytes: 4_096,
        ..HttpLimits::default()
    };
    let server = Server::start_with(with_http(http), echo()).await;
    let good = question("Fit").to_string();
    let mut wrong = question("Fit");
    wrong["parameters"] = json!({"num_beams": 99});
    let bad: [(String, &str); 9] = [
        ("{\"image\": ".to_owned(), "invalid_json"),
        ("\u{feff}\u{0}".to_owned(), "invalid_json"),
        ("[]".to_owned(), "invalid_request"),
        (json!({"image": png(4, 3)}).to_string(), "invalid_request"),
        (
            json!({"image": "AAAA", "prompt": "Fit"}).to_string(),
            "invalid_image",
        ),
        (
            json!({"image": "*", "prompt": "Fit"}).to_string(),
            "invalid_image",
        ),
        (wrong.to_string(), "invalid_parameter"),
        (format!("{good}{}", " ".repeat(4_096)), "payload_too_large"),
        ("x".repeat(100_000), "payload_too_large"),
    ];
    let mut body = good.clone();
    for (line, _) in &bad {
        body += &format!("\n{line}\n{good}");
    }
    assert!(body.len() > 4_096);
    let answers = answers(server.send(&[LINES], body).await).await;
    assert_eq!(answers.len(), 2 * bad.len() + 1);
    for (index, answer) in answers.iter().enumerate() {
        if index % 2 == 0 {
            assert_eq!(answer, &json!({"Fit": "4x3"}));
        } else {
            assert_eq!(code(answer), bad[index / 2].1, "{answer}");
            assert!(!answer.to_string().contains("the body"), "{answer}");
        }
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_no_answer() {
    let server = Server::start(echo()).await;
    for body in ["", "\n", " \r\n\n"] {
        let answers = answers(server.send(&[LINES], body).await).await;
        assert_eq!(answers, Vec::<Value>::new());
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_before_the_next_line_is_sent() {
    let server = Server::start(echo()).await;
    let (sending, response) = Sending::begin(&server);
    let line = question("Fit").to_string();
    sending.send(line.clone() + "\n" + &line[..10]);
    let mut response = response.await.unwrap();
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    sending.send(line[10..].to_owned() + "\n");
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    sending.send("no");
    drop(sending);
    assert_eq!(code(&next(&mut response).await), "invalid_json");
    assert_eq!(response.chunk().await.unwrap(), None);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_wait_for_a_place_where_other_requests_are_told_to_come_again() {
    let gate = Gate::closed();
    let limits = Limits {
        max_waiting_questions: 64,
        ..Limits::default()
    };
    let options = ServeOptions {
        limits,
        ..ServeOptions::default()
    };
    let server = Server::start_with(options, gated(&gate)).await;
    let line = json!({"image": png(4, 3), "prompts": vec!["Fit"; 40]}).to_string() + "\n";
    let (sending, response) = Sending::begin(&server);
    sending.send(line.repeat(20));
    drop(sending);
    gate.until_arrived(1).await;
    let started = Instant::now();
    let many = json!({"image": png(5, 5), "prompts": vec!["Fit"; 64]});
    loop {
        let request = server.invoke(&many);
        tokio::time::sleep(Duration::from_millis(20)).await;
        if request.is_finished() {
            assert_eq!(request.await.unwrap().unwrap().status(), 429);
            break;
        }
        request.abort();
        assert!(started.elapsed() < PATIENCE, "the lines take no place");
    }
    gate.open();
    let answers = answers(response.await.unwrap()).await;
    assert_eq!(answers, vec![json!(vec![json!({"Fit": "4x3"}); 40]); 20]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_the_model_is_an_error_of_one_line() {
    let server = Server::start(FakeBackend::new(|_, prompts| {
        assert!(!prompts[0].contains("trap"), "tensor shapes differ");
        if prompts[0].contains("fail") {
            return Err("out of memory".into());
        }
        Ok(vec!["Fit: Slim".to_owned(); prompts.len()])
    }))
    .await;
    let (sending, response) = Sending::begin(&server);
    sending.send(format!("{}\n", question("Fit")));
    let mut response = response.await.unwrap();
    let good = json!({"Fit": "Slim"});
    assert_eq!(next(&mut response).await, good);
    // One after the other, so that they are not in one batch.
    for prompt in ["trap", "fail"] {
        sending.send(format!("{}\n", question(prompt)));
        assert_eq!(code(&next(&mut response).await), "internal");
        sending.send(format!("{}\n", question("Fit")));
        assert_eq!(next(&mut response).await, good);
    }
    drop(sending);
    assert_eq!(response.chunk().await.unwrap(), None);
    server.stop().await;
}

/// Its questions are answered while the lines of the stream are.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_no_other_request_from_its_answer() {
    let server = Server::start(echo()).await;
    let (sending, response) = Sending::begin(&server);
    let line = format!("{}\n", question("Fit"));
    sending.send(line.clone());
    let mut response = response.await.unwrap();
    assert_eq!(next(&mut response).await, json!({"Fit": "4x3"}));
    assert_eq!(
        server.post(&question("Neck")).await,
        (200, json!({"Neck": "4x3"}))
    );
    drop(sending);
    assert_eq!(response.chunk().await.unwrap(), None);
    server.stop().await;
}
