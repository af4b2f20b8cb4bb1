//! SNS's deliveries: messages about photos that have arrived, or requests.
//! <https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html>

use serde::Deserialize;
use serde_json::Value;

use super::App;
use super::concurrently::each;
use super::message::{self, MessageId};
use super::report::{RecordsError, Report};
use crate::domain::Deadline;

/// The part of a record that the function reads.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SnsRecord {
    sns: SnsMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SnsMessage {
    /// The same for every delivery of one message.
    message_id: String,
    message: String,
    /// When it was published, as in `2019-01-02T12:45:07.000Z`.
    timestamp: Option<String>,
}

impl SnsRecord {
    /// The text that was published.
    #[cfg(test)]
    pub fn text(&self) -> &str {
        &self.sns.message
    }
}

/// Does what every message says, also after one has failed. The answer lists the
/// results that were written, and what was passed over.
pub async fn handle(
    app: &App,
    records: Vec<SnsRecord>,
    deadline: Deadline,
) -> Result<Value, RecordsError> {
    let reports = each(
        records,
        app.settings.product_concurrency,
        deadline,
        |record: SnsRecord, deadline| async move {
            let SnsMessage {
                message_id,
                message,
                timestamp,
            } = record.sns;
            let id = MessageId {
                channel: "sns",
                id: message_id,
                sent: timestamp,
                came_before: false,
            };
            message::handle(app, &id, &message, deadline).await
        },
    )
    .await;
    let mut all = Report::default();
    for report in reports {
        all.merge(report);
    }
    all.into_answer("sns")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambda_runtime::Diagnostic;
    use serde_json::json;

    use super::*;
    use crate::fakes::{Fakes, photo_bytes};

    fn record(id: &str, message: &str) -> SnsRecord {
        let record = json!({
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "Sns": {"Type": "Notification", "MessageId": id, "Message": message}
        });
        serde_json::from_value(record).unwrap()
    }

    #[tokio::test]
    async fn messages_are_worked_on_and_what_fails_is_named() {
        let fakes = Fakes::default();
        fakes
            .store
            .put("s3://catalogue/incoming/1.jpg", photo_bytes());
        let own = json!({"image": {"s3_uri": "s3://catalogue/incoming/1.jpg"}}).to_string();
        let deadline = || Deadline::after(Duration::from_secs(20));
        let app = fakes.app();
        let answer = handle(&app, vec![record("m1", &own)], deadline())
            .await
            .unwrap();
        assert_eq!(
            answer,
            json!({
                "written": ["s3://catalogue/descriptions/1.json"],
                "skipped": [],
                "failed": []
            })
        );

        let records = vec![record("m1", &own), record("m2", "Hello from SNS!")];
        let error = handle(&app, records, deadline()).await.unwrap_err();
        let diagnostic = Diagnostic::from(error);
        assert_eq!(diagnostic.error_type, "sns-records-failed");
        let message = diagnostic.error_message;
        assert!(
            message.contains("m2") && !message.contains("m1"),
            "{message}"
        );
    }
}
