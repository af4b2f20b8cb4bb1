//! Numbers as the reports write them.

use crate::evaluate::measure::Estimate;

/// A share in percent with one decimal: "87.3"; "–" where there is none.
#[must_use]
pub fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.1}", share * 100.0))
}

/// The interval in percent: "84.1 to 90.2"; nothing where there is none.
#[must_use]
pub fn interval(estimate: &Estimate) -> Option<String> {
    let (low, high) = (estimate.low?, estimate.high?);
    Some(format!("{:.1} to {:.1}", low * 100.0, high * 100.0))
}

/// Both on one line: "87.3 (84.1 to 90.2)".
#[must_use]
pub fn with_interval(estimate: &Estimate) -> String {
    let value = percent(estimate.value);
    match interval(estimate) {
        Some(interval) => format!("{value} ({interval})"),
        None => value,
    }
}

/// A difference in percentage points with its sign, then the interval.
#[must_use]
pub fn difference(estimate: &Estimate) -> String {
    let Some(value) = estimate.value else {
        return "–".to_owned();
    };
    let value = format!("{:+.1}", value * 100.0);
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) => {
            format!("{value} ({:+.1} to {:+.1})", low * 100.0, high * 100.0)
        }
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_with_intervals() {
        let estimate = Estimate {
            value: Some(0.8731),
            low: Some(-0.0201),
            high: Some(0.9),
        };
        assert_eq!(with_interval(&estimate), "87.3 (-2.0 to 90.0)");
        assert_eq!(difference(&estimate), "+87.3 (-2.0 to +90.0)");
        let bare = Estimate {
            value: None,
            low: None,
            high: None,
        };
        assert_eq!(with_interval(&bare), "–");
        assert_eq!(difference(&bare), "–");
    }
}
