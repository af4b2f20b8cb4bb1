//! What SageMaker does with a training job, which moto does not: the channels are copied to
//! a machine, the trainer runs there, its lines go to the log, and the model to S3.

use std::path::Path;
use std::process::Stdio;

use local_stack::{BUCKET, built_program};
use serde_json::{Value, json};
use tokio::process::Command;

use super::account::Account;
use super::proxy::Rule;

/// Where SageMaker writes what training jobs say.
pub const LOG_GROUP: &str = "/aws/sagemaker/TrainingJobs";

const DESCRIBE: &str = "DescribeTrainingJob";

/// Lets the jobs that are created from now on run until they are told otherwise: moto's are
/// complete when they are created.
pub fn takes_time(account: &Account) {
    let training = state(
        "InProgress",
        "Training",
        &[("Starting", "Launching the instance")],
    );
    account.proxy.rule(DESCRIBE, Rule::Overlays(vec![training]));
}

/// Carries out the job that was created with this name, on this machine.
pub async fn carry_out(account: &Account, name: &str) {
    let request = account.proxy.until("CreateTrainingJob", 1).await.body;
    assert_eq!(request["TrainingJobName"], name, "{request}");
    let root = account.path("opt-ml");
    for channel in request["InputDataConfig"].as_array().unwrap() {
        let folder = root
            .join("input/data")
            .join(channel["ChannelName"].as_str().unwrap());
        let source = &channel["DataSource"]["S3DataSource"];
        assert_eq!(source["S3DataType"], "S3Prefix", "{request}");
        account.fetch(prefix(&source["S3Uri"]), &folder).await;
    }
    let config = root.join("input/config");
    std::fs::create_dir_all(&config).unwrap();
    let hyperparameters = request["HyperParameters"].to_string();
    std::fs::write(config.join("hyperparameters.json"), hyperparameters).unwrap();
    let log = run_trainer(&root).await;
    for definition in request["AlgorithmSpecification"]["MetricDefinitions"]
        .as_array()
        .unwrap()
    {
        // The definitions are texts with a number behind them.
        let regex = definition["Regex"].as_str().unwrap();
        let text = regex.strip_suffix(r"([0-9\.]+)").unwrap();
        let is_read = log.iter().any(|line| line.starts_with(text));
        let is_of_validation = text.starts_with("validation");
        assert!(
            is_read || is_of_validation,
            "{regex} reads nothing of {log:#?}"
        );
    }
    account
        .log(LOG_GROUP, &format!("{name}/algo-1-1"), &log)
        .await;
    let output = &request["OutputDataConfig"];
    assert_eq!(output["CompressionType"], "NONE", "{request}");
    let model = format!("{}{name}/output/model", prefix(&output["S3OutputPath"]));
    account
        .store(&root.join("model"), &format!("{model}/"))
        .await;
    let mut completed = state(
        "Completed",
        "Completed",
        &[
            ("Starting", "Launching the instance"),
            ("Training", "Training image download completed"),
            ("Uploading", "Uploading the model"),
        ],
    );
    // Without a slash at its end, as SageMaker says it.
    completed["ModelArtifacts"] = json!({"S3ModelArtifacts": account.s3(&model)});
    completed["TrainingTimeInSeconds"] = json!(75);
    completed["BillableTimeInSeconds"] = json!(60);
    account
        .proxy
        .rule(DESCRIBE, Rule::Overlays(vec![completed]));
}

/// A job that has failed, for a reason.
pub fn fails(account: &Account, reason: &str) {
    let mut failed = state(
        "Failed",
        "Failed",
        &[("Starting", "Launching the instance")],
    );
    failed["FailureReason"] = json!(reason);
    account.proxy.rule(DESCRIBE, Rule::Overlays(vec![failed]));
}

/// What SageMaker says of a job.
fn state(status: &str, secondary: &str, transitions: &[(&str, &str)]) -> Value {
    let transitions: Vec<Value> = transitions
        .iter()
        .map(|(status, words)| {
            json!({"Status": status, "StatusMessage": words, "StartTime": 1_795_953_192})
        })
        .collect();
    json!({
        "TrainingJobStatus": status,
        "SecondaryStatus": secondary,
        "SecondaryStatusTransitions": transitions,
    })
}

/// Runs the container's program and gives what it says.
async fn run_trainer(root: &Path) -> Vec<String> {
    let ran = Command::new(built_program("trainer").unwrap())
        .args(["train", "--ml-root"])
        .arg(root)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let errors = said(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let all = errors + &said(&ran.stdout);
    all.lines().map(str::to_owned).collect()
}

/// The prefix of an address in the bucket.
fn prefix(uri: &Value) -> &str {
    let bucket = format!("s3://{BUCKET}/");
    uri.as_str().unwrap().strip_prefix(&bucket).unwrap()
}
