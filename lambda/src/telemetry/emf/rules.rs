//! The published rules of the embedded metric format, for tests: its specification, the JSON
//! schema in it, and the limits of CloudWatch's API.

use serde_json::Value;

/// The units of `MetricDatum` in CloudWatch's API.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A line is an event of CloudWatch Logs. It once could have a quarter of a megabyte.
const MOST_BYTES: usize = 256 * 1024;

/// Checks a line; the error says which rule it breaks.
pub fn check(line: &Value) -> Result<(), String> {
    rule(
        line.to_string().len() <= MOST_BYTES,
        "a line has 256 KiB at most",
    )?;
    let metadata = &line["_aws"];
    rule(
        metadata["Timestamp"].is_u64(),
        "Timestamp is a number of ms since the epoch",
    )?;
    let directives = array(&metadata["CloudWatchMetrics"])?;
    rule(!directives.is_empty(), "there is a directive")?;
    for directive in directives {
        only(directive, &["Namespace", "Dimensions", "Metrics"])?;
        rule(
            has_length(&directive["Namespace"], 255),
            "a namespace has 1 to 255 characters",
        )?;
        check_dimensions(line, &directive["Dimensions"])?;
        check_metrics(line, &directive["Metrics"])?;
    }
    Ok(())
}

fn check_dimensions(line: &Value, sets: &Value) -> Result<(), String> {
    let sets = array(sets)?;
    rule(!sets.is_empty(), "there is a set of dimensions")?;
    for set in sets {
        let names = array(set)?;
        rule(names.len() <= 30, "a set has 30 dimensions at most")?;
        for name in names {
            rule(has_length(name, 250), "a dimension's name has a length")?;
            rule(
                has_length(member(line, name)?, 1024),
                "a dimension is a member of the root with a text of 1 to 1024 characters",
            )?;
        }
    }
    Ok(())
}

fn check_metrics(line: &Value, definitions: &Value) -> Result<(), String> {
    let definitions = array(definitions)?;
    rule(
        (1..=100).contains(&definitions.len()),
        "a directive has 1 to 100 metrics",
    )?;
    for definition in definitions {
        only(definition, &["Name", "Unit", "StorageResolution"])?;
        let name = &definition["Name"];
        rule(has_length(name, 255), "a metric's name has a length")?;
        let unit = definition["Unit"].as_str();
        rule(
            unit.is_some_and(|unit| UNITS.contains(&unit)),
            "a unit is one of CloudWatch's",
        )?;
        let value = member(line, name)?;
        let values = value.as_array();
        rule(
            is_value(value)
                || values.is_some_and(|values| values.len() <= 100 && values.iter().all(is_value)),
            "a metric is a member of the root with a number, or with 100 at most",
        )?;
    }
    Ok(())
}

/// Values lie between -2^360 and 2^360, says the page of the units.
fn is_value(value: &Value) -> bool {
    let number = value.as_f64();
    number.is_some_and(|number| number.abs() <= 2_f64.powi(360))
}

fn member<'a>(line: &'a Value, name: &Value) -> Result<&'a Value, String> {
    name.as_str()
        .and_then(|name| line.get(name))
        .ok_or_else(|| format!("{name} is a member of the root"))
}

fn array(value: &Value) -> Result<&Vec<Value>, String> {
    value
        .as_array()
        .ok_or_else(|| format!("{value} is an array"))
}

fn has_length(value: &Value, most: usize) -> bool {
    let text = value.as_str().unwrap_or_default();
    (1..=most).contains(&text.chars().count()) && !text.trim().is_empty()
}

/// Objects of the specification have no members of others.
fn only(object: &Value, known: &[&str]) -> Result<(), String> {
    let members = object.as_object().ok_or("an object is one")?;
    rule(
        members.keys().all(|name| known.contains(&name.as_str())),
        "there are no further members",
    )
}

fn rule(is_kept: bool, rule: &str) -> Result<(), String> {
    is_kept.then_some(()).ok_or_else(|| rule.to_owned())
}
