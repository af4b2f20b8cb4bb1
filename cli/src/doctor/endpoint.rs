//! The endpoint.

use aws_config::SdkConfig;

use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

/// How SageMaker says that there is no endpoint: with its error for everything that is wrong
/// with a request.
const NOT_THERE: &str = "Could not find";

/// The state of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointAnswer {
    /// As SageMaker calls it.
    pub status: String,
    /// Why it failed, where it did.
    pub reason: Option<String>,
}

/// Asks for the endpoint's state.
pub async fn ask(config: &SdkConfig, name: &str) -> Outcome<EndpointAnswer> {
    let answer = aws_sdk_sagemaker::Client::new(config)
        .describe_endpoint()
        .endpoint_name(name)
        .send()
        .await
        .map_err(|error| aws_error::failure(&format!("DescribeEndpoint {name}"), &error))?;
    let status = answer.endpoint_status();
    Ok(EndpointAnswer {
        status: status.map_or_else(String::new, |status| status.as_str().to_owned()),
        reason: answer.failure_reason().map(str::to_owned),
    })
}

/// Judges the endpoint. That there is none yet is nothing wrong.
#[must_use]
pub fn judge(name: &str, answer: &Outcome<EndpointAnswer>) -> Finding {
    let check = format!("endpoint {name}");
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) if is_not_there(failure) => {
            return Finding::warning(check, "there is none").mend(
                "`lookbook deploy` makes it; a stack's is named by its output EndpointName: give \
                 that as --endpoint",
            );
        }
        Err(failure) => return Finding::unseen(check, failure),
    };
    let found = match &answer.reason {
        Some(reason) => format!("{}: {reason}", answer.status),
        None => answer.status.clone(),
    };
    match answer.status.as_str() {
        "InService" => Finding::ok(check, found),
        "Failed" | "OutOfService" | "UpdateRollbackFailed" => Finding::problem(check, found).mend(
            "its log in CloudWatch, /aws/sagemaker/Endpoints/NAME, says why; `lookbook delete` \
             and `lookbook deploy` make it anew",
        ),
        _ => Finding::warning(check, found).mend("wait until it is InService"),
    }
}

fn is_not_there(failure: &Failure) -> bool {
    failure.exit == Exit::NotFound || failure.what.contains(NOT_THERE)
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn of(status: &str, reason: Option<&str>) -> Finding {
        let answer = EndpointAnswer {
            status: status.into(),
            reason: reason.map(str::to_owned),
        };
        judge("blip2", &Ok(answer))
    }

    #[test]
    fn an_endpoint_serves_is_on_its_way_or_has_failed() {
        assert_eq!(of("InService", None).state, State::Ok);
        for status in ["Creating", "Updating", "RollingBack", "Deleting"] {
            assert_eq!(of(status, None).state, State::Warning, "{status}");
        }
        let failed = of("Failed", Some("no space left"));
        assert_eq!(failed.state, State::Problem);
        assert!(failed.found.contains("no space left"));
    }

    #[test]
    fn that_there_is_none_is_told_from_not_being_allowed_to_look() {
        let what = "DescribeEndpoint blip2: ValidationException: Could not find endpoint";
        let none = judge("blip2", &Err(Failure::new(Exit::Failed, what)));
        assert_eq!(none.state, State::Warning);
        assert!(none.mend.unwrap().contains("lookbook deploy"));
        let denied = judge("blip2", &Err(Failure::new(Exit::Denied, "no")));
        assert_eq!(denied.state, State::NotLookedAt);
    }
}
