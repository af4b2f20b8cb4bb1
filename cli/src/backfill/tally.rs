//! What came of a run, in numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use describe_product::domain::{Progress, Usage};
use describe_product::entrypoints::{Outcome, REPLACED, UNFAITHFUL_TEXT, UNUSABLE_PHOTO};
use describe_product::problem::ProblemKind;
use serde::Serialize;

use super::work::{Done, GONE};
use crate::failure::{Exit, Failure};
use crate::next_step;
use crate::terminal::table;

/// The numbers of a run while it goes on.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    products: usize,
    described: usize,
    already: usize,
    gone: usize,
    replaced: usize,
    /// By the kind of the problem.
    failed: BTreeMap<&'static str, usize>,
    /// How often the endpoint and Bedrock were called.
    calls: u64,
    /// Of all texts that were written, and of answers that no text came of; nothing while there
    /// are none.
    usage: Option<Usage>,
    /// The latest failure in words.
    last_failure: Option<String>,
    /// Whether so much failed in a row that the run was ended.
    pub gave_up: bool,
}

impl Tally {
    /// Nothing is done yet of so many products.
    #[must_use]
    pub fn of(products: usize) -> Tally {
        Tally {
            products,
            ..Tally::default()
        }
    }

    /// Counts what came of a product. A failure is given back in words.
    pub fn add(&mut self, id: &str, done: &Done) -> Option<String> {
        self.add_calls(&done.progress);
        let (kind, detail) = match &done.outcome {
            Ok(Outcome::Written(_)) => {
                self.described += 1;
                return None;
            }
            Ok(Outcome::Skipped(UNUSABLE_PHOTO)) => {
                (ProblemKind::InvalidPhoto, UNUSABLE_PHOTO.to_owned())
            }
            Ok(Outcome::Skipped(UNFAITHFUL_TEXT)) => (
                ProblemKind::DescriptionUnfaithful,
                UNFAITHFUL_TEXT.to_owned(),
            ),
            Ok(Outcome::Skipped(GONE)) => {
                self.gone += 1;
                return None;
            }
            Ok(Outcome::Skipped(REPLACED)) => {
                self.replaced += 1;
                return None;
            }
            Ok(Outcome::Skipped(_)) => {
                self.already += 1;
                return None;
            }
            Ok(Outcome::Failed { problem, .. }) | Err(problem) => {
                (problem.kind, problem.detail.clone())
            }
        };
        *self.failed.entry(kind.slug()).or_default() += 1;
        let words = format!("{id} is not described: {detail}");
        self.last_failure = Some(words.clone());
        Some(words)
    }

    /// Counts what a try took whose outcome does not count.
    pub fn add_calls(&mut self, progress: &Progress) {
        self.calls += progress.attempts;
        if let Some(took) = progress.usage() {
            self.usage = Some(match self.usage {
                Some(usage) => usage + took,
                None => took,
            });
        }
    }

    /// How many products something came of.
    #[must_use]
    pub fn done(&self) -> usize {
        self.described + self.already + self.gone + self.replaced + self.failures()
    }

    /// How many failed.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// The numbers at the end, after `elapsed`, with photographs that were `left_out`.
    #[must_use]
    pub fn summary(&self, left_out: usize, elapsed: Duration) -> Summary {
        let minutes = elapsed.as_secs_f64() / 60.0;
        let rate = if minutes > 0.0 {
            // Far below the numbers that f64 has all of.
            self.described as f64 / minutes
        } else {
            0.0
        };
        let usage = self.usage.unwrap_or_default();
        Summary {
            products: self.products,
            described: self.described,
            already_described: self.already,
            gone: self.gone,
            replaced: self.replaced,
            failed: self.failed.clone(),
            not_reached: self.products.saturating_sub(self.done()),
            left_out,
            seconds: (elapsed.as_secs_f64() * 10.0).round() / 10.0,
            products_per_minute: (rate * 10.0).round() / 10.0,
            calls: self.calls,
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: usage.cost.map(|cost| cost.usd()),
            last_failure: self.last_failure.clone(),
        }
    }
}

