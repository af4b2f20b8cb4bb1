//! Whose credentials are used, and whether AWS is reached at all: the first call tells both.

use aws_config::SdkConfig;

use super::clock::ServerDate;
use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

const CHECK: &str = "credentials";
const CONNECTION: &str = "connection";

/// Who one is to AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account's number.
    pub account: String,
    /// The user's or role's ARN.
    pub arn: String,
}

/// Asks STS, and hears of its time.
pub async fn ask(config: &SdkConfig, date: ServerDate) -> Outcome<Identity> {
    let config = aws_sdk_sts::config::Builder::from(config)
        .interceptor(date)
        .build();
    let answer = aws_sdk_sts::Client::from_conf(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| aws_error::failure("GetCallerIdentity", &error))?;
    Ok(Identity {
        account: answer.account().unwrap_or_default().to_owned(),
        arn: answer.arn().unwrap_or_default().to_owned(),
    })
}

/// Why nothing else is looked at; nothing where one is known.
#[must_use]
pub fn why_not_further(answer: &Outcome<Identity>) -> Option<&'static str> {
    match answer {
        Ok(_) => None,
        Err(failure) if is_of_the_connection(failure) => Some("AWS gave no answer"),
        Err(_) => Some("the credentials are of no use"),
    }
}

/// Judges whether AWS answers. That credentials were refused, or that there are none to ask
/// with, says nothing against the network.
#[must_use]
pub fn judge_connection(answer: &Outcome<Identity>) -> Finding {
    match answer {
        Ok(_) => Finding::ok(CONNECTION, "AWS answers"),
        Err(failure) if is_of_the_connection(failure) => {
            let finding = Finding::problem(CONNECTION, &failure.what);
            match &failure.next_step {
                Some(step) => finding.mend(step),
                None => finding,
            }
        }
        Err(_) => Finding::not_looked_at(CONNECTION, "the credentials are of no use"),
    }
}

fn is_of_the_connection(failure: &Failure) -> bool {
    failure.exit == Exit::Unavailable
}

/// Judges who one is.
#[must_use]
pub fn judge(answer: &Outcome<Identity>) -> Finding {
    match answer {
        Err(failure) if is_of_the_connection(failure) => {
            Finding::not_looked_at(CHECK, "AWS gave no answer")
        }
        Ok(Identity { account, arn }) if arn.ends_with(":root") => {
            Finding::warning(CHECK, format!("the root user of account {account}"))
                .mend("use a role or a user with the permissions of docs/deploy.md alone")
        }
        Ok(Identity { account, arn }) => Finding::ok(CHECK, format!("{arn} of account {account}")),
        Err(failure) => refused(failure),
    }
}

fn refused(failure: &Failure) -> Finding {
    let finding = Finding::problem(CHECK, &failure.what);
    match (&failure.next_step, failure.exit) {
        // This is the doctor: it need not be sent for.
        (_, Exit::Denied) => finding.mend(
            "sign in (`aws sso login`, `aws configure`), or name another profile by --profile",
        ),
        (Some(step), _) => finding.mend(step),
        (None, _) => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn identity(arn: &str) -> Outcome<Identity> {
        Ok(Identity {
            account: "123456789012".into(),
            arn: arn.into(),
        })
    }

    #[test]
    fn a_role_is_fine_the_root_user_is_not_and_nobody_is_a_problem() {
        let role = judge(&identity("arn:aws:sts::123456789012:assumed-role/a/b"));
        assert_eq!(role.state, State::Ok);
        assert!(role.found.contains("123456789012"));
        let root = judge(&identity("arn:aws:iam::123456789012:root"));
        assert_eq!(root.state, State::Warning);
        let failure = Failure::new(Exit::Denied, "GetCallerIdentity: ExpiredToken: no");
        let expired = judge(&Err(failure));
        assert_eq!(expired.state, State::Problem);
        assert!(expired.mend.unwrap().contains("aws sso login"));
    }

    #[test]
    fn an_answer_that_never_came_is_not_the_fault_of_the_credentials() {
        let silent: Outcome<Identity> =
            Err(Failure::new(Exit::Unavailable, "no answer: refused").next("look at the network"));
        let connection = judge_connection(&silent);
        assert_eq!(connection.state, State::Problem);
        assert!(connection.found.contains("refused"));
        assert_eq!(connection.mend.as_deref(), Some("look at the network"));
        assert_eq!(judge(&silent).state, State::NotLookedAt);
        assert_eq!(why_not_further(&silent), Some("AWS gave no answer"));
        let refused: Outcome<Identity> = Err(Failure::new(Exit::Denied, "ExpiredToken: no"));
        assert_eq!(judge_connection(&refused).state, State::NotLookedAt);
        assert!(why_not_further(&refused).unwrap().contains("credentials"));
        let known = identity("arn:aws:sts::123456789012:assumed-role/a/b");
        assert_eq!(judge_connection(&known).state, State::Ok);
        assert_eq!(why_not_further(&known), None);
    }
}
