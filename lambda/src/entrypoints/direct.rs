//! A direct invocation: the HTTP API's JSON without the HTTP.

use serde_json::Value;

use super::App;
use super::request_body::{RequestBody, product_id_of, unreadable};
use crate::domain::{Deadline, DescribeRequest, describe_product};
use crate::problem::Problem;
use crate::telemetry::{About, follow};

/// Describes the product of the event, and says in the log what came of it.
pub async fn handle(app: &App, body: Value, deadline: Deadline) -> Result<Value, Problem> {
    let product_id = product_id_of(&body).map(str::to_owned);
    let about = About {
        source: None,
        product_id: product_id.as_deref(),
    };
    follow(about, describe(app, body, deadline)).await
}

async fn describe(app: &App, body: Value, deadline: Deadline) -> Result<Value, Problem> {
    let body: RequestBody = serde_json::from_value(body).map_err(|error| unreadable(&error))?;
    let request = DescribeRequest::try_from(body)?;
    let product = describe_product(&app.services, request, deadline).await?;
    Ok(serde_json::json!(product))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use crate::fakes::{self, Fakes};
    use crate::problem::ProblemKind;

    fn soon() -> Deadline {
        Deadline::after(Duration::from_secs(20))
    }

    #[tokio::test]
    async fn a_photo_in_the_event_is_described() {
        let event = json!({
            "product_id": "1",
            "image": {"base64": fakes::photo_base64()},
            "attributes": ["Fabric", "Colour"]
        });
        let answer = handle(&Fakes::default().app(), event, soon())
            .await
            .unwrap();
        assert_eq!(answer["product_id"], "1");
        assert_eq!(
            answer["attributes"],
            json!({"Fabric": "Cotton", "Colour": "Blue"})
        );
    }

    #[tokio::test]
    async fn a_photo_in_s3_is_read_first() {
        let fakes = Fakes::default();
        fakes
            .store
            .put("s3://catalogue/a.jpg", fakes::photo_bytes());
        let event = json!({"image": {"s3_uri": "s3://catalogue/a.jpg"}});
        let answer = handle(&fakes.app(), event, soon()).await.unwrap();
        assert_eq!(answer["attributes"]["Fabric"], "Cotton");

        let event = json!({"image": {"s3_uri": "s3://catalogue/b.jpg"}});
        let problem = handle(&fakes.app(), event, soon()).await.unwrap_err();
        assert_eq!(problem.kind, ProblemKind::NoSuchObject);
        assert!(
            problem.detail.contains("s3://catalogue/b.jpg"),
            "{}",
            problem.detail
        );
    }

    #[tokio::test]
    async fn a_wrong_event_says_what_to_mend() {
        let event = json!({"image": {"base64": "?"}});
        let problem = handle(&Fakes::default().app(), event, soon())
            .await
            .unwrap_err();
        assert!(
            problem.detail.contains("image.base64"),
            "{}",
            problem.detail
        );
    }
}
