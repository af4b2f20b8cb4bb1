//! The ways in. [`handle`] is the function's handler: it tells the event apart
//! by its shape and passes it on.

mod base64_text;
mod concurrently;
mod direct;
mod distributed_map;
mod event;
mod event_bridge;
mod failures;
mod http;
mod json_error;
mod message;
mod own_message;
mod request_body;
mod s3;
mod sns;
mod sqs;
mod stored;
mod upload;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;

use self::event::Event;
use crate::domain::{Deadline, Services};
use crate::problem::without_quoted;
use crate::settings::Settings;
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

    /// How long the process took to start, once.
    fn cold_start(&self) -> Option<Duration> {
        let was_warm = self.is_warm.swap(true, Ordering::Relaxed);
        (!was_warm).then_some(self.started_in)
    }
}

/// Handles one invocation, whatever triggered it.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
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
    let work = trace.scope(answer(app, event, deadline));
    invocation.scope(work).await
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
        Event::MapBatch(batch) => Ok(distributed_map::handle_batch(app, batch, deadline).await),
        Event::Direct(body) => Ok(direct::handle(app, body, deadline).await?),
    }
}
