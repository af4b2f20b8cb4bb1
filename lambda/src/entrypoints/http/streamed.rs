//! The answers of a function URL whose invoke mode is `RESPONSE_STREAM`.
//!
//! Such a URL calls the function by `InvokeWithResponseStream`: status and headers come
//! first, in a document that the runtime writes, and then the body as it comes to be. An
//! answer in the buffered form would reach the caller as its JSON, `{"statusCode": …}`, so all
//! answers of the URL are streamed, also those that are whole at once. Whoever calls by
//! `Invoke` would get that document in front of the answer, so no other trigger has
//! streamed answers.
//! <https://docs.aws.amazon.com/lambda/latest/dg/config-rs-invoke-furls.html>
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html#runtimes-custom-response-streaming>

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ::http::StatusCode;
use ::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use futures::Stream;
use lambda_runtime::{Diagnostic, MetadataPrelude, StreamResponse};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::event_stream::{self, Teller, Told, last_event};
use super::idempotency::ignored_key;
use super::{Call, HttpRequest, HttpResponse, describe, describe_batch, read_call, trace_of};
use crate::domain::Deadline;
use crate::entrypoints::App;
use crate::telemetry::Invocation;

/// A response whose body is sent as it comes to be.
pub type Streamed = StreamResponse<StreamedBody>;

/// Answers a request by the deadline, or by the longest time of an HTTP call: one product
/// with a stream of events, which begins when its attributes are known, and all else, as
/// what fails before that, with one body.
pub async fn respond(
    app: &Arc<App>,
    request: HttpRequest<'_>,
    deadline: Deadline,
) -> Result<Streamed, Diagnostic> {
    let deadline = deadline.of_http_call(app.settings.http_timeout_ms);
    let trace = trace_of(&request);
    let ignored_key = ignored_key(app, &request);
    let mut streamed = match read_call(app, request) {
        Ok((Call::One(request), keyed)) => {
            let app = Arc::clone(app);
            let running = Running::start(move |teller| {
                trace.scope(async move {
                    let work = describe(&app, request, keyed, Some(&teller), deadline);
                    teller.end(work.await.into());
                })
            });
            running.answer().await?
        }
        Ok((Call::Batch(products), keyed)) => {
            let work = describe_batch(app, products, keyed, deadline);
            whole(trace.scope(work).await.into())
        }
        Err(problem) => whole(problem.into()),
    };
    if let Some(header) = ignored_key {
        add(&mut streamed.metadata_prelude.headers, header);
    }
    Ok(streamed)
}

/// Work that tells how far it is. Dropping it stops the work.
struct Running {
    told: UnboundedReceiver<Told>,
    task: JoinHandle<()>,
    /// Whether the end is told, or will never be.
    is_over: bool,
}

impl Running {
    /// Starts work in a task of its own, which goes on while nobody asks how far it is. It
    /// belongs to the invocation that is being worked on.
    fn start<F>(work: impl FnOnce(Teller) -> F) -> Running
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (teller, told) = event_stream::channel();
        let work = Invocation::carried(work(teller)).in_current_span();
        Running {
            told,
            task: tokio::spawn(work),
            is_over: false,
        }
    }

    /// The response, as soon as it is known which one it is.
    async fn answer(mut self) -> Result<Streamed, Diagnostic> {
        let first = poll_fn(|context| self.poll_told(context)).await;
        match first {
            Some(Told::Event(first)) => Ok(events(first, &[], Some(self))),
            // Nothing was told of it: it is an answer that was given before.
            Some(Told::End(response)) if response.is_success() => {
                Ok(events(last_event(&response), &response.headers, None))
            }
            Some(Told::End(response)) => Ok(whole(response)),
            None => Err(Diagnostic {
                error_type: "no-answer".to_owned(),
                error_message: "the work on the product ended without an answer".to_owned(),
            }),
        }
    }

    /// What is told next; nothing after the end, or where the work panicked.
    fn poll_told(&mut self, context: &mut Context<'_>) -> Poll<Option<Told>> {
        let told = ready!(self.told.poll_recv(context));
        self.is_over = !matches!(told, Some(Told::Event(_)));
        if told.is_none() {
            tracing::error!("the work on a product ended without an answer");
        }
        Poll::Ready(told)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_over {
            tracing::warn!("nobody waits for a streamed answer any more: the work is stopped");
        }
        self.task.abort();
    }
}

/// The body of a streamed response.
pub struct StreamedBody {
    /// What comes next.
    next: Option<Bytes>,
    /// What comes after it.
    running: Option<Running>,
}

impl Stream for StreamedBody {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(next) = self.next.take() {
            return Poll::Ready(Some(Ok(next)));
        }
        let Some(running) = &mut self.running else {
            return Poll::Ready(None);
        };
        let next = match ready!(running.poll_told(context)) {
            Some(Told::Event(event)) => return Poll::Ready(Some(Ok(event))),
            Some(Told::End(response)) => Some(last_event(&response)),
            None => None,
        };
        self.running = None;
        Poll::Ready(next.map(Ok))
    }
}

/// A stream of events, of which the first is there.
fn events(
    first: Bytes,
    headers: &[(&'static str, &'static str)],
    running: Option<Running>,
) -> Streamed {
    let mut headers = headers.to_vec();
    headers.push(("cache-control", "no-cache"));
    StreamResponse {
        metadata_prelude: prelude(StatusCode::OK, event_stream::CONTENT_TYPE, &headers),
        stream: StreamedBody {
            next: Some(first),
            running,
        },
    }
}

/// A response that is there.
fn whole(response: HttpResponse) -> Streamed {
    let HttpResponse {
        status,
        content_type,
        headers,
        body,
    } = response;
    // Those of problems and of successes are statuses.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    StreamResponse {
        metadata_prelude: prelude(status, content_type, &headers),
        stream: StreamedBody {
            next: Some(body.into()),
            running: None,
        },
    }
}

fn prelude(
    status_code: StatusCode,
    content_type: &'static str,
    headers: &[(&'static str, &'static str)],
) -> MetadataPrelude {
    let mut map = HeaderMap::new();
    map.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for &header in headers {
        add(&mut map, header);
    }
    MetadataPrelude {
        status_code,
        headers: map,
        cookies: Vec::new(),
    }
}

/// Adds a header. The names are this crate's own, in lower case, and so are the values.
fn add(headers: &mut HeaderMap, (name, value): (&'static str, &'static str)) {
    headers.insert(
        HeaderName::from_static(name),
        HeaderValue::from_static(value),
    );
}

#[cfg(test)]
mod tests;
