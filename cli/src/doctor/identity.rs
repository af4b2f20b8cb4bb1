//! Whose credentials are used, and whether AWS is reached at all: the first call tells both.

use aws_config::SdkConfig;

use super::clock::ServerDate;
use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure};

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

/// Why it is not known who one is.
#[derive(Debug)]
pub enum Unknown {
    /// Nobody answered.
    Silence(Failure),
    /// AWS answered that it can't say for now: it limits the rate, or is out of order.
    ForNow(Failure),
    /// The credentials were refused, or there are none.
    Credentials(Failure),
}

/// Who one is, or why that is not known.
pub type Answer = Result<Identity, Unknown>;

impl Unknown {
    /// `answered`: whether there was a response, whatever it said.
    fn new(failure: Failure, answered: bool) -> Unknown {
        match (failure.exit, answered) {
            (Exit::Unavailable, false) => Unknown::Silence(failure),
            (Exit::Unavailable, true) => Unknown::ForNow(failure),
            _ => Unknown::Credentials(failure),
        }
    }
}

/// Asks STS, and hears of its time.
///
/// # Errors
/// Where it does not say who one is.
pub async fn ask(config: &SdkConfig, date: ServerDate) -> Answer {
    let config = aws_sdk_sts::config::Builder::from(config)
        .interceptor(date)
        .build();
    let answer = aws_sdk_sts::Client::from_conf(config)
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| {
            let answered = error.raw_response().is_some();
            Unknown::new(aws_error::failure("GetCallerIdentity", &error), answered)
        })?;
    Ok(Identity {
        account: answer.account().unwrap_or_default().to_owned(),
        arn: answer.arn().unwrap_or_default().to_owned(),
    })
}

/// Why nothing else is looked at; nothing where one is known.
#[must_use]
pub fn why_not_further(answer: &Answer) -> Option<&'static str> {
    match answer {
        Ok(_) => None,
        Err(Unknown::Silence(_)) => Some("AWS gave no answer"),
        Err(Unknown::ForNow(_)) => Some("AWS does not say for now whose credentials these are"),
        Err(Unknown::Credentials(_)) => Some("the credentials are of no use"),
    }
}

/// Judges whether AWS answers. That credentials were refused, or that there are none to ask
/// with, says nothing against the network.
#[must_use]
pub fn judge_connection(answer: &Answer) -> Finding {
    match answer {
        Ok(_) | Err(Unknown::ForNow(_)) => Finding::ok(CONNECTION, "AWS answers"),
        Err(Unknown::Silence(failure)) => {
            let finding = Finding::problem(CONNECTION, &failure.what);
            match &failure.next_step {
                Some(step) => finding.mend(step),
                None => finding,
            }
        }
        Err(Unknown::Credentials(_)) => {
            Finding::not_looked_at(CONNECTION, "the credentials are of no use")
        }
    }
}

/// Judges who one is.
#[must_use]
pub fn judge(answer: &Answer) -> Finding {
    match answer {
        Err(Unknown::Silence(_)) => Finding::not_looked_at(CHECK, "AWS gave no answer"),
        Ok(Identity { account, arn }) if arn.ends_with(":root") => {
            Finding::warning(CHECK, format!("the root user of account {account}"))
                .mend("use a role or a user with the permissions of docs/deploy.md alone")
        }
        Ok(Identity { account, arn }) => Finding::ok(CHECK, format!("{arn} of account {account}")),
        Err(Unknown::ForNow(failure) | Unknown::Credentials(failure)) => unknown(failure),
    }
}

fn unknown(failure: &Failure) -> Finding {
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

    fn identity(arn: &str) -> Answer {
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
        let expired = judge(&Err(Unknown::new(failure, true)));
        assert_eq!(expired.state, State::Problem);
        assert!(expired.mend.unwrap().contains("aws sso login"));
    }

    #[test]
    fn an_answer_that_never_came_is_not_the_fault_of_the_credentials() {
        let failure =
            Failure::new(Exit::Unavailable, "no answer: refused").next("look at the network");
        let silent: Answer = Err(Unknown::new(failure, false));
        let connection = judge_connection(&silent);
        assert_eq!(connection.state, State::Problem);
        assert!(connection.found.contains("refused"));
        assert_eq!(connection.mend.as_deref(), Some("look at the network"));
        assert_eq!(judge(&silent).state, State::NotLookedAt);
        assert_eq!(why_not_further(&silent), Some("AWS gave no answer"));
        let failure = Failure::new(Exit::Denied, "ExpiredToken: no");
        let refused: Answer = Err(Unknown::new(failure, true));
        assert_eq!(judge_connection(&refused).state, State::NotLookedAt);
        assert!(why_not_further(&refused).unwrap().contains("credentials"));
        let known = identity("arn:aws:sts::123456789012:assumed-role/a/b");
        assert_eq!(judge_connection(&known).state, State::Ok);
        assert_eq!(why_not_further(&known), None);
    }
    #[test]
    fn an_answer_that_aws_can_t_say_for_now_is_one() {
        let failure = Failure::new(Exit::Unavailable, "Throttling: Rate exceeded").next("wait");
        let throttled: Answer = Err(Unknown::new(failure, true));
        assert_eq!(judge_connection(&throttled).state, State::Ok);
        let credentials = judge(&throttled);
        assert_eq!(credentials.state, State::Problem);
        assert!(credentials.found.contains("Rate exceeded"));
        assert_eq!(credentials.mend.as_deref(), Some("wait"));
        let why = why_not_further(&throttled).unwrap();
        assert!(why.contains("for now"), "{why}");
    }
}