/// The numbers of a run at its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// How many there are.
    pub products: usize,
    /// Described by this run.
    pub described: usize,
    /// Described before, from the same photograph with the same settings.
    pub already_described: usize,
    /// Listed by an inventory, and not there any more.
    pub gone: usize,
    /// Replaced by another photograph since they were listed, which is another work.
    pub replaced: usize,
    /// Not described, by the kind of the problem.
    pub failed: BTreeMap<&'static str, usize>,
    /// Not looked at, because the run ended before.
    pub not_reached: usize,
    /// Photographs of products that another photograph is of, and what can't be read.
    pub left_out: usize,
    /// How long it took.
    pub seconds: f64,
    /// Of those described by this run.
    pub products_per_minute: f64,
    /// How often the endpoint and Bedrock were called.
    pub calls: u64,
    /// What the writer read.
    pub input_tokens: u64,
    /// What it wrote.
    pub output_tokens: u64,
    /// What the texts cost; absent where a price is not known or nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The latest failure in words.
    #[serde(skip)]
    pub last_failure: Option<String>,
}

impl Summary {
    /// As a table for people.
    #[must_use]
    pub fn text(&self) -> String {
        let row = |what: &str, number: String| [what.to_owned(), number];
        let mut rows = vec![
            row("described", self.described.to_string()),
            row("described before", self.already_described.to_string()),
        ];
        for (kind, count) in &self.failed {
            rows.push(row(&format!("failed: {kind}"), count.to_string()));
        }
        for (what, count) in [
            ("gone since the inventory", self.gone),
            ("replaced meanwhile", self.replaced),
            ("not reached", self.not_reached),
            ("left out", self.left_out),
        ] {
            if count > 0 {
                rows.push(row(what, count.to_string()));
            }
        }
        rows.extend([
            row("seconds", format!("{:.1}", self.seconds)),
            row(
                "products a minute",
                format!("{:.1}", self.products_per_minute),
            ),
            row("calls of endpoint and Bedrock", self.calls.to_string()),
            row("tokens read", self.input_tokens.to_string()),
            row("tokens written", self.output_tokens.to_string()),
        ]);
        if let Some(usd) = self.cost_usd {
            rows.push(row("cost of the texts", format!("${usd:.4}")));
        }
        let head = format!("of {} products", self.products);
        table([head.as_str(), ""], &rows)
    }

    /// How many are not described though they were tried.
    #[must_use]
    pub fn failures(&self) -> usize {
        self.failed.values().sum()
    }

    /// Why the command does not end well; nothing where it does. `gave_up` is whether the
    /// run was ended because too much failed.
    #[must_use]
    pub fn failure(&self, gave_up: bool) -> Option<Failure> {
        let failed = self.failures();
        let last = self.last_failure.as_deref().unwrap_or_default();
        if gave_up {
            let (exit, step) = next_step::of_words(last).unwrap_or((
                Exit::Unavailable,
                "`lookbook doctor` looks for the reason; then run the same command again",
            ));
            let what = format!("ended: product after product failed, {failed} in all; {last}");
            return Some(Failure::new(exit, what).next(step));
        }
        if failed == 0 {
            return None;
        }
        let exit = if self.described + self.already_described > 0 {
            Exit::Partial
        } else {
            Exit::Failed
        };
        let all = self.products;
        Some(
            Failure::new(
                exit,
                format!("{failed} of {all} products are not described; the last: {last}"),
            )
            .next("failures/ says why; run the same command again when it is mended"),
        )
    }
}

#[cfg(test)]
mod tests {
    use describe_product::domain::{ObjectAddress, Price, Text, Unfaithful};
    use describe_product::problem::Problem;
    use serde_json::json;

    use super::*;

    fn address() -> ObjectAddress {
        "s3://results/descriptions/1.json".parse().unwrap()
    }

    /// A text of ten tokens read and five written, priced or not.
    fn written(price: Option<Price>) -> Progress {
        let usage = Usage {
            input_tokens: 10,
            output_tokens: 5,
            cost: None,
        };
        Progress {
            attempts: 2,
            text: Some(Text {
                model: "claude".into(),
                usage: usage.priced(price),
                unmentioned: 0,
                contradicted: 0,
                claims: 0,
                banned_words: 0,
                wrong_script: 0,
                wrong_form: 0,
                fate: Unfaithful::Return,
            }),
            ..Progress::default()
        }
    }

