//! SageMaker's control plane: its client, its names, and answers that say "there is none".

use aws_sdk_sagemaker::Client;
use aws_sdk_sagemaker::types::Tag;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws_error;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// The longest name of an endpoint, a configuration, a model or a job.
pub const LONGEST_NAME: usize = 63;

/// A client in the account's way.
pub async fn client(context: &Context) -> Client {
    Client::new(context.aws().await)
}

/// What a Describe operation found; nothing where AWS says that there is none of the name.
///
/// # Errors
/// Every other error of AWS.
pub fn found<T, E>(doing: &str, result: Result<T, SdkError<E, HttpResponse>>) -> Outcome<Option<T>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match result {
        Ok(output) => Ok(Some(output)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(aws_error::failure(doing, &error)),
    }
}

/// Whether AWS says that what was named is not there. SageMaker's operations have no error
/// of their own for it: it is a ValidationException, told apart by its words.
fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    let Some(service) = error.as_service_error() else {
        return false;
    };
    says_missing(
        service.code().unwrap_or_default(),
        service.message().unwrap_or_default(),
    )
}

fn says_missing(code: &str, message: &str) -> bool {
    match code {
        "ResourceNotFound" | "ResourceNotFoundException" => true,
        "ValidationException" => {
            message.starts_with("Could not find")
                || message.starts_with("Requested resource not found")
        }
        _ => false,
    }
}

/// Looks whether SageMaker takes a name, before anything is sent.
///
/// # Errors
/// That of `option`, with what is allowed.
pub fn check_name(option: &str, name: &str) -> Outcome {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || sign == '-';
    let is_name = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(is_plain)
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_name {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option}: {name:?} is no name for SageMaker: letters, digits and \"-\", at most \
         {LONGEST_NAME}, neither end a \"-\""
    )))
}

/// Looks whether a text is the ARN of a role.
///
/// # Errors
/// With what it has to be.
pub fn check_role(role: &str) -> Outcome {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    if let ["arn", _, "iam", "", _, resource] = parts[..]
        && resource.starts_with("role/")
    {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--role: {role:?} is no ARN of a role, such as arn:aws:iam::111122223333:role/lookbook"
    )))
}

/// A tag.
#[must_use]
pub fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    #[test]
    fn what_is_missing_is_told_by_its_words() {
        let arn = "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/shirts";
        for message in [
            format!("Could not find endpoint \"{arn}\"."),
            format!("Could not find endpoint configuration \"{arn}\"."),
            "Requested resource not found.".to_owned(),
        ] {
            assert!(says_missing("ValidationException", &message), "{message}");
        }
        assert!(says_missing("ResourceNotFound", "no matter"));
        let other = "Cannot create already existing endpoint";
        assert!(!says_missing("ValidationException", other));
        assert!(!says_missing("AccessDeniedException", "Could not find"));
    }

    #[test]
    fn names_and_roles_are_looked_at_before_anything_is_sent() {
        assert!(check_name("--endpoint", "endpoint-finetuned-blip2").is_ok());
        assert!(check_name("--endpoint", &"a".repeat(63)).is_ok());
        for wrong in ["", "-a", "a-", "a_b", "a b", &"a".repeat(64)] {
            let failure = check_name("--endpoint", wrong).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.starts_with("--endpoint: "), "{failure}");
        }
        assert!(check_role("arn:aws:iam::111122223333:role/service-role/lookbook").is_ok());
        assert!(check_role("arn:aws-cn:iam::111122223333:role/lookbook").is_ok());
        for wrong in [
            "lookbook",
            "arn:aws:iam::111122223333:user/me",
            "arn:aws:s3:::a",
        ] {
            assert!(check_role(wrong).is_err(), "{wrong}");
        }
    }
}
