//! What AWS answered, for people: the error's name, the request's id, the next step.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::failure::{Exit, Failure};

/// A failed call of the SDK as a [`Failure`]: `doing` names what was being done and to
/// what ("CreateEndpoint endpoint-finetuned-blip2").
pub fn failure<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(service) = error.as_service_error() else {
        return unanswered(doing, error);
    };
    let code = service.code().unwrap_or("an error without a name");
    let message = service.message().unwrap_or("without a message");
    let request_id = error
        .raw_response()
        .and_then(|response| response.headers().get("x-amzn-requestid"))
        .or_else(|| {
            error
                .raw_response()
                .and_then(|response| response.headers().get("x-amz-request-id"))
        })
        .unwrap_or("none given");
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    let what = format!("{doing}: {code}: {message} (request id {request_id})");
    let (exit, next) = meaning(code, status);
    let failure = Failure::new(exit, what);
    match next {
        Some(next) => failure.next(next),
        None => failure,
    }
}

/// The name that AWS gave the error, if it answered.
pub fn code<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Option<&str> {
    error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
}

fn unanswered<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: std::error::Error + 'static,
{
    let why = DisplayErrorContext(error).to_string();
    if why.contains("credentials") {
        return Failure::new(Exit::Denied, format!("{doing}: no usable credentials: {why}"))
            .next("sign in (`aws sso login`, `aws configure`) or name a profile with --profile; `lookbook doctor` looks closer");
    }
    Failure::new(Exit::Unavailable, format!("{doing}: no answer: {why}"))
        .next("look at the network, --region and --endpoint-url, and run the same command again")
}

/// What an error's name says about trying again, and what helps against it.
fn meaning(code: &str, status: u16) -> (Exit, Option<&'static str>) {
    match code {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => (
            Exit::Denied,
            Some("the role or user needs a policy that allows this action on this resource"),
        ),
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch" => (
            Exit::Denied,
            Some(
                "sign in again; `lookbook doctor` says which credentials are used and whether the clock is right",
            ),
        ),
        "ThrottlingException" | "Throttling" | "TooManyRequestsException" | "SlowDown" => (
            Exit::Unavailable,
            Some("AWS limits the rate of calls: run the same command again in a minute"),
        ),
        "ResourceLimitExceeded" | "ServiceQuotaExceededException" | "LimitExceededException" => (
            Exit::Failed,
            Some(
                "raise the quota in the Service Quotas console; `lookbook doctor` shows the ones that matter",
            ),
        ),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" => (
            Exit::Usage,
            Some("the bucket is in another region: name that one with --region"),
        ),
        "NoSuchBucket"
        | "NoSuchKey"
        | "NotFound"
        | "ResourceNotFound"
        | "ResourceNotFoundException"
        | "RepositoryNotFoundException"
        | "StateMachineDoesNotExist" => (Exit::NotFound, None),
        _ if status == 403 => (Exit::Denied, None),
        _ if status == 404 => (Exit::NotFound, None),
        _ if status >= 500 || status == 429 => (
            Exit::Unavailable,
            Some("AWS failed for now: run the same command again"),
        ),
        _ => (Exit::Failed, None),
    }
}

#[cfg(test)]
mod tests {
    use super::meaning;
    use crate::failure::Exit;

    #[test]
    fn an_error_says_whether_the_same_command_may_succeed_later() {
        assert_eq!(meaning("ThrottlingException", 400).0, Exit::Unavailable);
        assert_eq!(meaning("InternalFailure", 500).0, Exit::Unavailable);
        assert_eq!(meaning("AccessDenied", 403).0, Exit::Denied);
        assert_eq!(meaning("SomethingNew", 404).0, Exit::NotFound);
        assert_eq!(meaning("PermanentRedirect", 301).0, Exit::Usage);
        assert_eq!(meaning("ValidationException", 400).0, Exit::Failed);
    }
}
