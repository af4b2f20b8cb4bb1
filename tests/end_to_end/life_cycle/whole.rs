//! From a catalogue to descriptions, and back to nothing.

use std::path::Path;
use std::time::Duration;

use local_stack::{ModelServer, Programs, model_server_program};
use serde_json::{Value, json};

use super::account::{Account, ENDPOINT};
use super::proxy::Rule;
use super::training_job::{carry_out, takes_time};
use super::{DESCRIBE, changing};

#[tokio::test]
async fn a_catalogue_becomes_an_endpoint_that_describes_and_nothing_is_left() {
    let mut account = Account::start().await;
    account.prepare_drawn(40).await;
    let model = Programs::find().unwrap().shipped_model();
    for (folder, key) in [
        (account.path("drawn/images"), "images/"),
        (account.path("questions"), "questions/"),
        (model, "models/base/"),
    ] {
        let words = [
            "upload".to_owned(),
            folder.display().to_string(),
            account.s3(key),
        ];
        account.run(&words).await.succeeded();
        let stored = account.bucket.keys(key).await.unwrap();
        assert!(!stored.is_empty(), "{key}");
    }

    // Trained while it is followed.
    takes_time(&account);
    let words = account.train(
        "shirts-1",
        &[
            "-H",
            "max-steps=2",
            "-H",
            "batch-size=4",
            "-H",
            "sample-answers=0",
            "--json",
        ],
    );
    let (followed, ()) = tokio::join!(account.run(&words), carry_out(&account, "shirts-1"));
    let result = followed.succeeded();
    let trained = account.s3("jobs/shirts-1/output/model/");
    assert_eq!(result["status"], "Completed", "{followed:#?}");
    assert_eq!(result["model"], trained.as_str(), "{followed:#?}");
    assert_eq!(result["metrics"]["steps"], 2, "{followed:#?}");
    for words in [
        "11:53:12 Starting: Launching the instance",
        "11:53:12 Uploading: Uploading the model",
        "\nLoss: ",
        "2 steps",
        "1 min 15 s of training, 1 min 0 s are paid",
    ] {
        assert!(
            followed.stderr.contains(words),
            "{words:?} in {followed:#?}"
        );
    }

    // Deployed, and served by the real server with what the model names.
    account.proxy.rule(
        DESCRIBE,
        // After the look whether there is one.
        Rule::Overlays(vec![changing("Creating"), changing("Creating"), json!({})]),
    );
    let words = account.deploy(&["--training-job", "shirts-1", "--json"]);
    let deployed = account.run(&words).await;
    let result = deployed.succeeded();
    assert_eq!(result["action"], "created", "{deployed:#?}");
    assert_eq!(result["status"], "InService", "{deployed:#?}");
    assert!(deployed.stderr.contains("Creating (0 s)"), "{deployed:#?}");
    let name = json!({"ModelName": result["model"]});
    let made = account.sagemaker("DescribeModel", name).await;
    let source = &made["PrimaryContainer"]["ModelDataSource"]["S3DataSource"];
    assert_eq!(source["S3Uri"], trained.as_str(), "{made}");
    assert_eq!(source["CompressionType"], "None", "{made}");
    let served = account.path("served");
    account.fetch("jobs/shirts-1/output/model/", &served).await;
    let mut server = serve(&account, &served).await;
    account.runtime = Some(server.url().to_owned());

    let photo = Programs::find()
        .unwrap()
        .repository
        .join("samples/drawn-05.jpg");
    let photo = photo.display().to_string();
    let asked = account
        .run(&["ask", &photo, "--all", "--endpoint", ENDPOINT, "--json"])
        .await;
    let answers = asked.succeeded().to_string();
    assert!(
        answers.contains("Fabric") || answers.contains("Colour"),
        "{asked:#?}"
    );
    let described = account
        .run(&["describe", &photo, "--direct", "--json"])
        .await;
    let description = member(&described.succeeded(), "description");
    let description = description.unwrap_or_else(|| panic!("{described:#?}"));
    assert!(
        description.as_str().is_some_and(|text| text.len() > 20),
        "{described:#?}"
    );
    let data = account.path("questions/vqa_test.csv").display().to_string();
    let evaluated = account
        .run(&[
            "evaluate",
            "--endpoint",
            ENDPOINT,
            "--data",
            &data,
            "--images",
            "@drawn/images",
            "--limit",
            "2",
            "--bootstrap",
            "0",
            "--out",
            "@evaluation",
            "--json",
        ])
        .await;
    let evaluation = evaluated.succeeded();
    assert_eq!(
        evaluation["systems"][0]["kind"], "endpoint",
        "{evaluated:#?}"
    );
    assert!(account.path("evaluation/evaluation.html").is_file());

    let shown = account.run(&["status", "--json"]).await;
    let status = shown.succeeded();
    assert_eq!(status["endpoint"]["status"], "InService", "{shown:#?}");
    assert_eq!(status["models"][0]["data"], trained.as_str(), "{shown:#?}");
    assert_eq!(status["models"][0]["in_use"], true, "{shown:#?}");

    let before = account.bucket.keys("").await.unwrap();
    let deleted = account.run(&account.delete()).await;
    deleted.succeeded();
    assert!(
        deleted.stderr.contains("InService"),
        "the plan is shown: {deleted:#?}"
    );
    assert!(
        deleted.stdout.contains(&trained),
        "what stays is said: {deleted:#?}"
    );
    assert_eq!(account.parts().await, [""; 0]);
    // Data is not a part of an endpoint.
    assert_eq!(account.bucket.keys("").await.unwrap(), before);
    account
        .run(&["status"])
        .await
        .failed(4, &["there is no endpoint", "lookbook deploy"]);
    let again = account.run(&account.delete()).await;
    again.succeeded();
    server.process_mut().check().unwrap();
    server.stop().await.unwrap();
}

async fn serve(account: &Account, model: &Path) -> ModelServer {
    let program = model_server_program().unwrap();
    let mut server = ModelServer::start(&program, model, &[], &account.path(""))
        .await
        .unwrap();
    server.until_ready(Duration::from_secs(120)).await.unwrap();
    server
}

/// The value of a name, however deep.
fn member(value: &Value, name: &str) -> Option<Value> {
    match value {
        Value::Object(members) => members
            .get(name)
            .cloned()
            .or_else(|| members.values().find_map(|one| member(one, name))),
        Value::Array(values) => values.iter().find_map(|one| member(one, name)),
        _ => None,
    }
}
