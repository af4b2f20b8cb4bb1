//! The errors of AWS's services, in their own shapes.
//!
//! Codes and statuses: API references of Bedrock Runtime's `InvokeModel`, of
//! SageMaker Runtime's `InvokeEndpoint` (with the errors that are common to
//! SageMaker's calls), and of Amazon S3 ("Error responses").

use serde_json::json;

use super::faults::{Fault, Service};
use super::http::Response;

/// What a service answers to a call that it turns away or fails at. `form` chooses
/// among several; `method` is the call's, since an answer to HEAD has no body.
pub fn response(service: Service, fault: Fault, form: usize, method: &str) -> Response {
    let is_throttled = fault == Fault::Throttled;
    match service {
        Service::Bedrock => {
            let (status, code) = match (is_throttled, form % 3) {
                (true, _) => (429, "ThrottlingException"),
                (false, 0) => (503, "ServiceUnavailableException"),
                (false, 1) => (408, "ModelTimeoutException"),
                (false, _) => (500, "InternalServerException"),
            };
            // An outage is what no single call's trouble looks like.
            match fault {
                Fault::Outage => aws_json(500, "InternalServerException", "message"),
                _ => aws_json(status, code, "message"),
            }
        }
        Service::Endpoint => match (fault, form % 4) {
            (Fault::Throttled, 0 | 1) => aws_json(400, "ThrottlingException", "Message"),
            (Fault::Throttled, _) => model_error(429, "overloaded"),
            (Fault::Outage, _) | (_, 0) => aws_json(500, "InternalFailure", "Message"),
            (_, 1) => aws_json(503, "ServiceUnavailable", "Message"),
            (_, 2) => model_error(500, "internal"),
            (_, _) => model_error(503, "not_ready"),
        },
        Service::S3 => {
            let (status, code, message) = match is_throttled {
                true => (503, "SlowDown", "Please reduce your request rate."),
                false => (
                    500,
                    "InternalError",
                    "We encountered an internal error. Please try again.",
                ),
            };
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>\
                 <Message>{message}</Message><RequestId>CHAOS</RequestId><HostId>CHAOS</HostId>\
                 </Error>"
            );
            let body = if method == "HEAD" { "" } else { &body };
            Response::new(status, &[("content-type", "application/xml")], body)
        }
    }
}

/// An error of the protocol REST-JSON, with its message in the member that the
/// service has for it.
fn aws_json(status: u16, code: &str, member: &str) -> Response {
    let body = json!({member: format!("{code}, made by the chaos.")});
    let headers = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", code),
    ];
    Response::new(status, &headers, &body.to_string())
}

/// What SageMaker makes of an error of the model server.
fn model_error(status: u16, code: &str) -> Response {
    let own = json!({"error": {"code": code, "message": "made by the chaos"}}).to_string();
    let body = json!({
        "Message": format!("Received server error ({status}) from primary with message \"{own}\"."),
        "OriginalStatusCode": status,
        "OriginalMessage": own,
        "LogStreamArn": "arn:aws:logs:local:000000000000:log-group:/aws/sagemaker/Endpoints/chaos"
    });
    let headers = [
        ("content-type", "application/json"),
        ("x-amzn-errortype", "ModelError"),
    ];
    Response::new(424, &headers, &body.to_string())
}
