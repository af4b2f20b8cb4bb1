use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use serde_json::{Value, json};

use super::*;
use crate::telemetry::Trace;

type Reply = Box<dyn Fn(&Value, usize) -> Result<Value, InvokeError> + Send + Sync>;

/// An endpoint that answers by a function of the body and the number of the
/// call, each after `delay_ms`.
struct FakeEndpoint {
    reply: Reply,
    delay_ms: u64,
    bodies: Mutex<Vec<Value>>,
    /// How much longer the calls of odd numbers take.
    odd_delay_ms: u64,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    /// The trace of every call.
    traces: Mutex<Vec<Trace>>,
}

#[async_trait]
impl InvokeEndpoint for FakeEndpoint {
    async fn invoke(&self, body: Bytes) -> Result<Bytes, InvokeError> {
        let body: Value = serde_json::from_slice(&body).unwrap();
        self.traces.lock().unwrap().push(Trace::current());
        let call = {
            let mut bodies = self.bodies.lock().unwrap();
            bodies.push(body.clone());
            bodies.len()
        };
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        let odd_delay_ms = if call % 2 == 1 { self.odd_delay_ms } else { 0 };
        tokio::time::sleep(Duration::from_millis(self.delay_ms + odd_delay_ms)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        (self.reply)(&body, call).map(|answer| serde_json::to_vec(&answer).unwrap().into())
    }
}

fn model(
    variables: &[(&str, &str)],
    delay_ms: u64,
    reply: impl Fn(&Value, usize) -> Result<Value, InvokeError> + Send + Sync + 'static,
) -> EndpointModel<FakeEndpoint> {
    let settings = Settings::read(|name| {
        variables
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    })
    .unwrap();
    let endpoint = FakeEndpoint {
        reply: Box::new(reply),
        delay_ms,
        odd_delay_ms: 0,
        bodies: Mutex::default(),
        under_way: AtomicUsize::default(),
        most_under_way: AtomicUsize::default(),
        traces: Mutex::default(),
    };
    EndpointModel::new(endpoint, &settings)
}

async fn ask(
    model: &EndpointModel<FakeEndpoint>,
    questions: &[&str],
    time_ms: u64,
) -> Vec<Result<ModelAnswer, AskError>> {
    let photo = Photo {
        bytes: Bytes::from_static(b"photo"),
        width: 1,
        height: 1,
    };
    let questions: Vec<String> = questions
        .iter()
        .map(|question| (*question).into())
        .collect();
    model
        .ask(
            &photo,
            &questions,
            Deadline::after(Duration::from_millis(time_ms)),
        )
        .await
}

fn text(text: &str) -> Result<ModelAnswer, AskError> {
    Ok(ModelAnswer {
        text: text.to_owned(),
        confidence: None,
    })
}

fn model_error(status: u16, message: &str) -> InvokeError {
    InvokeError::Model {
        status,
        message: message.to_owned(),
        request_id: None,
    }
}

fn calls(model: &EndpointModel<FakeEndpoint>) -> usize {
    model.endpoint.bodies.lock().unwrap().len()
}

/// What the reference's container does: it knows `prompt` alone.
fn foreign(body: &Value, _call: usize) -> Result<Value, InvokeError> {
    match body["prompt"].as_str() {
        Some(prompt) => Ok(json!(format!("Echo: {prompt}"))),
        None => Err(model_error(400, r#"{"code":400,"message":"'prompt'"}"#)),
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_call_with_details() {
    let model = model(&[], 10, |_, _| {
        Ok(json!([
            {"generated_text": "Fabric: Cotton", "confidence": 0.5, "generated_tokens": 4},
            {"generated_text": "?", "attribute": null, "confidence": 0.1, "generated_tokens": 1}
        ]))
    });
    let answers = ask(&model, &["q1", "q2"], 1_000).await;
    assert_eq!(
        answers[0],
        Ok(ModelAnswer {
            text: "Fabric: Cotton".into(),
            confidence: Some(0.5)
        })
    );
    assert_eq!(answers.len(), 2);
    let bodies = model.endpoint.bodies.lock().unwrap();
    assert_eq!(
        *bodies,
        [json!({"prompts": ["q1", "q2"], "parameters": {"details": true}, "image": "cGhvdG8="})]
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_refuses_batches_is_asked_one_by_one_from_then_on() {
    let model = model(&[], 10, foreign);
    let expected = [
        text("Echo: Question: q1 Answer:"),
        text("Echo: Question: q2 Answer:"),
    ];
    assert_eq!(ask(&model, &["q1", "q2"], 1_000).await, expected);
    assert_eq!(calls(&model), 3);
    assert_eq!(ask(&model, &["q1", "q2"], 1_000).await, expected);
    assert_eq!(calls(&model), 5);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_ignores_the_batch_is_asked_one_by_one_from_then_on() {
    let model = model(&[], 10, |_, _| Ok(json!("Fabric: Cotton")));
    assert_eq!(
        ask(&model, &["q1", "q2"], 1_000).await,
        vec![text("Fabric: Cotton"); 2]
    );
    assert_eq!(calls(&model), 3);
    ask(&model, &["q1"], 1_000).await;
    assert_eq!(calls(&model), 4);
}

#[tokio::test(start_paused = true)]
async fn a_broken_photo_is_no_reason_to_give_up_batches() {
    let model = model(&[], 10, |_, call| match call {
        1 => Err(model_error(
            400,
            r#"{"error":{"code":"invalid_image","message":"cut short"}}"#,
        )),
        _ => Ok(json!(["Fabric: Cotton"])),
    });
    assert_eq!(
        ask(&model, &["q1"], 1_000).await,
        [Err(AskError::InvalidPhoto {
            reason: "«cut short»".into()
        })]
    );
    assert_eq!(ask(&model, &["q1"], 1_000).await, [text("Fabric: Cotton")]);
    assert_eq!(calls(&model), 2);
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_endpoint_is_asked_again() {
    for status in [429, 500, 503] {
        let model = model(&[], 10, move |_, call| match call {
            1 | 2 => Err(model_error(
                status,
                r#"{"error":{"code":"busy","message":"wait"}}"#,
            )),
            _ => Ok(json!(["Fabric: Cotton"])),
        });
        assert_eq!(ask(&model, &["q1"], 10_000).await, [text("Fabric: Cotton")]);
        assert_eq!(calls(&model), 3, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_passing_fault_never_turns_batches_off() {
    let timed_out = "Your invocation timed out while waiting for a response from container primary";
    for (status, message) in [
        (0, timed_out),
        (408, timed_out),
        (500, timed_out),
        (500, "CUDA out of memory"),
        (502, "bad gateway"),
        (503, "busy"),
        (504, timed_out),
    ] {
        let model = model(&[], 10, move |body, call| match call {
            // As many as end the first photo's batch, except where the tries go on.
            1..=3 => Err(model_error(status, message)),
            _ if body.get("prompt").is_some() => Ok(json!("Fabric: Cotton")),
            _ => Ok(json!(["Fabric: Cotton"])),
        });
        ask(&model, &["q1"], 10_000).await;
        assert_eq!(ask(&model, &["q1"], 10_000).await, [text("Fabric: Cotton")]);
        let bodies = model.endpoint.bodies.lock().unwrap();
        let last = bodies.last().unwrap();
        assert_eq!(last["prompts"], json!(["q1"]), "{status} {message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_photo_whose_batch_fails_for_good_is_asked_about_one_by_one() {
    let model = model(&[], 10, |body, call| match body["prompt"].as_str() {
        Some(prompt) => foreign(&json!({"prompt": prompt}), call),
        None => Err(model_error(500, "KeyError: 'prompt'")),
    });
    for _ in 0..2 {
        let answers = ask(&model, &["q1"], 10_000).await;
        assert_eq!(answers, [text("Echo: Question: q1 Answer:")]);
    }
    assert_eq!(calls(&model), 2 * (3 + 1));
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_is_unavailable_after_three_tries() {
    let model = model(&[], 0, |_, _| {
        Err(InvokeError::Unavailable("connection refused".into()))
    });
    let answers = ask(&model, &["q1", "q2"], 20_000).await;
    let error = AskError::Unavailable {
        endpoint: "endpoint-finetuned-blip2".into(),
        attempts: 3,
        reason: "connection refused".into(),
    };
    assert_eq!(answers, vec![Err(error); 2]);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_repeated() {
    let own = r#"{"error":{"code":"invalid_parameter","message":"no"}}"#;
    let model = model(&[], 0, move |_, _| Err(model_error(400, own)));
    assert!(matches!(
        ask(&model, &["q1"], 20_000).await[0],
        Err(AskError::Refused { .. })
    ));
    assert_eq!(calls(&model), 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_batch_times_out_at_the_deadline() {
    let model = model(&[], 60_000, |_, _| Ok(json!(["Fabric: Cotton"])));
    let start = tokio::time::Instant::now();
    assert!(matches!(
        ask(&model, &["q1"], 700).await[0],
        Err(AskError::TimedOut { .. })
    ));
    assert_eq!(start.elapsed(), Duration::from_millis(700));
}

#[tokio::test(start_paused = true)]
async fn single_questions_run_side_by_side_up_to_the_limit_and_keep_their_order() {
    let variables = [
        ("ATTRIBUTE_REQUESTS", "per-question"),
        ("ENDPOINT_CONCURRENCY", "3"),
    ];
    let model = model(&variables, 100, foreign);
    let questions = ["a", "b", "c", "d", "e", "f", "g"];
    let start = tokio::time::Instant::now();
    let answers = ask(&model, &questions, 10_000).await;
    assert_eq!(start.elapsed(), Duration::from_millis(300));
    assert_eq!(model.endpoint.most_under_way.load(Ordering::SeqCst), 3);
    for (question, answer) in questions.iter().zip(answers) {
        assert_eq!(answer, text(&format!("Echo: Question: {question} Answer:")));
    }
}

#[tokio::test(start_paused = true)]
async fn single_questions_without_an_answer_in_time_leave_the_others() {
    let variables = [
        ("ATTRIBUTE_REQUESTS", "per-question"),
        ("ENDPOINT_CONCURRENCY", "2"),
    ];
    let model = model(&variables, 400, foreign);
    let answers = ask(&model, &["a", "b", "c", "d"], 500).await;
    assert_eq!(
        answers.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, true, false, false]
    );
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_keeps_failing_is_left_alone_until_it_is_back() {
    let model = model(&[], 0, |_, call| match call {
        1..=9 => Err(InvokeError::Unavailable("connection refused".into())),
        _ => Ok(json!(["Fabric: Cotton"])),
    });
    for _ in 0..3 {
        let answers = ask(&model, &["q1"], 20_000).await;
        assert!(matches!(answers[0], Err(AskError::Unavailable { .. })));
    }
    assert_eq!(calls(&model), 8);
    let answers = ask(&model, &["q1"], 20_000).await;
    let Err(AskError::Unavailable {
        attempts: 0,
        reason,
        ..
    }) = &answers[0]
    else {
        panic!("{answers:?}")
    };
    assert!(reason.contains("not asked for now"), "{reason}");
    // The first probe fails, too.
    for (wait_s, calls_so_far) in [(3, 9), (1, 9), (4, 10)] {
        tokio::time::sleep(Duration::from_secs(wait_s)).await;
        let answers = ask(&model, &["q1"], 20_000).await;
        assert_eq!(answers[0].is_ok(), calls_so_far == 10, "{answers:?}");
        assert_eq!(calls(&model), calls_so_far);
    }
}

const HEDGED: [(&str, &str); 2] = [
    ("ENDPOINT_HEDGE_MS", "200"),
    ("ATTRIBUTE_REQUESTS", "per-question"),
];

#[tokio::test(start_paused = true)]
async fn a_slow_call_is_made_a_second_time_and_the_first_answer_counts() {
    let mut slow = model(&HEDGED, 100, foreign);
    slow.endpoint.odd_delay_ms = 5_000;
    let start = tokio::time::Instant::now();
    assert!(ask(&slow, &["q1"], 10_000).await[0].is_ok());
    assert_eq!(start.elapsed(), Duration::from_millis(300));
    assert_eq!(calls(&slow), 2);

    let quick = model(&HEDGED, 100, foreign);
    assert!(ask(&quick, &["q1"], 10_000).await[0].is_ok());
    assert_eq!(calls(&quick), 1);
    let patient = model(&HEDGED[1..], 1_000, foreign);
    assert!(ask(&patient, &["q1"], 10_000).await[0].is_ok());
    assert_eq!(calls(&patient), 1);
}

#[tokio::test(start_paused = true)]
async fn a_second_call_belongs_to_the_same_trace_and_product() {
    let mut model = model(&HEDGED, 100, foreign);
    model.endpoint.odd_delay_ms = 5_000;
    let trace = Trace::of_invocation(Some("Root=1-5759e988-bd862e3fe1be46a994272793"));
    let work = trace.clone().scope(ask(&model, &["q1"], 10_000));
    let (answers, progress) = Progress::of(work).await;
    assert!(answers[0].is_ok(), "{answers:?}");
    assert_eq!((progress.attempts, progress.retries), (2, 0));
    assert_eq!(
        *model.endpoint.traces.lock().unwrap(),
        [trace.clone(), trace]
    );
}

#[tokio::test(start_paused = true)]
async fn an_error_of_one_call_waits_for_the_other() {
    let mut model = model(&HEDGED, 100, |body, call| match call {
        2 => Err(InvokeError::Unavailable("connection reset".into())),
        _ => foreign(body, call),
    });
    model.endpoint.odd_delay_ms = 5_000;
    assert!(ask(&model, &["q1"], 10_000).await[0].is_ok());
    assert_eq!(calls(&model), 2);
}

#[tokio::test(start_paused = true)]
async fn second_calls_keep_to_the_limit() {
    let variables = [HEDGED[0], HEDGED[1], ("ENDPOINT_CONCURRENCY", "1")];
    let model = model(&variables, 1_000, foreign);
    assert!(ask(&model, &["q1"], 10_000).await[0].is_ok());
    assert_eq!(calls(&model), 1);
}
