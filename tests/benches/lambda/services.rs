//! What stands in for SageMaker Runtime, Bedrock Runtime and S3, on one address: each
//! has paths of its own.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use attributes::{AttributeSet, question, wrap_question};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::{BUCKET, ServiceUrls};
use serde::Deserialize;
use serde_json::{Value, json};
use tests::loopback::Loopback;

/// What the endpoint answers to the questions about a shirt.
const ANSWERS: [(&str, &str); 8] = [
    ("Fabric", "Linen"),
    ("Fit", "Regular Fit"),
    ("Collar", "Mandarin Collar"),
    ("Pattern", "Solid"),
    ("Sleeve Length", "Long Sleeves"),
    ("Neck", "Mandarin Collar"),
    ("Sleeve Styling", "Regular Sleeves"),
    ("Colour", "Olive"),
];

/// How many questions there are about a product.
pub const QUESTIONS: u64 = ANSWERS.len() as u64;

/// What the writer writes: as long as it is asked for, and without a fault by the
/// function's check, so that it is written once. It is the same in JSON.
pub const TEXT: &str = "An olive linen shirt with a mandarin collar. You get long sleeves, a \
    regular fit and one solid colour. The sleeves are regular sleeves. Linen moves with you and \
    feels at ease from the first coffee to the last train. Wear it to the office, at the weekend \
    or on holiday, in spring, in summer and on mild days in autumn. It goes well with jeans and \
    with chinos, open over a T-shirt or buttoned up under a jacket, and it is as happy at a long \
    lunch in the garden as it is at a desk.";

/// The stand-ins, until they are dropped.
pub struct Services {
    _server: Loopback,
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    photo: Bytes,
    /// The photo in base64.
    image: String,
    /// The name and the value of each question's answer.
    answers: HashMap<String, (&'static str, &'static str)>,
    latency_ms: AtomicU64,
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    calls: AtomicU64,
    questions: AtomicU64,
    texts: AtomicU64,
    photos: AtomicU64,
    results: AtomicU64,
}

/// What was asked of the services.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Calls to the endpoint.
    pub calls: u64,
    /// Questions in them.
    pub questions: u64,
    /// Texts written.
    pub texts: u64,
    /// Photos read from S3.
    pub photos: u64,
    /// Descriptions written to S3.
    pub results: u64,
}

impl Services {
    /// Services about one photo, that of every product.
    pub async fn start(photo: Vec<u8>) -> Result<Services> {
        let set = AttributeSet::embedded();
        let (noun, asked) = set.attributes_of("shirt");
        let answers = ANSWERS.map(|(name, value)| -> Result<_> {
            let attribute = asked.iter().find(|attribute| attribute.name == name);
            let attribute = attribute.with_context(|| format!("a shirt has no {name}"))?;
            Ok((question(attribute, noun), (name, value)))
        });
        let shared = Arc::new(Shared {
            image: STANDARD.encode(&photo),
            photo: photo.into(),
            answers: answers.into_iter().collect::<Result<_>>()?,
            latency_ms: AtomicU64::new(0),
            counts: Counts::default(),
        });
        let router = Router::new()
            .route("/endpoints/{name}/invocations", post(answer))
            .route("/model/{id}/invoke", post(write))
            .fallback(object)
            .layer(DefaultBodyLimit::disable())
            .with_state(shared.clone());
        let server = Loopback::serve(router).await?;
        Ok(Services {
            url: format!("http://{}", server.address()),
            _server: server,
            shared,
        })
    }

    pub fn urls(&self) -> ServiceUrls<'_> {
        ServiceUrls {
            s3: &self.url,
            bedrock: &self.url,
            endpoint: &self.url,
        }
    }

    /// The photo in base64.
    pub fn image(&self) -> &str {
        &self.shared.image
    }

    /// How long the endpoint and Bedrock take from now on.
    pub fn set_latency(&self, latency_ms: u64) {
        self.shared.latency_ms.store(latency_ms, Ordering::Relaxed);
    }

    /// What was asked since the last time.
    pub fn take_asked(&self) -> Asked {
        let counts = &self.shared.counts;
        let take = |count: &AtomicU64| count.swap(0, Ordering::Relaxed);
        Asked {
            calls: take(&counts.calls),
            questions: take(&counts.questions),
            texts: take(&counts.texts),
            photos: take(&counts.photos),
            results: take(&counts.results),
        }
    }
}

