//! Times as whole milliseconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A length of time in ms, rounded down. What is too long for the number is its greatest
/// value, some 500 million years.
pub fn in_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A point in time in ms since 1970 (UTC); 0 for one before.
pub fn since_epoch_ms(time: SystemTime) -> u64 {
    in_ms(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_rounded_down_and_bounded() {
        assert_eq!(in_ms(Duration::from_micros(1_999)), 1);
        assert_eq!(in_ms(Duration::MAX), u64::MAX);
    }

    #[test]
    fn points_in_time_are_counted_from_1970() {
        let time = UNIX_EPOCH + Duration::from_millis(1_763_976_600_007);
        assert_eq!(since_epoch_ms(time), 1_763_976_600_007);
        assert_eq!(since_epoch_ms(UNIX_EPOCH - Duration::from_secs(1)), 0);
    }
}
