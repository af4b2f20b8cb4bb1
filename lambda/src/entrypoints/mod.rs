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

use std::time::SystemTime;

use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::Value;

use self::event::Event;
use crate::domain::{Deadline, Services};
use crate::settings::Settings;

/// What lives as long as the process.
pub struct App {
    settings: Settings,
    services: Services,
}

impl App {
    /// A function with these settings and services.
    pub fn new(settings: Settings, services: Services) -> App {
        App { settings, services }
    }
}

/// Handles one invocation, whatever triggered it.
pub async fn handle(app: &App, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (payload, context) = event.into_parts();
    let deadline = Deadline::of_invocation(context.deadline, SystemTime::now());
    match event::recognise(payload)? {
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
