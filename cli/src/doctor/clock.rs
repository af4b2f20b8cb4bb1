//! The clock of this machine against AWS's.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_sts::error::BoxError;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::finding::Finding;

const CHECK: &str = "clock";

/// From here on AWS refuses signatures.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html>
const MOST_SECONDS: i64 = 5 * 60;
/// From here on a clock is not kept by anything.
const KEPT_SECONDS: i64 = 60;

/// Hears of the dates in the answers of a client.
#[derive(Clone, Debug, Default)]
pub struct ServerDate {
    /// How many seconds this machine is ahead.
    ahead: Arc<Mutex<Option<i64>>>,
}

impl ServerDate {
    /// How many seconds this machine is ahead of the last answer; nothing where there was
    /// none with a date.
    #[must_use]
    pub fn seconds_ahead(&self) -> Option<i64> {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, date: &str, now: SystemTime) {
        if let Some(ahead) = seconds_ahead(date, now) {
            *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _runtime_components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.hear(date, SystemTime::now());
        }
        Ok(())
    }
}

/// How many seconds `now` is after the value of a `Date` header.
fn seconds_ahead(date: &str, now: SystemTime) -> Option<i64> {
    let date = DateTime::from_str(date, Format::HttpDate).ok()?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(i64::try_from(now).ok()? - date.secs())
}

/// Judges by how many seconds this machine is ahead.
#[must_use]
pub fn judge(seconds_ahead: Option<i64>) -> Finding {
    let Some(ahead) = seconds_ahead else {
        return Finding::not_looked_at(CHECK, "AWS gave no answer with a date");
    };
    let seconds = ahead.abs();
    let side = if ahead < 0 { "behind" } else { "ahead" };
    let found = format!("{seconds} s {side}");
    if seconds <= KEPT_SECONDS {
        return Finding::ok(CHECK, found);
    }
    let mend = "let the machine keep its time: `timedatectl set-ntp true`, or start chrony or ntpd";
    if seconds <= MOST_SECONDS {
        return Finding::warning(CHECK, found).mend(mend);
    }
    let found = format!("{found}: AWS refuses signatures from {MOST_SECONDS} s on");
    Finding::problem(CHECK, found).mend(mend)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_date_is_compared_with_the_time_of_its_arrival() {
        // 1994-11-15T08:12:31Z, the example of RFC 9110's older relatives.
        let date = "Tue, 15 Nov 1994 08:12:31 GMT";
        let now = UNIX_EPOCH + Duration::from_secs(784_887_151 + 400);
        assert_eq!(seconds_ahead(date, now), Some(400));
        let heard = ServerDate::default();
        heard.hear("no date", now);
        assert_eq!(heard.seconds_ahead(), None);
        heard.clone().hear(date, now);
        assert_eq!(heard.seconds_ahead(), Some(400));
    }

    #[test]
    fn a_clock_may_be_off_by_less_than_breaks_signatures() {
        for (ahead, state) in [
            (Some(0), State::Ok),
            (Some(-60), State::Ok),
            (Some(61), State::Warning),
            (Some(-300), State::Warning),
            (Some(301), State::Problem),
            (Some(-86_400), State::Problem),
            (None, State::NotLookedAt),
        ] {
            assert_eq!(judge(ahead).state, state, "{ahead:?}");
        }
        assert!(judge(Some(-400)).found.starts_with("400 s behind"));
    }
}
