//! The life of a model on the command line, against moto_server: the trainer is a training
//! job's work, the model server the endpoint. Everything ends with a clear message and
//! leaves nothing that nobody asked for.

mod account;
mod deployments;
mod jobs;
mod moto;
mod proxy;
mod refusals;
mod training_job;
mod whole;

use serde_json::{Value, json};

/// The operation by which an endpoint is looked at.
const DESCRIBE: &str = "DescribeEndpoint";

/// A checkpoint that nobody loads.
const SOME_MODEL: &str = "s3://lookbook-catalogue/models/some/";

/// An endpoint in a state in which it takes no orders.
fn changing(status: &str) -> Value {
    json!({"EndpointStatus": status})
}
