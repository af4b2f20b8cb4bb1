//! Where a model server spends its time, by its own metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was observed of each stage.
pub type Stages = BTreeMap<String, Observed>;

/// Observations of a stage. One that several questions share is observed once a
/// question, so it is the mean that says how long a request was in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// The sum of all observations.
    pub seconds: f64,
    /// How many there are.
    pub count: f64,
}

impl Observed {
    /// Seconds of one observation.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.seconds / self.count.max(1.0)
    }
}

/// Reads Prometheus' text: every histogram of seconds that has a label `stage`.
#[must_use]
pub fn parse(metrics: &str) -> Stages {
    let mut stages = Stages::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, stage, value)) = sample(line) else {
            continue;
        };
        let observed = stages.entry(stage.to_owned()).or_default();
        if name.ends_with("seconds_sum") {
            observed.seconds += value;
        } else if name.ends_with("seconds_count") {
            observed.count += value;
        }
    }
    stages
}

/// Name, stage and value of a line that has a stage.
fn sample(line: &str) -> Option<(&str, &str, f64)> {
    let (name, rest) = line.split_once('{')?;
    let (labels, value) = rest.split_once('}')?;
    let stage = labels.split(',').find_map(|label| {
        let (name, value) = label.split_once('=')?;
        (name.trim() == "stage").then(|| value.trim_matches('"'))
    })?;
    let value = value.split_whitespace().next()?.parse().ok()?;
    Some((name, stage, value))
}

/// Adds to `total` what was observed between two readings.
pub fn add_between(total: &mut Stages, before: &Stages, after: &Stages) {
    for (stage, now) in after {
        let then = before.get(stage).copied().unwrap_or_default();
        let sum = total.entry(stage.clone()).or_default();
        sum.seconds += now.seconds - then.seconds;
        sum.count += now.count - then.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = r#"
# TYPE stage_duration_seconds histogram
stage_duration_seconds_sum{stage="decode"} 1.5
stage_duration_seconds_count{stage="decode"} 3
stage_duration_seconds_bucket{le="0.1",stage="decode"} 2
stage_duration_seconds_sum{device="cpu",stage="vision"} 0.25 1700000000
stage_duration_seconds_count{device="cpu",stage="vision"} 1 1700000000
image_cache_hits_total 7
request_duration_seconds_sum{status="200"} 9
"#;

    fn observed(seconds: f64, count: f64) -> Observed {
        Observed { seconds, count }
    }

    #[test]
    fn sums_and_counts_of_stages_are_read_and_nothing_else() {
        let stages = parse(METRICS);
        let expected = [
            ("decode", observed(1.5, 3.0)),
            ("vision", observed(0.25, 1.0)),
        ];
        let expected = expected.map(|(stage, observed)| (stage.to_owned(), observed));
        assert_eq!(stages, Stages::from(expected));
        assert_eq!(stages["decode"].mean(), 0.5);
    }

    #[test]
    fn what_was_observed_between_two_readings_is_added() {
        let (before, mut after) = (parse(METRICS), parse(METRICS));
        after.insert("decode".to_owned(), observed(2.0, 4.0));
        let mut total = Stages::new();
        add_between(&mut total, &before, &after);
        assert_eq!(total["decode"], observed(0.5, 1.0));
        assert_eq!(total["vision"], observed(0.0, 0.0));
        add_between(&mut total, &Stages::new(), &before);
        assert_eq!(total["decode"], observed(2.0, 4.0));
    }
}
