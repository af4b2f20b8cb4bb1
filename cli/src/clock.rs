//! Times as they are told and as they stand in names, in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

/// A moment as a part of names: `20261129-115312`.
#[must_use]
pub fn stamp(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let text = to_the_second(&DateTime::from_secs(
        i64::try_from(seconds).unwrap_or_default(),
    ));
    text.chars()
        .filter(|sign| !matches!(sign, '-' | ':'))
        .map(|sign| if sign == ' ' { '-' } else { sign })
        .collect()
}

/// A day and a time: `2026-11-29 11:53:12`.
#[must_use]
pub fn to_the_second(time: &DateTime) -> String {
    // Written as 2026-11-29T11:53:12.5Z; a time that has no such form is of no year that
    // AWS knows.
    let text = time.fmt(Format::DateTime).unwrap_or_default();
    text.chars().take(19).collect::<String>().replace('T', " ")
}

/// A time of the day: `11:53:12`.
#[must_use]
pub fn of_the_day(time: &DateTime) -> String {
    to_the_second(time).chars().skip(11).collect()
}

/// How long something has taken: `48 s`, `3 min 20 s`, `2 h 5 min`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_one_form_in_names_and_one_for_people() {
        let time = UNIX_EPOCH + Duration::from_millis(1_795_953_192_987);
        assert_eq!(stamp(time), "20261129-115312");
        let time = DateTime::from(time);
        assert_eq!(to_the_second(&time), "2026-11-29 11:53:12");
        assert_eq!(of_the_day(&time), "11:53:12");
    }

    #[test]
    fn what_takes_long_is_told_roughly() {
        let told = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(told(48), "48 s");
        assert_eq!(told(200), "3 min 20 s");
        assert_eq!(told(7_530), "2 h 5 min");
    }
}