    fn done(outcome: Result<Outcome, Problem>, progress: Progress) -> Done {
        Done { outcome, progress }
    }

    fn tally() -> Tally {
        let price = Price::per_million_tokens(3.0, 15.0);
        let mut tally = Tally::of(10);
        for _ in 0..2 {
            let one = done(Ok(Outcome::Written(address())), written(price));
            assert_eq!(tally.add("a", &one), None);
        }
        let skipped = |why| done(Ok(Outcome::Skipped(why)), Progress::default());
        assert_eq!(tally.add("b", &skipped("described already")), None);
        assert!(
            tally
                .add("c", &skipped(UNUSABLE_PHOTO))
                .unwrap()
                .contains('c')
        );
        let problem = || Problem::new(ProblemKind::InvalidPhoto, "cut short");
        let failed = Outcome::Failed {
            record: address(),
            problem: problem(),
        };
        let words = tally.add("d", &done(Ok(failed), Progress::default()));
        assert_eq!(words.unwrap(), "d is not described: cut short");
        let gone = tally.add("f", &skipped(GONE));
        assert_eq!(gone, None);
        assert_eq!(tally.add("g", &skipped(REPLACED)), None);
        let late = Problem::new(ProblemKind::AttributesTimedOut, "late");
        tally.add("e", &done(Err(late), Progress::default()));
        tally
    }

    #[test]
    fn what_came_of_each_product_is_counted_once() {
        let summary = tally().summary(1, Duration::from_secs(30));
        assert_eq!(
            json!(summary),
            json!({
                "products": 10, "described": 2, "already_described": 1, "gone": 1, "replaced": 1,
                "failed": {"attributes-timed-out": 1, "invalid-photo": 2},
                "not_reached": 2, "left_out": 1, "seconds": 30.0, "products_per_minute": 4.0,
                "calls": 4, "input_tokens": 20, "output_tokens": 10,
                // Twice 10 tokens at 3 and 5 at 15 dollars a million.
                "cost_usd": 0.00021
            })
        );
        let text = summary.text();
        for line in [
            "described                      2",
            "failed: invalid-photo          2",
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
        assert!(text.contains("$0.0002"), "{text}");
    }

    #[test]
    fn what_a_record_has_a_text_with_faults_of_is_no_product_described_before() {
        let mut tally = Tally::of(1);
        let outcome = Ok(Outcome::Skipped(UNFAITHFUL_TEXT));
        let words = tally.add("a", &done(outcome, Progress::default()));
        assert!(words.unwrap().contains("faults"));
        let summary = tally.summary(0, Duration::ZERO);
        assert_eq!(summary.already_described, 0);
        assert_eq!(summary.failed["description-unfaithful"], 1);
    }

    #[test]
    fn a_text_without_a_price_leaves_no_cost() {
        let mut tally = tally();
        tally.add_calls(&written(None));
        let summary = tally.summary(0, Duration::ZERO);
        assert_eq!(summary.cost_usd, None);
        assert_eq!(summary.input_tokens, 30);
        assert_eq!(summary.products_per_minute, 0.0);
        assert_eq!(Tally::of(1).summary(0, Duration::ZERO).cost_usd, None);
    }

    #[test]
    fn the_end_says_whether_anything_is_left_to_do() {
        let failure = tally().summary(0, Duration::ZERO).failure(false).unwrap();
        assert_eq!(failure.exit, Exit::Partial);
        assert!(failure.what.starts_with("3 of 10"), "{failure}");
        assert!(
            failure.what.ends_with("e is not described: late"),
            "{failure}"
        );
        let failure = tally().summary(0, Duration::ZERO).failure(true).unwrap();
        assert_eq!(failure.exit, Exit::Unavailable);
        let mut refused = tally();
        let said = "the endpoint a refused the request: AccessDeniedException (request id r-1): no";
        let problem = Problem::new(ProblemKind::AttributesUnavailable, said);
        refused.add("g", &done(Err(problem), Progress::default()));
        let failure = refused.summary(0, Duration::ZERO).failure(true).unwrap();
        assert_eq!(failure.exit, Exit::Denied);
        assert!(failure.what.contains("r-1"), "{failure}");
        let clean = Tally::of(0).summary(0, Duration::ZERO);
        assert!(clean.failure(false).is_none());
    }
}
