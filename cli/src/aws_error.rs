//! What AWS answered, for people: the error's name, the request's id, the next step.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use describe_product::adapters::with_causes;

use crate::failure::{Exit, Failure};

/// What the SDK's errors speak of where it found none that it can use.
const CREDENTIALS: &str = "credentials";

const SIGN_IN: &str = "sign in (`aws sso login`, `aws configure`) or name a profile with --profile; \
                       `lookbook doctor` looks closer";

/// A failed call of the SDK as a [`Failure`]: `doing` names what was being done and to
/// what ("CreateEndpoint endpoint-finetuned-blip2").
pub fn failure<E>(doing: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
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
    E: Error + 'static,
{
    if lacks_credentials(error) {
        return Failure::new(Exit::Denied, format!("{doing}: no credentials found")).next(SIGN_IN);
    }
    let why = with_causes(error);
    if why.contains(CREDENTIALS) && !is_of_the_way_to_credentials(error) {
        return Failure::new(
            Exit::Denied,
            format!("{doing}: no usable credentials: {why}"),
        )
        .next(SIGN_IN);
    }
    Failure::new(Exit::Unavailable, format!("{doing}: no answer: {why}"))
        .next("look at the network, --region and --endpoint-url, and run the same command again")
}

/// Whether nobody had any credentials: no variables, no profile, no machine with a role.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| {
        let cause = cause.downcast_ref::<CredentialsError>();
        matches!(cause, Some(CredentialsError::CredentialsNotLoaded(_)))
    })
}

/// Whether those who give the credentials of a role or of SSO were not reached, which says nothing
/// against the credentials.
fn is_of_the_way_to_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut below = causes(error).skip_while(|cause| !cause.is::<CredentialsError>());
    below.any(|cause| {
        let provider = cause.downcast_ref::<CredentialsError>();
        let timed_out = matches!(provider, Some(CredentialsError::ProviderTimedOut(_)));
        let connector = cause.downcast_ref::<ConnectorError>();
        timed_out || connector.is_some_and(|error| error.is_io() || error.is_timeout())
    })
}

/// An error and what it came from, the outermost first.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// What helps where the name of a thing leads to nothing.
const LOOK_FOR_IT: &str = "look at the name, at --region and at --profile: it is not in this account \
                           and region";

/// What the names of errors say about trying again, and what helps against them.
const NAMED: [(&[&str], Exit, &str); 8] = [
    (
        &[
            "AccessDenied",
            "AccessDeniedException",
            "UnauthorizedOperation",
        ],
        Exit::Denied,
        "the role or user needs a policy that allows this action on this resource",
    ),
    (
        &[
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
        ],
        Exit::Denied,
        "sign in again; `lookbook doctor` says which credentials are used and whether the clock is right",
    ),
    (
        &[
            "ThrottlingException",
            "Throttling",
            "TooManyRequestsException",
            "SlowDown",
        ],
        Exit::Unavailable,
        "AWS limits the rate of calls: run the same command again in a minute",
    ),
    (
        &[
            "ResourceLimitExceeded",
            "ServiceQuotaExceededException",
            "LimitExceededException",
        ],
        Exit::Failed,
        "raise the quota in the Service Quotas console; `lookbook doctor` shows the ones that matter",
    ),
    (
        &["PermanentRedirect", "AuthorizationHeaderMalformed"],
        Exit::Usage,
        "the bucket is in another region: name that one with --region",
    ),
    (
        &["NoSuchBucket"],
        Exit::NotFound,
        "`aws s3 ls` lists the buckets of the account, `aws s3 mb s3://NAME` makes one",
    ),
    (
        &[
            "ValidationException",
            "ValidationError",
            "InvalidParameterException",
            "InvalidParameterValueException",
            "InvalidRequest",
        ],
        Exit::Failed,
        "AWS does not take the request as it is: change the option or the setting that it names",
    ),
    (
        &[
            "NoSuchKey",
            "NotFound",
            "ResourceNotFound",
            "ResourceNotFoundException",
            "RepositoryNotFoundException",
            "StateMachineDoesNotExist",
        ],
        Exit::NotFound,
        LOOK_FOR_IT,
    ),
];

fn named(code: &str) -> Option<(Exit, &'static str)> {
    let known = NAMED.iter().find(|(names, ..)| names.contains(&code));
    known.map(|(_, exit, next)| (*exit, *next))
}

fn meaning(code: &str, status: u16) -> (Exit, Option<&'static str>) {
    if let Some((exit, next)) = named(code) {
        return (exit, Some(next));
    }
    match status {
        403 => (Exit::Denied, None),
        404 => (Exit::NotFound, Some(LOOK_FOR_IT)),
        429 | 500.. => (
            Exit::Unavailable,
            Some("AWS failed for now: run the same command again"),
        ),
        _ => (Exit::Failed, None),
    }
}

