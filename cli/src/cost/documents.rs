//! What `docs/deploy.md` says that a month costs, against the prices that are built in.

use super::prices::AwsPrices;

/// The page that says what a month costs.
const DEPLOYING: &str = include_str!("../../../docs/deploy.md");

/// A row of the table of what a month costs, without the commas in large numbers.
fn row_of(part: &str) -> String {
    let (_, costs) = DEPLOYING.split_once("## What it costs").unwrap();
    let start = format!("| {part} |");
    let row = costs.lines().find(|line| line.starts_with(&start));
    row.unwrap_or_else(|| panic!("docs/deploy.md lacks the row {part}"))
        .replace(',', "")
}

/// Whether a text has this amount, and not as the beginning of a longer number.
fn has_amount(text: &str, amount: &str) -> bool {
    let mut after = text.split(amount).skip(1);
    after.any(|after| !after.starts_with(|sign: char| sign.is_ascii_digit()))
}

/// As the documents write prices: with two decimals, or all where there are more.
fn as_price(usd: f64) -> String {
    let all = usd.to_string();
    let decimals = all.split_once('.').map_or(0, |(_, after)| after.len());
    if decimals > 2 {
        return format!("${all}");
    }
    format!("${usd:.2}")
}

#[test]
fn the_documents_have_these_prices_where_they_count() {
    let aws = AwsPrices::read(None).unwrap();
    let beside = &aws.usd_beside_the_bill;
    let rows: [(&str, &[&str]); 8] = [
        ("training, at rest", &["ecr_gb_month"]),
        ("images of the stack", &["ecr_gb_month"]),
        ("backfill, a run", &["step_functions_thousand_transitions"]),
        (
            "queues, events",
            &["sqs_million_requests", "eventbridge_million_events"],
        ),
        (
            "alarms, metrics, dashboard",
            &[
                "cloudwatch_alarm_month",
                "cloudwatch_metric_month",
                "cloudwatch_dashboard_month",
            ],
        ),
        (
            "logs",
            &["cloudwatch_logs_gb_written", "cloudwatch_logs_gb_month"],
        ),
        ("traces", &["xray_million_traces"]),
        (
            "keys, with `catalogue.encryption` `kms`",
            &["kms_key_month", "kms_ten_thousand_requests"],
        ),
    ];
    for (part, names) in rows {
        let row = row_of(part);
        for name in names {
            let price = as_price(beside[*name]);
            assert!(has_amount(&row, &price), "{name}, {price}: {row}");
        }
    }
    for name in beside.keys() {
        let counts = |(_, names): &(&str, &[&str])| names.contains(&name.as_str());
        assert!(rows.iter().any(counts), "{name} is in no row");
    }
    assert!(!has_amount("$0.105", "$0.10"));
}

#[test]
fn the_sums_of_the_documents_are_those_of_these_prices() {
    let aws = AwsPrices::read(None).unwrap();
    let beside = |name: &str| aws.usd_beside_the_bill[name];
    let gpu = aws.instance("ml.g5.2xlarge").unwrap();
    let prepare = aws.instance("ml.m5.2xlarge").unwrap();
    let small = aws.instance("ml.c5.xlarge").unwrap();
    let gb_second = aws.gb_second("x86_64").unwrap();
    let call = aws.lambda.usd_per_million_requests / 1e6;
    let s3 = &aws.s3;
    let stored = 4.9 * s3.usd_per_gb_month
        + 20.0 * s3.usd_per_thousand_writes
        + 40.0 * s3.usd_per_thousand_reads;
    let [alarms, metrics] = [
        10.0 * beside("cloudwatch_alarm_month"),
        25.0 * beside("cloudwatch_metric_month"),
    ];
    let ecr = beside("ecr_gb_month");
    let sqs = beside("sqs_million_requests") / 1e6;
    let logs = beside("cloudwatch_logs_gb_written") + beside("cloudwatch_logs_gb_month");
    for (part, usd) in [
        ("endpoint", 730.0 * gpu),
        ("endpoint", 730.0 * small),
        (
            "endpoint, scaled to zero",
            (180.0 + 22.0 * 23.0 / 60.0) * gpu,
        ),
        ("function", 10_000.0 * (8.0 * gb_second + call)),
        ("HTTP API", aws.http_api_usd_per_million_requests / 100.0),
        ("catalogue bucket", stored),
        ("catalogue bucket", 10.0 * s3.usd_per_thousand_writes),
        ("training, a run", 5.0 * gpu + prepare + 0.5 * gpu),
        (
            "training, at rest",
            10.0 * ecr + 100.0 * s3.usd_per_gb_month,
        ),
        ("images of the stack", 6.0 * ecr),
        (
            "backfill, a run",
            6.25 * beside("step_functions_thousand_transitions"),
        ),
        ("queues, events", (10_000.0 * 3.0 + 650_000.0) * sqs),
        (
            "queues, events",
            beside("eventbridge_million_events") / 100.0,
        ),
        ("alarms, metrics, dashboard", alarms),
        ("alarms, metrics, dashboard", metrics),
        (
            "alarms, metrics, dashboard",
            alarms + metrics + beside("cloudwatch_dashboard_month"),
        ),
        ("logs", 2.0 * logs),
        ("traces", beside("xray_million_traces") / 100.0),
        (
            "keys, with `catalogue.encryption` `kms`",
            beside("kms_key_month"),
        ),
    ] {
        let (row, sum) = (row_of(part), format!("${usd:.2}"));
        assert!(has_amount(&row, &sum), "{sum}: {row}");
    }
}
