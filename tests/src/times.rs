//! Seconds, and sizes, as measured and as reports say them.

use serde::{Deserialize, Serialize};

/// Seconds of several measurements of the same thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Times(pub Vec<f64>);

impl Times {
    /// The middle one, or the mean of both in the middle; NaN where there is
    /// none.
    #[must_use]
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            length if length % 2 == 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
            _ => sorted[middle],
        }
    }

    /// The shortest.
    #[must_use]
    pub fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The longest.
    #[must_use]
    pub fn most(&self) -> f64 {
        self.0.iter().copied().fold(0.0, f64::max)
    }

    /// The median with the range: "84.0 ms (81.8 to 94.8)".
    #[must_use]
    pub fn range(&self) -> String {
        let unit = Unit::of(self.median());
        let [median, least, most] =
            [self.median(), self.least(), self.most()].map(|seconds| unit.number(seconds));
        format!("{median} {} ({least} to {most})", unit.name)
    }
}

/// "84.0 ms", "3.10 s".
#[must_use]
pub fn seconds(seconds: f64) -> String {
    let unit = Unit::of(seconds);
    format!("{} {}", unit.number(seconds), unit.name)
}

/// "880 MB", "2.63 GB".
#[must_use]
pub fn bytes(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 1e9 => format!("{:.0} MB", bytes / 1e6),
        bytes => format!("{:.2} GB", bytes / 1e9),
    }
}

/// In what a time is said, and with how many decimals.
struct Unit {
    name: &'static str,
    per_second: f64,
    decimals: usize,
}

impl Unit {
    fn of(seconds: f64) -> Unit {
        let (name, per_second, decimals) = match seconds {
            _ if seconds < 0.01 => ("ms", 1e3, 2),
            _ if seconds < 0.1 => ("ms", 1e3, 1),
            _ if seconds < 1.0 => ("ms", 1e3, 0),
            _ if seconds < 10.0 => ("s", 1.0, 2),
            _ => ("s", 1.0, 1),
        };
        Unit {
            name,
            per_second,
            decimals,
        }
    }

    fn number(&self, seconds: f64) -> String {
        format!("{:.*}", self.decimals, seconds * self.per_second)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_of_their_median() {
        let times = Times(vec![0.2, 0.08, 0.09]);
        assert_eq!(times.range(), "90.0 ms (80.0 to 200.0)");
        assert_eq!(Times(vec![1.0, 3.0]).median(), 2.0);
        assert!(Times::default().median().is_nan());
        let said = [0.00123, 0.5, 3.1, 42.0].map(seconds);
        assert_eq!(said, ["1.23 ms", "500 ms", "3.10 s", "42.0 s"]);
        assert_eq!(
            (bytes(880_400_000), bytes(2_630_000_000)),
            ("880 MB".into(), "2.63 GB".into())
        );
    }
}
