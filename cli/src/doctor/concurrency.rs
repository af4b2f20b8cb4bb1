//! Whether Lambda lets the stack's function have invocations set aside.

use aws_config::SdkConfig;

use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

const CHECK: &str = "concurrency of functions";

/// So many invocations Lambda keeps for functions that have none set aside, or all where the
/// account's limit is lower: new accounts have 10.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html>
const KEPT: i32 = 100;

/// How many invocations there may be at a time in the account and region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Concurrency {
    /// Of all functions together.
    pub limit: i32,
    /// Of those that have none set aside.
    pub unreserved: i32,
}

/// Asks Lambda.
pub async fn ask(config: &SdkConfig) -> Outcome<Concurrency> {
    let answer = aws_sdk_lambda::Client::new(config)
        .get_account_settings()
        .send()
        .await
        .map_err(|error| aws_error::failure("GetAccountSettings", &error))?;
    let Some(limit) = answer.account_limit() else {
        return Err(Failure::new(
            Exit::Failed,
            "GetAccountSettings: Lambda names no limits",
        ));
    };
    Ok(Concurrency {
        limit: limit.concurrent_executions(),
        unreserved: limit
            .unreserved_concurrent_executions()
            .unwrap_or(limit.concurrent_executions()),
    })
}

/// Judges whether `wanted` invocations can be set aside, as the stack does unless its settings say
/// otherwise. A warning, since they may, and since the function that is there may have them already.
#[must_use]
pub fn judge(wanted: u32, answer: &Outcome<Concurrency>) -> Finding {
    let Concurrency { limit, unreserved } = match answer {
        Ok(answer) => *answer,
        Err(failure) => return Finding::unseen(CHECK, failure),
    };
    let free = unreserved - limit.min(KEPT);
    let free = u32::try_from(free).unwrap_or(0);
    let found = format!(
        "{free} of the account's {limit} can be set aside, and the stack's function wants {wanted} \
         unless it has them"
    );
    if free >= wanted {
        return Finding::ok(CHECK, found);
    }
    Finding::warning(CHECK, found).mend(
        "deploy with function.reservedConcurrency \"none\", or have the limit raised: aws \
         service-quotas request-service-quota-increase --service-code lambda \
         --quota-code L-B99A9384 --desired-value 1000",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn of(limit: i32, unreserved: i32) -> Finding {
        judge(8, &Ok(Concurrency { limit, unreserved }))
    }

    #[test]
    fn what_lambda_keeps_can_not_be_set_aside() {
        for (limit, unreserved, state) in [
            (1000, 1000, State::Ok),
            (1000, 108, State::Ok),
            (1000, 107, State::Warning),
            (108, 108, State::Ok),
            (10, 10, State::Warning),
        ] {
            assert_eq!(of(limit, unreserved).state, state, "{limit} {unreserved}");
        }
        let new = of(10, 10);
        assert!(
            new.found.starts_with("0 of the account's 10 "),
            "{}",
            new.found
        );
        let mend = new.mend.unwrap();
        for part in ["function.reservedConcurrency", "--service-code lambda"] {
            assert!(mend.contains(part), "{mend}");
        }
    }

    #[test]
    fn that_one_may_not_look_is_no_problem() {
        let denied = Failure::new(Exit::Denied, "no");
        assert_eq!(judge(8, &Err(denied)).state, State::NotLookedAt);
    }
}
