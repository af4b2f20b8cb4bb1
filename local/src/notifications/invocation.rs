//! One invocation of the function over Lambda's Invoke API.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;

/// The most of a failed invocation's answer that goes into the log.
const QUOTED_CHARACTERS: usize = 300;

/// Why an invocation failed.
#[derive(Debug, thiserror::Error)]
pub enum InvocationError {
    /// Nobody answered at the function's address.
    #[error("the function cannot be reached: {0}")]
    Unreachable(reqwest::Error),
    /// No answer in time.
    #[error("the function did not answer within {timeout_ms} ms")]
    TimedOut {
        /// The longest that an invocation may take.
        timeout_ms: u128,
    },
    /// An HTTP status other than 2xx: the Invoke API refused, or, from the emulator of
    /// cargo-lambda, the function returned an error.
    #[error("the invocation was answered with status {status}: {answer}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The beginning of the answer.
        answer: String,
    },
    /// Lambda's way to say that the function ran and failed (`X-Amz-Function-Error`).
    #[error("the function returned an error ({kind}): {answer}")]
    Function {
        /// `Handled` or `Unhandled`.
        kind: String,
        /// The beginning of the answer.
        answer: String,
    },
}

/// Invokes one function with `InvocationType=Event`.
///
/// Lambda queues such an invocation and answers 202 at once; the emulator of cargo-lambda
/// ignores the type and answers when the function has: 200, or 500 for a function error. Either
/// way anything but a 2xx without a function error is a failure.
#[derive(Clone, Debug)]
pub struct FunctionInvoker {
    client: reqwest::Client,
    url: Url,
    timeout: Duration,
}

impl FunctionInvoker {
    /// An invoker for the Invoke URL of a function
    /// (`http://HOST/2015-03-31/functions/NAME/invocations`); an invocation that takes longer
    /// than `timeout` has failed.
    pub fn new(url: Url, timeout: Duration) -> Self {
        Self {
            client: reqwest::Client::new(),
            url,
            timeout,
        }
    }

    /// Sends one event.
    ///
    /// # Errors
    ///
    /// The reason why the event can't be taken for delivered.
    pub async fn invoke(&self, event: Bytes) -> Result<(), InvocationError> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() {
                InvocationError::TimedOut {
                    timeout_ms: self.timeout.as_millis(),
                }
            } else {
                InvocationError::Unreachable(error)
            }
        };
        let response = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .header("x-amz-invocation-type", "Event")
            .timeout(self.timeout)
            .body(event)
            .send()
            .await
            .map_err(failed)?;
        let status = response.status();
        let function_error = response
            .headers()
            .get("x-amz-function-error")
            .map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
        // Read to its end also when it is not needed: the emulator's answer is the end of the
        // function's work, and the connection can be used again.
        let answer = response.text().await.map_err(failed)?;
        let answer: String = answer.chars().take(QUOTED_CHARACTERS).collect();
        if !status.is_success() {
            return Err(InvocationError::Status {
                status: status.as_u16(),
                answer,
            });
        }
        match function_error {
            Some(kind) => Err(InvocationError::Function { kind, answer }),
            None => Ok(()),
        }
    }
}
