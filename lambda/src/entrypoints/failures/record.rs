//! What is written down about a failure.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::timestamp;
use crate::entrypoints::delivery::Delivery;
use crate::problem::{Problem, ProblemKind};

/// The most tries that a record lists; it counts all.
const MOST_TRIES: usize = 20;

/// The JSON of a record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FailureRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    product_id: Option<String>,
    /// The last part of the problem's type.
    kind: String,
    status: u16,
    /// Whether it is tried again when it is delivered again.
    retriable: bool,
    /// As RFC 9457 has it.
    problem: Value,
    /// What was delivered: origin, ETag or message id, sequencer or time, and the
    /// digest of the settings.
    source: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    request: Value,
    /// How often it was tried.
    attempts: u64,
    first_attempt: String,
    last_attempt: String,
    /// The latest tries, oldest first.
    tries: Vec<Try>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Try {
    at: String,
    kind: String,
}

impl FailureRecord {
    /// The record after one more try of what failed `before`, or after the first.
    pub fn after(
        before: Option<&FailureRecord>,
        delivery: &Delivery<'_>,
        problem: &Problem,
        now: SystemTime,
    ) -> FailureRecord {
        let now = timestamp(now);
        let kind = problem.kind.slug().to_owned();
        let mut tries = before
            .map(|record| record.tries.clone())
            .unwrap_or_default();
        tries.push(Try {
            at: now.clone(),
            kind: kind.clone(),
        });
        let surplus = tries.len().saturating_sub(MOST_TRIES);
        tries.drain(..surplus);
        FailureRecord {
            product_id: delivery.product_id.map(str::to_owned),
            kind,
            status: problem.kind.status(),
            retriable: problem.kind.is_retriable(),
            problem: problem.to_json(),
            source: delivery.source.to_json(),
            request: delivery.request.clone(),
            attempts: before.map_or(0, |record| record.attempts).saturating_add(1),
            first_attempt: before
                .map_or_else(|| now.clone(), |record| record.first_attempt.clone()),
            last_attempt: now,
            tries,
        }
    }

    /// Whether the last try failed so.
    pub fn is_of(&self, kind: ProblemKind) -> bool {
        self.kind == kind.slug()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::*;
    use crate::domain::SourceMark;

    #[test]
    fn tries_are_counted_and_the_latest_listed() {
        let source = SourceMark::of_message("sqs", "m1", None);
        let delivery = Delivery {
            product_id: Some("7"),
            name: "7",
            bucket: "results",
            source: &source,
            request: Value::Null,
        };
        let problem = Problem::new(ProblemKind::AttributesTimedOut, "late");
        let mut record = None;
        for second in 0..25 {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            record = Some(FailureRecord::after(
                record.as_ref(),
                &delivery,
                &problem,
                now,
            ));
        }
        let record = json!(record.unwrap());
        assert_eq!(record["attempts"], 25);
        assert_eq!(record["first_attempt"], "1970-01-01T00:00:00.000Z");
        assert_eq!(record["last_attempt"], "1970-01-01T00:00:24.000Z");
        let tries = record["tries"].as_array().unwrap();
        assert_eq!(tries.len(), MOST_TRIES);
        assert_eq!(tries[0]["at"], "1970-01-01T00:00:05.000Z");
        assert_eq!(tries[0]["kind"], "attributes-timed-out");
        assert!(record.get("request").is_none(), "{record}");
    }
}