/// What helps where AWS refused credentials or permissions, by words into which somebody else
/// has put what AWS said; nothing where they name no such error.
#[must_use]
pub fn refusal(words: &str) -> Option<&'static str> {
    if words.contains(CREDENTIALS) {
        return Some(SIGN_IN);
    }
    words
        .split(|sign: char| !sign.is_ascii_alphanumeric())
        .filter_map(named)
        .filter(|(exit, _)| *exit == Exit::Denied)
        .map(|(_, next)| next)
        .next()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use aws_credential_types::provider::error::CredentialsError;
    use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityError;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};

    use super::{SIGN_IN, failure, meaning, refusal};
    use crate::failure::{Exit, Failure};

    /// What is said where a call got no answer for this reason.
    fn unanswered(error: ConnectorError) -> Failure {
        let error: SdkError<GetCallerIdentityError, HttpResponse> =
            SdkError::dispatch_failure(error);
        failure("GetCallerIdentity", &error)
    }

    #[test]
    fn without_credentials_that_is_all_that_is_said() {
        let none = CredentialsError::not_loaded("no providers in chain provided credentials");
        let failure = unanswered(ConnectorError::other(none.into(), None));
        assert_eq!(failure.exit, Exit::Denied);
        assert_eq!(failure.what, "GetCallerIdentity: no credentials found");
        assert_eq!(failure.next_step.as_deref(), Some(SIGN_IN));
    }

    #[test]
    fn a_call_without_an_answer_says_why_in_words_and_not_in_those_of_rust() {
        let wrong = CredentialsError::invalid_configuration("profile a names itself");
        let failure = unanswered(ConnectorError::other(wrong.into(), None));
        assert_eq!(failure.exit, Exit::Denied);
        assert_eq!(
            failure.what,
            "GetCallerIdentity: no usable credentials: dispatch failure: other: the credentials \
             provider was not properly configured: profile a names itself"
        );
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        let failure = unanswered(ConnectorError::io(refused.into()));
        assert_eq!(failure.exit, Exit::Unavailable);
        assert_eq!(
            failure.what,
            "GetCallerIdentity: no answer: dispatch failure: io error: connection refused"
        );
    }

    /// A role's credentials come from STS, those of SSO from its portal.
    #[test]
    fn a_network_that_is_dead_on_the_way_to_credentials_is_not_their_fault() {
        let refused = || io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        for connector in [
            ConnectorError::io(refused().into()),
            ConnectorError::timeout(refused().into()),
        ] {
            let asked: SdkError<GetCallerIdentityError, HttpResponse> =
                SdkError::dispatch_failure(connector);
            let provider = CredentialsError::provider_error(asked);
            let failure = unanswered(ConnectorError::other(provider.into(), None));
            assert_eq!(failure.exit, Exit::Unavailable, "{failure}");
            assert!(failure.what.contains("connection refused"), "{failure}");
            assert_ne!(failure.next_step.as_deref(), Some(SIGN_IN));
        }
        let late = CredentialsError::provider_timed_out(Duration::from_secs(5));
        let failure = unanswered(ConnectorError::other(late.into(), None));
        assert_eq!(failure.exit, Exit::Unavailable, "{failure}");
        // A provider that answered, and did not like what it heard.
        let said = CredentialsError::provider_error("the session has ended");
        let failure = unanswered(ConnectorError::other(said.into(), None));
        assert_eq!(failure.exit, Exit::Denied, "{failure}");
    }

    #[test]
    fn what_is_often_wrong_has_a_next_step() {
        for (code, status, step) in [
            ("NoSuchBucket", 404, "aws s3 mb"),
            ("ValidationException", 400, "change the option"),
            ("NoSuchKey", 404, "--region"),
            ("SomethingNew", 404, "--region"),
        ] {
            let next = meaning(code, status).1.unwrap();
            assert!(next.contains(step), "{code}: {next}");
        }
    }

    #[test]
    fn an_error_says_whether_the_same_command_may_succeed_later() {
        assert_eq!(meaning("ThrottlingException", 400).0, Exit::Unavailable);
        assert_eq!(meaning("InternalFailure", 500).0, Exit::Unavailable);
        assert_eq!(meaning("AccessDenied", 403).0, Exit::Denied);
        assert_eq!(meaning("SomethingNew", 404).0, Exit::NotFound);
        assert_eq!(meaning("PermanentRedirect", 301).0, Exit::Usage);
        assert_eq!(meaning("ValidationException", 400).0, Exit::Failed);
    }

    #[test]
    fn a_refusal_is_found_in_the_words_of_others() {
        let said = |code: &str| {
            let words = format!("the endpoint a refused the request: {code} (request id r-1): no");
            refusal(&words)
        };
        assert_eq!(said("AccessDeniedException"), meaning("AccessDenied", 0).1);
        assert_eq!(said("ExpiredToken"), meaning("ExpiredToken", 0).1);
        assert_eq!(said("ThrottlingException"), None);
        assert_eq!(said("ValidationError"), None);
        let none = "dispatch failure: no providers in chain provided credentials";
        assert_eq!(refusal(none), Some(SIGN_IN));
    }
}
