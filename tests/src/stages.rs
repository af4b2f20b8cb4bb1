//! Where our server spends its time, by its own metrics.

use std::collections::BTreeMap;

/// Seconds that each stage took since the server began.
pub type Stages = BTreeMap<String, f64>;

/// Reads them from Prometheus' text: the sums of every histogram of seconds that
/// has a label `stage`.
pub fn parse(metrics: &str) -> Stages {
    let mut stages = Stages::new();
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else {
            continue;
        };
        let Some((labels, value)) = rest.split_once('}') else {
            continue;
        };
        if !name.ends_with("seconds_sum") {
            continue;
        }
        let stage = labels.split(',').find_map(|label| {
            let (name, value) = label.split_once('=')?;
            (name.trim() == "stage").then(|| value.trim_matches('"').to_owned())
        });
        let seconds = value
            .split_whitespace()
            .next()
            .and_then(|value| value.parse().ok());
        if let (Some(stage), Some(seconds)) = (stage, seconds) {
            let sum: f64 = seconds;
            *stages.entry(stage).or_default() += sum;
        }
    }
    stages
}

/// Adds to `total` what was spent between two readings.
pub fn add_between(total: &mut Stages, before: &Stages, after: &Stages) {
    for (stage, seconds) in after {
        let spent = seconds - before.get(stage).copied().unwrap_or_default();
        *total.entry(stage.clone()).or_default() += spent;
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
image_cache_hits_total 7
request_duration_seconds_sum{status="200"} 9
"#;

    #[test]
    fn the_sums_of_stages_are_read_and_nothing_else() {
        let stages = parse(METRICS);
        let expected = [("decode", 1.5), ("vision", 0.25)];
        let expected = expected.map(|(stage, seconds)| (stage.to_owned(), seconds));
        assert_eq!(stages, Stages::from(expected));
    }

    #[test]
    fn what_was_spent_between_two_readings_is_added() {
        let (before, mut after) = (parse(METRICS), parse(METRICS));
        after.insert("decode".to_owned(), 2.0);
        let mut total = Stages::new();
        add_between(&mut total, &Stages::new(), &before);
        add_between(&mut total, &before, &after);
        assert_eq!(total["decode"], 2.0);
        assert_eq!(total["vision"], 0.25);
    }
}