/// The attributes of every product, as a result has them.
pub fn attributes() -> Value {
    let members = ANSWERS.map(|(name, value)| (name.to_owned(), json!(value)));
    Value::Object(members.into_iter().collect())
}

impl Shared {
    async fn wait(&self) {
        let latency = Duration::from_millis(self.latency_ms.load(Ordering::Relaxed));
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
    }
}

fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}

/// A request in either of the forms that the function knows. Photos in base64 have
/// nothing that JSON escapes, so they are not copied.
#[derive(Deserialize)]
struct Questions<'a> {
    #[serde(default)]
    prompt: Option<String>,
    #[serde(default)]
    prompts: Vec<String>,
    image: &'a str,
}

/// The endpoint: an array with details for an array of questions, as this project's model
/// server gives it; a string for one question, as the published example's does.
async fn answer(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    shared.wait().await;
    let request: Questions<'_> = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refused(&error.to_string()),
    };
    if request.image != shared.image {
        return refused("this is another photo");
    }
    count(&shared.counts.calls, 1);
    if let Some(prompt) = &request.prompt {
        let mut known = shared.answers.iter();
        let Some((_, (name, value))) = known.find(|(asked, _)| wrap_question(asked) == *prompt)
        else {
            return refused(prompt);
        };
        count(&shared.counts.questions, 1);
        return json_response(&json!(format!("{name}: {value}")));
    }
    let mut answers = Vec::new();
    for asked in &request.prompts {
        let Some((name, value)) = shared.answers.get(asked) else {
            return refused(asked);
        };
        answers.push(json!({
            "generated_text": format!("{name}: {value}"),
            "attribute": name,
            "value": value,
            "confidence": 0.9,
            "generated_tokens": 5
        }));
    }
    count(&shared.counts.questions, answers.len());
    json_response(&Value::Array(answers))
}

/// Bedrock's InvokeModel, in Anthropic's form.
async fn write(State(shared): State<Arc<Shared>>, _request: Bytes) -> Response {
    shared.wait().await;
    count(&shared.counts.texts, 1);
    json_response(&json!({
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "stand-in",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": null,
        "usage": {"input_tokens": 300, "output_tokens": 120}
    }))
}

/// S3, as far as it is used: photos are there, and what is written never is, so that every
/// event is a first one.
async fn object(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let is_below = |prefix: &str| uri.path().starts_with(&format!("/{BUCKET}/{prefix}/"));
    match method {
        Method::GET if is_below("incoming") => {
            count(&shared.counts.photos, 1);
            let headers = [
                (header::ETAG, "\"2b25414636e3c8d319d03a13f36cb58e\""),
                (header::CONTENT_TYPE, "image/jpeg"),
            ];
            (headers, shared.photo.clone()).into_response()
        }
        Method::GET | Method::HEAD => {
            let error = "<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>";
            let content_type = [(header::CONTENT_TYPE, "application/xml")];
            (StatusCode::NOT_FOUND, content_type, error).into_response()
        }
        Method::PUT => {
            let is_result = is_below("descriptions");
            if is_result && String::from_utf8_lossy(&body).contains(TEXT) {
                count(&shared.counts.results, 1);
            }
            [(header::ETAG, "\"d41d8cd98f00b204e9800998ecf8427e\"")].into_response()
        }
        Method::DELETE => StatusCode::NO_CONTENT.into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

fn json_response(body: &Value) -> Response {
    let content_type = [(header::CONTENT_TYPE, "application/json")];
    (content_type, body.to_string()).into_response()
}

/// A final error: whoever asks something else than the other side is told so and does not
/// come again.
fn refused(what: &str) -> Response {
    let body = json!({"error": {"code": "invalid_request", "message": what}});
    (StatusCode::BAD_REQUEST, body.to_string()).into_response()
}
