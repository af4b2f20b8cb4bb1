//! Which metrics there are.

use std::time::Duration;

use super::emf::Metric;
use crate::domain::{Answers, Progress, Text, Usage, in_ms};

/// The metrics of a process's first event.
pub fn of_cold_start(took: Duration) -> Vec<Metric> {
    vec![
        Metric::count("ColdStarts", 1_u64),
        Metric::ms("ColdStartTime", in_ms(took)),
    ]
}

/// The metrics of one product, on which `total_ms` was worked. `outcome` is the metric that
/// counts products with its outcome. What was not reached has no value; what did not happen
/// where it could have is zero, so that an average is a share.
pub fn of_product(outcome: &'static str, total_ms: u64, progress: &Progress) -> Vec<Metric> {
    let mut metrics = vec![
        Metric::count(outcome, 1_u64),
        Metric::ms("ProductTime", total_ms),
    ];
    let stages = [
        ("PhotoTime", progress.photo_ms),
        ("AttributesTime", progress.attributes_ms),
        ("DescriptionTime", progress.description_ms),
    ];
    let reached = stages
        .into_iter()
        .filter_map(|(name, ms)| Some((name, ms?)));
    metrics.extend(reached.map(|(name, ms)| Metric::ms(name, ms)));
    if progress.attempts > 0 {
        metrics.extend([
            Metric::count("Retries", progress.retries),
            Metric::count("Throttles", progress.throttled),
        ]);
    }
    metrics.extend(progress.answers.iter().flat_map(of_answers));
    metrics.extend(progress.text.iter().flat_map(of_text));
    metrics.extend(progress.usage().into_iter().flat_map(of_usage));
    metrics
}

/// An abstention is a question that the model did not answer to the point.
fn of_answers(answers: &Answers) -> [Metric; 3] {
    [
        Metric::count("Answers", answers.answered),
        Metric::count("Abstentions", answers.missing),
        Metric::count("UncertainAnswers", answers.hedged + answers.left_out),
    ]
}

fn of_text(text: &Text) -> [Metric; 6] {
    [
        Metric::count("Unmentioned", text.unmentioned),
        Metric::count("Contradicted", text.contradicted),
        Metric::count("UnsupportedClaims", text.claims),
        Metric::count("BannedWords", text.banned_words),
        Metric::count("WrongScript", text.wrong_script),
        Metric::count("WrongForm", text.wrong_form),
    ]
}

/// What a text took, or answers that no text came of: the one place where tokens, and what they
/// cost, become metrics. Where a price is not known there is no cost, so that a sum is never too
/// low without a sign: fewer texts have one.
fn of_usage(usage: Usage) -> impl Iterator<Item = Metric> {
    let tokens = [
        Metric::count("InputTokens", usage.input_tokens),
        Metric::count("OutputTokens", usage.output_tokens),
    ];
    let cost = usage
        .cost
        .and_then(|cost| Metric::usd("CostUSD", cost.usd()));
    tokens.into_iter().chain(cost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Price, Spent, Unfaithful};

    fn names(metrics: &[Metric]) -> Vec<&str> {
        metrics.iter().map(|metric| metric.name).collect()
    }

    #[test]
    fn what_was_not_reached_has_no_value() {
        let progress = Progress {
            photo_ms: Some(3),
            ..Progress::default()
        };
        let metrics = of_product("ProductsFailed", 4, &progress);
        assert_eq!(
            names(&metrics),
            ["ProductsFailed", "ProductTime", "PhotoTime"]
        );
    }

    #[test]
    fn what_was_paid_for_without_a_text_counts_as_well() {
        let usage = Usage {
            input_tokens: 200,
            output_tokens: 100,
            cost: None,
        };
        let progress = Progress {
            spent: Some(Spent {
                model: "claude".into(),
                usage: usage.priced(Price::per_million_tokens(3.0, 15.0)),
            }),
            ..Progress::default()
        };
        let metrics = of_product("ProductsFailed", 4, &progress);
        let value = |name: &str| {
            let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
            metric.value.as_f64().unwrap()
        };
        assert_eq!(value("InputTokens"), 200.0);
        assert_eq!(value("OutputTokens"), 100.0);
        assert_eq!(value("CostUSD"), 0.0021);
        assert!(!names(&metrics).contains(&"Contradicted"));
    }

    #[test]
    fn a_text_has_its_cost_where_the_price_is_known() {
        let usage = Usage {
            input_tokens: 180,
            output_tokens: 96,
            cost: None,
        };
        let cost = |price| {
            of_usage(usage.priced(price))
                .find(|metric| metric.name == "CostUSD")
                .map(|metric| metric.value.as_f64().unwrap())
        };
        assert_eq!(cost(Price::per_million_tokens(3.0, 15.0)), Some(0.00198));
        assert_eq!(cost(Price::per_million_tokens(0.0, 0.0)), Some(0.0));
        assert_eq!(cost(None), None);
    }

    #[test]
    fn what_did_not_happen_is_zero_and_no_name_is_there_twice() {
        let progress = Progress {
            photo_ms: Some(3),
            attributes_ms: Some(20),
            description_ms: Some(900),
            answers: Some(Answers {
                answered: 6,
                missing: 2,
                hedged: 1,
                left_out: 0,
            }),
            text: Some(Text {
                model: "claude".into(),
                usage: Usage {
                    input_tokens: 700,
                    output_tokens: 120,
                    cost: None,
                },
                unmentioned: 0,
                contradicted: 1,
                claims: 0,
                banned_words: 0,
                wrong_script: 0,
                wrong_form: 2,
                fate: Unfaithful::Return,
            }),
            attempts: 3,
            retries: 1,
            throttled: 0,
            ..Progress::default()
        };
        let metrics = of_product("ProductsDescribed", 950, &progress);
        let value = |name: &str| {
            let metric = metrics.iter().find(|metric| metric.name == name).unwrap();
            metric.value.as_u64().unwrap()
        };
        for (name, expected) in [
            ("Abstentions", 2),
            ("UncertainAnswers", 1),
            ("Contradicted", 1),
            ("Unmentioned", 0),
            ("BannedWords", 0),
            ("WrongScript", 0),
            ("WrongForm", 2),
            ("InputTokens", 700),
            ("Retries", 1),
            ("Throttles", 0),
            ("DescriptionTime", 900),
        ] {
            assert_eq!(value(name), expected, "{name}");
        }
        let mut sorted = names(&metrics);
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), metrics.len());
    }
}
