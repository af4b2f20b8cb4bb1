//! Step Functions' Distributed Map: objects of a listing or requests, alone or in
//! batches. One outcome each.
//! <https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html>

mod cheaply;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::concurrently::each;
use super::request_body::{invalid, product_id_of};
use super::stored::Outcome;
use super::upload::{self, Upload};
use super::{App, direct, json_error};
use crate::domain::{Deadline, end_of_second_ms, is_bucket_name, read_time_ms};
use crate::problem::Problem;
use crate::telemetry::refuse;

/// An item of `s3:listObjectsV2`, the part of it that the function reads. A
/// listing does not say whose it is: the bucket comes beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedObject {
    /// Not URL-encoded.
    key: String,
    /// As S3 gives it, in quotes.
    #[serde(alias = "ETag")]
    etag: Option<String>,
    #[serde(alias = "bucket")]
    bucket: Option<String>,
    /// In seconds since 1970, or as the text that S3's own answers and inventories have.
    #[serde(alias = "LastModifiedDate")]
    last_modified: Option<Value>,
    #[serde(default)]
    batch_input: BatchInput,
}

/// What `ItemBatcher` puts together.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MapBatch {
    items: Vec<Value>,
    #[serde(default)]
    batch_input: BatchInput,
}

/// What is the same for all items.
#[derive(Clone, Debug, Default, Deserialize)]
struct BatchInput {
    /// The bucket that is listed.
    #[serde(alias = "Bucket")]
    bucket: Option<String>,
    /// What stands before the products' names in the keys; `INCOMING_PREFIX`
    /// where it is not given.
    #[serde(alias = "Prefix")]
    prefix: Option<String>,
    /// What is to be done with the items, where they are not to be described: a step of
    /// the cheap way.
    step: Option<cheaply::Step>,
    /// Where the files of the cheap way are: a prefix that ends with "/".
    run: Option<String>,
    /// The model that wrote the texts of a batch inference, by its id.
    model: Option<String>,
}

/// Describes one object of a listing and stores the result, as for an event of
/// S3. What fails is the error of the task, so that its `Retry` and `Catch` apply,
/// and leaves a record as well.
pub async fn handle_item(
    app: &App,
    item: ListedObject,
    deadline: Deadline,
) -> Result<Value, Problem> {
    let mut members = Map::new();
    members.insert("key".to_owned(), json!(item.key));
    let common = item.batch_input.clone();
    match describe_listed(app, item, &common, deadline).await? {
        Outcome::Failed { problem, .. } => Err(problem),
        outcome => {
            members.extend(to_members(outcome));
            Ok(Value::Object(members))
        }
    }
}

/// Describes every item. The task succeeds; its result counts what became of the
/// items and has one outcome each, in order. Steps of the cheap way alone may fail.
pub async fn handle_batch(
    app: &App,
    batch: MapBatch,
    deadline: Deadline,
) -> Result<Value, Problem> {
    let MapBatch { items, batch_input } = batch;
    if let Some(step) = batch_input.step {
        // On the heap: what all the steps keep would lie in every other future, too.
        return Box::pin(cheaply::handle(app, step, items, &batch_input, deadline)).await;
    }
    let outcomes: Vec<Value> = each(
        items,
        app.settings.product_concurrency,
        deadline,
        |item, deadline| outcome_of(app, item, &batch_input, deadline),
    )
    .await;
    let count = |kind: &str| {
        let is_of_kind = |outcome: &&Value| outcome["outcome"] == kind;
        outcomes.iter().filter(is_of_kind).count()
    };
    Ok(json!({
        "described": count("described"),
        "written": count("written"),
        "skipped": count("skipped"),
        "failed": count("failed"),
        "outcomes": outcomes
    }))
}

/// `{"key" or "product_id", "outcome", …}`.
async fn outcome_of(app: &App, item: Value, common: &BatchInput, deadline: Deadline) -> Value {
    let mut members = Map::new();
    let outcome = if let Some(key) = item.get("Key") {
        let name = key.as_str().map(str::to_owned);
        members.insert("key".to_owned(), key.clone());
        match serde_json::from_value::<ListedObject>(item) {
            Ok(listed) => describe_listed(app, listed, common, deadline)
                .await
                .map(to_members),
            Err(error) => {
                let words = json_error::words(&error);
                let problem = invalid(format!("the item can't be read: {words}"));
                Err(refuse(name.as_deref(), problem))
            }
        }
    } else {
        if let Some(product_id) = product_id_of(&item) {
            members.insert("product_id".to_owned(), json!(product_id));
        }
        direct::handle(app, item, deadline)
            .await
            .map(|result| vec![member("outcome", "described"), member("result", result)])
    };
    members.extend(outcome.unwrap_or_else(|problem| {
        vec![
            member("outcome", "failed"),
            member("problem", problem.to_json()),
        ]
    }));
    Value::Object(members)
}

async fn describe_listed(
    app: &App,
    item: ListedObject,
    common: &BatchInput,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let at_ms = item.at_ms();
    let bucket = item
        .bucket
        .or_else(|| common.bucket.clone())
        .filter(|bucket| is_bucket_name(bucket))
        .ok_or_else(|| {
            let problem = invalid(
                "the bucket of a listed object has to come beside it: put BatchInput {\"bucket\": \
                 its name} into ItemBatcher, or \"bucket\" beside \"Key\" by ItemSelector",
            );
            refuse(Some(&item.key), problem)
        })?;
    let upload = to_upload(item.key, item.etag, at_ms, bucket);
    let prefix = common
        .prefix
        .as_ref()
        .unwrap_or(&app.settings.incoming_prefix);
    upload::handle(app, upload, prefix, deadline).await
}

/// What a listing says is there; `etag` as S3 gives it, in quotes, `at_ms` by
/// [`ListedObject::at_ms`].
fn to_upload(key: String, etag: Option<String>, at_ms: Option<u64>, bucket: String) -> Upload {
    Upload {
        is_there: true,
        bucket,
        key,
        etag: etag.map(|etag| etag.trim_matches('"').to_owned()),
        sequencer: None,
        at_ms,
    }
}

impl ListedObject {
    /// When it was last written, in ms since 1970: the end of that second. S3's listings know
    /// no more, though they write `.000Z`.
    fn at_ms(&self) -> Option<u64> {
        let second = match self.last_modified.as_ref()? {
            Value::Number(second) => second.as_u64()?,
            Value::String(text) => read_time_ms(text)? / 1_000,
            _ => return None,
        };
        end_of_second_ms(second)
    }
}

fn to_members(outcome: Outcome) -> Vec<(String, Value)> {
    match outcome {
        Outcome::Written(result) => vec![
            member("outcome", "written"),
            member("result", result.to_string()),
        ],
        Outcome::Skipped(reason) => vec![member("outcome", "skipped"), member("reason", reason)],
        Outcome::Failed { record, problem } => vec![
            member("outcome", "failed"),
            member("problem", problem.to_json()),
            member("record", record.to_string()),
        ],
    }
}

fn member(name: &str, value: impl Into<Value>) -> (String, Value) {
    (name.to_owned(), value.into())
}

#[cfg(test)]
mod tests;
