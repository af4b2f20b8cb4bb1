//! The ways in. [`handle`] is the function's handler: it tells the event apart
//! by its shape and passes it on.

mod base64_text;
mod claims;
mod concurrently;
mod delivery;
mod direct;
mod distributed_map;
mod event;
mod event_bridge;
mod failures;
mod http;
mod json_error;
mod lease;
mod message;
mod own_message;
mod place;
mod report;
mod request_body;
mod s3;
mod sns;
mod sqs;
mod stored;
mod upload;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::{Diagnostic, FunctionResponse, LambdaEvent};
use serde_json::Value;

use self::event::Event;
pub use self::http::streamed::StreamedBody;
pub use self::s3::decoded_key;
pub use self::stored::{Outcome, REPLACED, UNFAITHFUL_TEXT, UNUSABLE_PHOTO, describe_and_store};
pub use self::upload::product_id;
#[cfg(test)]
pub(crate) use self::upload::{
    Upload, handle as handle_upload, handle_news as handle_news_of_upload,
};
use crate::domain::{Deadline, Services, Store};
use crate::problem::without_quoted;
use crate::settings::{ResponseMode, Settings};
use crate::telemetry::{Invocation, Trace};

/// What lives as long as the process.
pub struct App {
    settings: Settings,
    services: Services,
    /// How long the process took to start.
    started_in: Duration,
    /// Whether it has had an event.
    is_warm: AtomicBool,
}

impl App {
    /// A function with these settings and services.
    pub fn new(settings: Settings, services: Services) -> App {
        App {
            settings,
            services,
            started_in: Duration::ZERO,
            is_warm: AtomicBool::new(false),
        }
    }

    /// The same with the time that it took until it was ready for its first event.
    pub fn started_in(mut self, started_in: Duration) -> App {
        self.started_in = started_in;
        self
    }

    /// Where photographs are read and results are kept.
    pub fn store(&self) -> &dyn Store {
        self.services.store.as_ref()
    }

    /// How long the process took to start, once.
    fn cold_start(&self) -> Option<Duration> {
        let was_warm = self.is_warm.swap(true, Ordering::Relaxed);
        (!was_warm).then_some(self.started_in)
    }
}

/// What an invocation is answered with.
pub type Reply = FunctionResponse<Value, StreamedBody>;

/// Handles one invocation, whatever triggered it, and answers as `RESPONSE_MODE` says.
pub async fn reply(app: &Arc<App>, event: LambdaEvent<Value>) -> Result<Reply, Diagnostic> {
    let is_streaming = app.settings.response_mode == ResponseMode::Stream;
    let Received {
        event,
        deadline,
        trace,
        invocation,
    } = receive(app, event)?;
    let work = async {
        match event {
            Event::HttpApi(event) if is_streaming && event.is_of_a_function_url() => {
                let response = http::payload_v2::stream(app, event, deadline).await?;
                Ok::<Reply, Diagnostic>(FunctionResponse::StreamingResponse(response))
            }
            event => {
                let value = answer(app, event, deadline).await?;
                Ok(FunctionResponse::BufferedResponse(value))
            }
        }
    };
    invocation.scope(trace.scope(work)).await
}

/// Handles one invocation, whatever triggered it, and answers with the whole.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let Received {
        event,
        deadline,
        trace,
        invocation,
    } = receive(app, event)?;
    let work = trace.scope(answer(app, event, deadline));
    invocation.scope(work).await
}

/// An invocation, told apart.
struct Received {
    event: Event,
    deadline: Deadline,
    trace: Trace,
    invocation: Invocation,
}

fn receive(app: &App, event: LambdaEvent<Value>) -> Result<Received, Diagnostic> {
    let (payload, context) = event.into_parts();
    let deadline = Deadline::of_invocation(context.deadline, SystemTime::now());
    let trace = Trace::of_invocation(context.xray_trace_id.as_deref());
    let event = match event::recognise(payload) {
        Ok(event) => event,
        Err(error) => {
            let words = error.to_string();
            let detail = without_quoted(&words);
            tracing::error!(detail = &*detail, "no event of the function's");
            return Err(error.into());
        }
    };
    let invocation = Invocation {
        trigger: event.trigger(),
        function_name: context.env_config.function_name.clone(),
        metrics_namespace: app.settings.metrics_namespace.clone(),
        cold_start: app.cold_start(),
    };
    Ok(Received {
        event,
        deadline,
        trace,
        invocation,
    })
}

async fn answer(app: &App, event: Event, deadline: Deadline) -> Result<Value, Diagnostic> {
    match event {
        Event::HttpApi(event) => Ok(http::payload_v2::handle(app, event, deadline).await),
        Event::RestApi(event) => Ok(http::payload_v1::handle(app, event, deadline).await),
        Event::LoadBalancer(event) => Ok(http::load_balancer::handle(app, event, deadline).await),
        Event::S3(uploads) => Ok(s3::handle(app, uploads, deadline).await?),
        Event::S3Test => {
            tracing::info!("S3's test event: the notification is set up");
            Ok(Value::Null)
        }
        Event::Sqs(records) => Ok(sqs::handle(app, records, deadline).await),
        Event::Sns(records) => Ok(sns::handle(app, records, deadline).await?),
        Event::MapItem(item) => Ok(distributed_map::handle_item(app, item, deadline).await?),
        Event::MapBatch(batch) => Ok(distributed_map::handle_batch(app, batch, deadline).await?),
        Event::Direct(body) => Ok(direct::handle(app, body, deadline).await?),
    }
}

#[cfg(test)]
mod tests {
    use lambda_runtime::Context;
    use serde_json::json;

    use super::*;
    use crate::fakes::{Fakes, photo_base64};

    /// The answer to an HTTP event that comes through `domain`.
    async fn reply_to(mode: &'static str, domain: &str) -> Reply {
        let image = json!({"base64": photo_base64()});
        let event = json!({
            "version": "2.0",
            "rawPath": "/descriptions",
            "headers": {"content-type": "application/json"},
            "requestContext": {
                "http": {"method": "POST", "path": "/descriptions"},
                "domainName": domain
            },
            "body": json!({"image": image}).to_string()
        });
        let fakes = Fakes {
            variables: [("RESPONSE_MODE", mode)].into(),
            ..Fakes::default()
        };
        let mut context = Context::default();
        context.deadline = 60_000;
        let app = Arc::new(fakes.app());
        let event = LambdaEvent::new(event, context);
        reply(&app, event).await.unwrap()
    }

    #[tokio::test]
    async fn the_answers_of_function_urls_alone_are_streamed_where_the_mode_is_set() {
        let url = "x.lambda-url.eu-west-1.on.aws";
        let api = "x.execute-api.eu-west-1.amazonaws.com";
        for (mode, domain, expected) in [
            ("buffered", url, false),
            ("stream", api, false),
            ("stream", url, true),
        ] {
            let is_streamed = match reply_to(mode, domain).await {
                FunctionResponse::BufferedResponse(answer) => {
                    assert_eq!(answer["statusCode"], 200, "{answer}");
                    false
                }
                FunctionResponse::StreamingResponse(response) => {
                    assert_eq!(response.metadata_prelude.status_code, 200);
                    true
                }
            };
            assert_eq!(is_streamed, expected, "{mode} {domain}");
        }
    }
}
