use super::*;

#[test]
fn only_urls_that_can_be_reached_are_taken() {
    let open = |url| Endpoint::new(url, &Vocabulary::default(), 2);
    let url = |text| open(text).map(|endpoint| endpoint.name().to_owned());
    assert_eq!(
        url("http://host:8080").unwrap(),
        "http://host:8080/invocations"
    );
    assert_eq!(
        url("http://host/endpoints/mine/invocations").unwrap(),
        "http://host/endpoints/mine/invocations"
    );
    for text in ["https://host", "host", ""] {
        assert!(open(text).is_err(), "{text}");
    }
}

/// A server that gives one answer after the other to each request, and
/// hands out what it was sent. With status 0 it hangs up without an answer.
fn stub(answers: Vec<(u16, String)>) -> (String, std::thread::JoinHandle<Vec<serde_json::Value>>) {
    use std::io::{BufRead, BufReader, Read, Write};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for (status, body) in answers {
            let (stream, _) = listener.accept().unwrap();
            if status == 0 {
                continue;
            }
            let mut reader = BufReader::new(stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).unwrap() > 2 {
                let header = line.to_ascii_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut request = vec![0; length];
            reader.read_exact(&mut request).unwrap();
            requests.push(serde_json::from_slice(&request).unwrap_or_default());
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: \
                 close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            let mut stream = reader.into_inner();
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
        requests
    });
    (url, serving)
}

fn vocabulary() -> Vocabulary {
    let choice = |value: &str| Choice {
        text: format!("Fit: {value}"),
        value: value.to_owned(),
    };
    Vocabulary {
        choices: vec![vec![choice("Slim Fit"), choice("Regular Fit")]],
        source: String::new(),
    }
}

fn ask(url: &str) -> Result<Vec<PhotoOutcome>> {
    let asked = Asked {
        question: "What is the fit?",
        attribute: 0,
    };
    let photo = PhotoQuestions {
        photo: b"bytes".to_vec(),
        questions: vec![asked],
    };
    Endpoint::new(url, &vocabulary(), 1)?.answer(&[photo])
}

fn error(code: &str) -> String {
    serde_json::json!({"error": {"code": code, "message": "such is life"}}).to_string()
}

#[test]
fn a_question_is_asked_freely_and_with_choices_in_one_request() {
    let answers = serde_json::json!([
        {"generated_text": "Fit: Loose", "confidence": 0.4},
        {"generated_text": "Fit: Regular Fit", "confidence": 0.9},
    ]);
    // Turned away once before.
    let (url, serving) = stub(vec![(429, error("overloaded")), (200, answers.to_string())]);
    let outcomes = ask(&url).unwrap();
    let reply = Reply {
        text: "Fit: Loose".to_owned(),
        confidence: 0.4,
        choice: 1,
        choice_confidence: 0.9,
    };
    assert_eq!(
        outcomes,
        [PhotoOutcome::Answered {
            replies: vec![reply],
            features: None
        }]
    );
    let requests = serving.join().unwrap();
    assert_eq!(requests[0], requests[1]);
    assert_eq!(
        requests[1],
        serde_json::json!({
            "image": "Ynl0ZXM=",
            "prompts": ["What is the fit?", "What is the fit?"],
            "parameters": {
                "details": true,
                "choices": [null, ["Fit: Slim Fit", "Fit: Regular Fit"]],
            },
        })
    );
}

#[test]
fn a_photo_that_is_too_large_is_without_use_and_ends_nothing() {
    for (body, says) in [
        (error("payload_too_large"), "such is life"),
        ("<html>no</html>".to_owned(), "413"),
    ] {
        let (url, _) = stub(vec![(413, body)]);
        let outcomes = ask(&url).unwrap();
        assert!(
            matches!(&outcomes[..], [PhotoOutcome::Unusable(reason)] if reason.contains(says)),
            "{outcomes:?}"
        );
    }
}

#[test]
fn what_nobody_answered_is_sent_again_some_times() {
    let answer = serde_json::json!({"generated_text": "Fit: Slim Fit", "confidence": 0.4});
    let answers = serde_json::json!([answer, answer]).to_string();
    let hang_up = || (0, String::new());
    let (url, serving) = stub(vec![
        hang_up(),
        hang_up(),
        (502, "?".to_owned()),
        (200, answers),
    ]);
    assert!(matches!(
        ask(&url).unwrap()[..],
        [PhotoOutcome::Answered { .. }]
    ));
    assert_eq!(serving.join().unwrap().len(), 2);
    let (url, _) = stub((0..=SEND_RETRIES).map(|_| hang_up()).collect());
    let error = format!("{:#}", ask(&url).unwrap_err());
    assert!(error.contains("did not answer in 4 tries"), "{error}");
}

/// An error as it comes from `/endpoints/NAME/invocations`.
fn wrapped(status: u16, body: &str) -> (u16, String) {
    let error = serde_json::json!({
        "Message": "Received an error from primary",
        "OriginalStatusCode": status,
        "OriginalMessage": body,
        "LogStreamArn": "arn:aws:logs:local",
    });
    (424, error.to_string())
}

#[test]
fn an_error_that_an_endpoint_wraps_is_the_model_servers() {
    let answer = serde_json::json!({"generated_text": "Fit: Slim Fit", "confidence": 0.4});
    let answers = serde_json::json!([answer, answer]).to_string();
    let (url, serving) = stub(vec![wrapped(503, &error("overloaded")), (200, answers)]);
    assert!(matches!(
        ask(&url).unwrap()[..],
        [PhotoOutcome::Answered { .. }]
    ));
    assert_eq!(serving.join().unwrap().len(), 2);

    let (url, _) = stub(vec![wrapped(400, &error("invalid_image"))]);
    assert_eq!(
        ask(&url).unwrap(),
        [PhotoOutcome::Unusable("such is life".to_owned())]
    );

    for (answer, says) in [
        (
            wrapped(400, &error("invalid_parameter")),
            "400 Bad Request: such is life",
        ),
        ((424, "{}".to_owned()), "424"),
    ] {
        let (url, _) = stub(vec![answer]);
        let error = format!("{:#}", ask(&url).unwrap_err());
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn whether_anybody_is_there_is_known_without_a_question() {
    let (url, serving) = stub(vec![(405, String::new())]);
    let endpoint = |url: &str| Endpoint::new(url, &Vocabulary::default(), 1).unwrap();
    endpoint(&url).reach().unwrap();
    assert_eq!(serving.join().unwrap(), [serde_json::Value::Null]);
    let error = endpoint("http://127.0.0.1:1").reach().unwrap_err();
    assert!(error.to_string().contains("can't be reached"), "{error}");
}

#[test]
fn a_photo_without_use_is_no_error_and_everything_else_is() {
    let (url, _) = stub(vec![(400, error("invalid_image"))]);
    assert_eq!(
        ask(&url).unwrap(),
        [PhotoOutcome::Unusable("such is life".to_owned())]
    );
    let other = serde_json::json!([
        {"generated_text": "a", "confidence": 0.4},
        {"generated_text": "b", "confidence": 0.9},
    ]);
    for (status, body, says) in [
        (400, error("invalid_parameter"), "such is life"),
        (500, "oh".to_owned(), "500"),
        (200, "{}".to_owned(), "model server"),
        (200, other.to_string(), "none of the choices"),
        (200, "[]".to_owned(), "0 answers"),
    ] {
        let (url, _) = stub(vec![(status, body)]);
        let error = format!("{:#}", ask(&url).unwrap_err());
        assert!(error.contains(says), "{error}");
    }
}
