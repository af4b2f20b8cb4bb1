//! SQS's batches: messages about photos that have arrived, or requests. The
//! answer names the messages that failed, and only those are delivered again.
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::concurrently::each;
use super::message::{self, MessageId};
use crate::domain::Deadline;

/// The part of a record that the function reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsRecord {
    message_id: String,
    body: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default, rename = "eventSourceARN")]
    event_source_arn: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    message_group_id: Option<String>,
    /// In milliseconds since the epoch.
    sent_timestamp: Option<String>,
    /// How often the message was received so far, this time included.
    approximate_receive_count: Option<String>,
}

impl Attributes {
    fn came_before(&self) -> bool {
        let count = self.approximate_receive_count.as_deref();
        count.is_some_and(|count| count != "1")
    }
}

impl SqsRecord {
    /// The text that was sent.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.body
    }

    /// The group whose order has to be kept. Standard queues have groups as well,
    /// for fairness, without an order.
    fn ordered_group(&self) -> Option<&str> {
        self.attributes
            .message_group_id
            .as_deref()
            .filter(|_| self.event_source_arn.ends_with(".fifo"))
    }
}

/// Does what every message says, several at a time, and answers with those that
/// failed. The event source mapping must have `ReportBatchItemFailures`: without
/// it Lambda takes the answer for a success of all.
pub async fn handle(app: &App, records: Vec<SqsRecord>, deadline: Deadline) -> Value {
    let total = records.len();
    let failed: Vec<Vec<String>> = each(
        runs(records),
        app.settings.product_concurrency,
        deadline,
        |run, deadline| work_off(app, run, deadline),
    )
    .await;
    let failures: Vec<Value> = failed
        .into_iter()
        .flatten()
        .map(|id| json!({"itemIdentifier": id}))
        .collect();
    tracing::info!(messages = total, failed = failures.len(), "a batch is done");
    json!({"batchItemFailures": failures})
}

/// What may be worked on side by side: each message of a standard queue, each
/// group of a FIFO queue.
fn runs(records: Vec<SqsRecord>) -> Vec<Vec<SqsRecord>> {
    let mut runs: Vec<Vec<SqsRecord>> = Vec::new();
    let mut run_of_group: HashMap<String, usize> = HashMap::new();
    for record in records {
        let next = runs.len();
        let index = match record.ordered_group() {
            Some(group) => *run_of_group.entry(group.to_owned()).or_insert(next),
            None => next,
        };
        match runs.get_mut(index) {
            Some(run) => run.push(record),
            None => runs.push(vec![record]),
        }
    }
    runs
}

/// Works on one message after the other and returns the ids of those that have to
/// come again: one that failed and may succeed, and all behind it, which must not overtake it.
async fn work_off(app: &App, run: Vec<SqsRecord>, deadline: Deadline) -> Vec<String> {
    let total = run.len();
    let mut failed: Vec<String> = Vec::new();
    for (done, record) in run.into_iter().enumerate() {
        let SqsRecord {
            message_id,
            body,
            attributes,
            ..
        } = record;
        if !failed.is_empty() {
            tracing::warn!(message_id, "put off: one before it in its group failed");
            failed.push(message_id);
            continue;
        }
        let deadline = deadline.of_turn(total - done);
        let message = MessageId {
            channel: "sqs",
            id: message_id,
            came_before: attributes.came_before(),
            sent: attributes.sent_timestamp,
        };
        let report = message::handle(app, &message, &body, deadline).await;
        if report.has_failures() {
            failed.push(message.id);
        }
    }
    failed
}

#[cfg(test)]
mod tests;
