//! Whose credentials are used.

use aws_config::SdkConfig;

use super::clock::ServerDate;
use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

const CHECK: &str = "credentials";

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

/// Judges who one is.
#[must_use]
pub fn judge(answer: &Outcome<Identity>) -> Finding {
    match answer {
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
}
