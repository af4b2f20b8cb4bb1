//! Points in time as people and programs read them.

use std::time::{SystemTime, UNIX_EPOCH};

/// The last millisecond of a second.
const LAST_MS: u64 = 999;

/// `2025-11-24T09:30:00.000Z`. A time before 1970 is the beginning of 1970.
pub fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        since.subsec_millis()
    )
}

/// Year, month and day so many days after 1970-01-01, by the algorithm
/// `civil_from_days` of <https://howardhinnant.github.io/date_algorithms.html>:
/// years begin in March, so that a leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// A point in time in ms since 1970, as events have it: such a number itself, or
/// `2025-11-24T09:30:00Z` with or without a fraction of a second. What is told to the second
/// is [the end of that](end_of_second_ms). Nothing where it is another text.
pub fn read_time_ms(text: &str) -> Option<u64> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok();
    }
    let (day, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(fraction)),
        None => (time, None),
    };
    let [year, month, day] = numbers(day, '-')?;
    let [hours, minutes, seconds] = numbers(time, ':')?;
    let is_possible = year >= 1970
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && hours <= 23
        && minutes <= 59
        && seconds <= 60;
    if !is_possible {
        return None;
    }
    let seconds =
        days_since_1970(year, month, day)? * 86_400 + hours * 3_600 + minutes * 60 + seconds;
    let Some(fraction) = fraction else {
        return end_of_second_ms(seconds);
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(seconds * 1_000 + thousandths)
}

/// The last millisecond of a second since 1970. It stands for a time that is told to the second,
/// which [`beginning_ms`] knows by it.
pub fn end_of_second_ms(second: u64) -> Option<u64> {
    second.checked_mul(1_000)?.checked_add(LAST_MS)
}

/// The earliest that a time in ms may mean: the beginning of its second, where it is the last
/// millisecond of that and so told to the second. One of a thousand exact times is taken for
/// such a one, too; within its second it is less sure then than it could be.
pub fn beginning_ms(at_ms: u64) -> u64 {
    let in_second = at_ms % 1_000;
    if in_second == LAST_MS {
        at_ms - in_second
    } else {
        at_ms
    }
}

/// Three numbers of at most four digits.
fn numbers(text: &str, mark: char) -> Option<[u64; 3]> {
    let parts: Option<Vec<u64>> = text
        .split(mark)
        .map(|part| part.parse().ok().filter(|_| part.len() <= 4))
        .collect();
    parts?.try_into().ok()
}

/// The reverse of [`date`].
fn days_since_1970(year: u64, month: u64, day: u64) -> Option<u64> {
    let year = if month <= 2 { year - 1 } else { year };
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn known_times_are_written() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_799_999, "2000-02-29T23:59:59.999Z"),
            (1_763_976_600_007, "2025-11-24T09:30:00.007Z"),
            (1_798_761_599_000, "2026-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            let time = UNIX_EPOCH + Duration::from_millis(milliseconds);
            assert_eq!(timestamp(time), text);
        }
    }

    #[test]
    fn what_is_written_is_read_and_events_have_other_forms() {
        for milliseconds in [
            0,
            951_782_400_000,
            951_868_799_999,
            1_763_976_600_007,
            4_107_542_400_000,
        ] {
            let text = timestamp(UNIX_EPOCH + Duration::from_millis(milliseconds));
            assert_eq!(read_time_ms(&text), Some(milliseconds), "{text}");
        }
        for (text, milliseconds) in [
            ("1763976600007", Some(1_763_976_600_007)),
            ("2025-11-24T09:30:00Z", Some(1_763_976_600_999)),
            ("2025-11-24T09:60:00Z", None),
            ("2025-11-24T09:30:00.5Z", Some(1_763_976_600_500)),
            ("2025-11-24T09:30:00.123456Z", Some(1_763_976_600_123)),
            ("2025-11-24 09:30:00", None),
            ("2025-13-24T09:30:00Z", None),
            ("2025-11-24T09:30:00+01:00", None),
            ("2025-11-24T09:30Z", None),
            ("2025-11-24T09:30:00.éZ", None),
            ("1969-12-31T23:59:59Z", None),
            ("", None),
        ] {
            assert_eq!(read_time_ms(text), milliseconds, "{text}");
        }
    }

    #[test]
    fn what_is_told_to_the_second_may_be_any_moment_of_it() {
        let told = end_of_second_ms(1_763_976_600);
        assert_eq!(told, Some(1_763_976_600_999));
        assert_eq!(told, read_time_ms("2025-11-24T09:30:00Z"));
        assert_eq!(told.map(beginning_ms), Some(1_763_976_600_000));
        for exact in [0, 1_763_976_600_000, 1_763_976_600_998] {
            assert_eq!(beginning_ms(exact), exact);
        }
        assert_eq!(end_of_second_ms(u64::MAX), None);
    }
}
