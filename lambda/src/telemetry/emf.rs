//! CloudWatch's embedded metric format: lines of JSON in the log, of which CloudWatch makes
//! metrics. No agent and no call is needed for them.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::time::SystemTime;

use serde_json::{Map, Number, Value, json};

use crate::domain::since_epoch_ms;

/// The target of the events that are such lines; [`crate::logs`] writes them as they are,
/// whatever the level of the log.
pub const TARGET: &str = "describe_product::metrics";

/// The most metrics that a directive may define.
const MOST_METRICS: usize = 100;

/// The unit of a metric, as CloudWatch calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// A time.
    Milliseconds,
    /// Money: CloudWatch has no unit for it.
    None,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Count => "Count",
            Unit::Milliseconds => "Milliseconds",
            Unit::None => "None",
        }
    }
}

/// One value of a metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name; no other metric, dimension or property of the line has it.
    pub name: &'static str,
    /// What is counted.
    pub unit: Unit,
    /// How much of it.
    pub value: Number,
}

impl Metric {
    /// A number of things.
    pub fn count(name: &'static str, value: impl Into<Number>) -> Metric {
        Metric {
            name,
            unit: Unit::Count,
            value: value.into(),
        }
    }

    /// A time in ms.
    pub fn ms(name: &'static str, value: u64) -> Metric {
        Metric {
            name,
            unit: Unit::Milliseconds,
            value: value.into(),
        }
    }

    /// An amount of US dollars; nothing where JSON has no number for it.
    pub fn usd(name: &'static str, value: f64) -> Option<Metric> {
        Some(Metric {
            name,
            unit: Unit::None,
            value: Number::from_f64(value)?,
        })
    }
}

/// Writes a line with these metrics, all of them with all `dimensions`. `properties` are in
/// the line and no more.
pub fn emit(
    namespace: &str,
    dimensions: &[(&str, &str)],
    properties: &[(&str, &str)],
    metrics: &[Metric],
) {
    if metrics.is_empty() {
        return;
    }
    let now = SystemTime::now();
    let document = document(now, namespace, dimensions, properties, metrics).to_string();
    tracing::info!(target: TARGET, document = document.as_str());
}

fn document(
    time: SystemTime,
    namespace: &str,
    dimensions: &[(&str, &str)],
    properties: &[(&str, &str)],
    metrics: &[Metric],
) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let directive = |metrics: &[Metric]| {
        let definitions: Vec<Value> = metrics
            .iter()
            .map(|metric| json!({"Name": metric.name, "Unit": metric.unit.name()}))
            .collect();
        json!({"Namespace": namespace, "Dimensions": [names], "Metrics": definitions})
    };
    let directives: Vec<Value> = metrics.chunks(MOST_METRICS).map(directive).collect();
    let timestamp = since_epoch_ms(time);
    let mut members = Map::new();
    members.insert(
        "_aws".to_owned(),
        json!({"Timestamp": timestamp, "CloudWatchMetrics": directives}),
    );
    for (name, value) in dimensions.iter().chain(properties) {
        members.insert((*name).to_owned(), json!(value));
    }
    for metric in metrics {
        members.insert(metric.name.to_owned(), json!(metric.value));
    }
    Value::Object(members)
}

#[cfg(test)]
pub mod rules;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn at_noon(dimensions: &[(&str, &str)], metrics: &[Metric]) -> Value {
        let noon = UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
        document(noon, "Shop", dimensions, &[("trigger", "s3")], metrics)
    }

    #[test]
    fn a_line_has_the_form_of_the_specification() {
        let metrics = [
            Metric::count("Retries", 2_u64),
            Metric::ms("Time", 17),
            Metric::usd("Cost", 0.00198).unwrap(),
        ];
        let line = at_noon(&[("FunctionName", "f")], &metrics);
        assert_eq!(
            line,
            json!({
                "_aws": {
                    "Timestamp": 1_700_000_000_123_u64,
                    "CloudWatchMetrics": [{
                        "Namespace": "Shop",
                        "Dimensions": [["FunctionName"]],
                        "Metrics": [
                            {"Name": "Retries", "Unit": "Count"},
                            {"Name": "Time", "Unit": "Milliseconds"},
                            {"Name": "Cost", "Unit": "None"}
                        ]
                    }]
                },
                "FunctionName": "f",
                "trigger": "s3",
                "Retries": 2,
                "Time": 17,
                "Cost": 0.00198
            })
        );
        rules::check(&line).unwrap();
    }

    #[test]
    fn what_is_no_number_is_no_amount() {
        for value in [f64::NAN, f64::INFINITY] {
            assert_eq!(Metric::usd("Cost", value), None);
        }
        // As little as a token costs is a number still.
        let line = at_noon(&[], &[Metric::usd("Cost", 2.5e-7).unwrap()]);
        rules::check(&line).unwrap();
        assert_eq!(line["Cost"], 2.5e-7);
    }

    #[test]
    fn a_directive_has_a_hundred_metrics_at_most() {
        // Names live as long as the program.
        let names: Vec<&'static str> = (0..250)
            .map(|number| {
                let name: &'static str = format!("Metric{number}").leak();
                name
            })
            .collect();
        let metrics: Vec<Metric> = names
            .into_iter()
            .map(|name| Metric::count(name, 1_u64))
            .collect();
        let line = at_noon(&[], &metrics);
        rules::check(&line).unwrap();
        let directives = line["_aws"]["CloudWatchMetrics"].as_array().unwrap();
        assert_eq!(directives.len(), 3);
        assert_eq!(directives[0]["Dimensions"], json!([[]]));
    }

    #[test]
    fn what_breaks_a_rule_is_found() {
        let good = at_noon(&[("FunctionName", "f")], &[Metric::ms("Time", 17)]);
        let directive = "/_aws/CloudWatchMetrics/0";
        for (place, value) in [
            ("/_aws/Timestamp".to_owned(), json!("now")),
            (format!("{directive}/Namespace"), json!("")),
            (format!("{directive}/Dimensions"), json!([])),
            (format!("{directive}/Dimensions/0"), json!(["Elsewhere"])),
            (format!("{directive}/Metrics/0/Unit"), json!("Euros")),
            (format!("{directive}/Metrics/0/Name"), json!("Elsewhere")),
            ("/Time".to_owned(), json!("17")),
            ("/Time".to_owned(), json!(1e300)),
            ("/FunctionName".to_owned(), json!("")),
            ("/FunctionName".to_owned(), json!(7)),
        ] {
            let mut bad = good.clone();
            *bad.pointer_mut(&place).unwrap() = value;
            assert!(rules::check(&bad).is_err(), "{place}");
        }
    }
}
