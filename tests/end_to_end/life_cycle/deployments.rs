//! Deployments that are interrupted, fail or replace one another.

use std::time::Duration;

use serde_json::json;

use super::account::{Account, ENDPOINT};
use super::proxy::Rule;
use super::{DESCRIBE, SOME_MODEL, changing};

#[tokio::test]
async fn a_deployment_that_is_interrupted_goes_on_or_leaves_nothing() {
    let account = Account::start().await;
    let words = account.deploy(&["--model-data", SOME_MODEL]);

    // In the middle of what it makes.
    for held in ["CreateModel", "CreateEndpointConfig"] {
        account.proxy.rule(held, Rule::Hold);
        let before = account.proxy.calls(held).len();
        let process = account.start_command(&words, "deploy.log");
        account.proxy.until(held, before + 1).await;
        process.terminate().unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        account.proxy.no_rules();
        let ended = account.until_ended(process, "deploy.log").await;
        ended.failed(130, &["interrupted", "nothing is left"]);
        assert_eq!(account.parts().await, [""; 0], "{ended:#?}");
    }

    // While it waits: the same command waits for the same endpoint.
    account
        .proxy
        .rule(DESCRIBE, Rule::Overlays(vec![changing("Creating")]));
    let looks = account.proxy.calls(DESCRIBE).len();
    let process = account.start_command(&words, "deploy.log");
    account.proxy.until(DESCRIBE, looks + 3).await;
    let interrupted = account.interrupted(process, "deploy.log").await;
    let says = [
        "is still being created",
        "lookbook status",
        "lookbook delete",
    ];
    interrupted.failed(130, &says);
    assert_eq!(account.parts().await.len(), 3);
    let other = account.deploy(&["--model-data", "s3://lookbook-catalogue/models/other/"]);
    let other = account.run(&other).await;
    other.failed(5, &["is Creating with something else", "lookbook status"]);
    let made = account.proxy.calls("CreateModel").len();
    account.proxy.rule(
        DESCRIBE,
        Rule::Overlays(vec![changing("Creating"), json!({})]),
    );
    let again = account.run(&words).await;
    again.succeeded();
    assert!(again.stderr.contains("with the same already"), "{again:#?}");
    assert_eq!(account.proxy.calls("CreateModel").len(), made);
    assert_eq!(account.parts().await.len(), 3);

    // While it is deleted.
    account
        .proxy
        .rule("DeleteEndpoint", Rule::Answer(json!({})));
    account.proxy.rule(
        DESCRIBE,
        Rule::Overlays(vec![json!({}), json!({}), changing("Deleting")]),
    );
    let looks = account.proxy.calls(DESCRIBE).len();
    let process = account.start_command(&account.delete(), "delete.log");
    account.proxy.until(DESCRIBE, looks + 4).await;
    let interrupted = account.interrupted(process, "delete.log").await;
    interrupted.failed(130, &["interrupted", "run the same command again"]);
    account.proxy.no_rules();
    account.run(&account.delete()).await.succeeded();
    assert_eq!(account.parts().await, [""; 0]);
}

#[tokio::test]
async fn an_endpoint_that_does_not_come_up_leaves_its_reason_and_nothing_else() {
    let account = Account::start().await;
    let said = [
        "loading the checkpoint".to_owned(),
        "no config.json".to_owned(),
    ];
    let group = format!("/aws/sagemaker/Endpoints/{ENDPOINT}");
    account.log(&group, "AllTraffic/i-1", &said).await;
    let reason = "The primary container did not pass the ping health check.";
    let failed = json!({"EndpointStatus": "Failed", "FailureReason": reason});
    account
        .proxy
        .rule(DESCRIBE, Rule::Overlays(vec![changing("Creating"), failed]));
    let words = account.deploy(&["--model-data", SOME_MODEL]);
    let ended = account.run(&words).await;
    ended.failed(
        1,
        &[reason, "    no config.json", "removed: endpoint", &group],
    );
    assert_eq!(account.parts().await, [""; 0], "{ended:#?}");

    // Nobody waited for one: what it left is found, by the next deployment or by delete.
    account.proxy.no_rules();
    let words = account.deploy(&["--model-data", SOME_MODEL, "--no-wait"]);
    account.run(&words).await.succeeded();
    let failed = json!({"EndpointStatus": "Failed", "FailureReason": reason});
    account.proxy.rule(
        DESCRIBE,
        Rule::Overlays(vec![failed.clone(), failed, json!({})]),
    );
    let words = account.deploy(&["--model-data", SOME_MODEL, "--json"]);
    // Names have the second in them.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let again = account.run(&words).await;
    let result = again.succeeded();
    assert!(again.stderr.contains("failed before"), "{again:#?}");
    assert_eq!(result["removed"].as_array().unwrap().len(), 2, "{again:#?}");
    assert_eq!(account.parts().await.len(), 3, "{again:#?}");
    account.run(&account.delete()).await.succeeded();
    assert_eq!(account.parts().await, [""; 0]);
}

#[tokio::test]
async fn an_update_that_is_taken_back_leaves_what_served_and_one_that_is_not_replaces_it() {
    let account = Account::start().await;
    let words = account.deploy(&["--model-data", SOME_MODEL]);
    account.run(&words).await.succeeded();
    let before = account.parts().await;
    tokio::time::sleep(Duration::from_millis(1100)).await;

    // moto has no UpdateEndpoint: the proxy is the endpoint that changes.
    account.proxy.rule(
        "UpdateEndpoint",
        Rule::Answer(json!({"EndpointArn": "arn"})),
    );
    let back = json!({"EndpointStatus": "InService", "FailureReason": "alarm errors rang"});
    let looks = vec![
        json!({}),
        changing("Updating"),
        changing("RollingBack"),
        back,
    ];
    account.proxy.rule(DESCRIBE, Rule::Overlays(looks));
    let words = account.deploy(&[
        "--model-data",
        "s3://lookbook-catalogue/models/new/",
        "--canary",
        "50",
        "--rollback-alarm",
        "errors",
    ]);
    let ended = account.run(&words).await;
    ended.failed(1, &["alarm errors rang", "it serves what it served before"]);
    assert_eq!(account.parts().await, before, "{ended:#?}");
    let order = account.proxy.until("UpdateEndpoint", 1).await.body;
    let policy = &order["DeploymentConfig"]["BlueGreenUpdatePolicy"];
    assert_eq!(
        policy["TrafficRoutingConfiguration"]["Type"], "CANARY",
        "{order}"
    );

    // The next one works. What it is called is known when it is ordered.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let looks = vec![json!({}), changing("Updating")];
    account.proxy.rule(DESCRIBE, Rule::Overlays(looks));
    let words = account.deploy(&[
        "--model-data",
        "s3://lookbook-catalogue/models/new/",
        "--json",
    ]);
    let (updated, ()) = tokio::join!(account.run(&words), async {
        let order = account.proxy.until("UpdateEndpoint", 2).await.body;
        let config = order["EndpointConfigName"].clone();
        let serves = json!({"EndpointStatus": "InService", "EndpointConfigName": config});
        account
            .proxy
            .rule(DESCRIBE, Rule::Overlays(vec![changing("Updating"), serves]));
    });
    let result = updated.succeeded();
    assert_eq!(result["action"], "updated", "{updated:#?}");
    assert_eq!(
        result["removed"].as_array().unwrap().len(),
        2,
        "{updated:#?}"
    );
    let after = account.parts().await;
    assert_eq!(after.len(), 3, "{after:?}");
    assert!(
        !after
            .iter()
            .any(|part| before.contains(part) && !part.ends_with(ENDPOINT))
    );
    account.run(&account.delete()).await.succeeded();
    assert_eq!(account.parts().await, [""; 0]);
}

#[tokio::test]
async fn an_endpoint_of_a_stack_is_left_to_the_stack() {
    let account = Account::start().await;
    let words = account.deploy(&["--model-data", SOME_MODEL]);
    account.run(&words).await.succeeded();
    let before = account.parts().await;
    let tag = json!({"Key": "aws:cloudformation:stack-name", "Value": "Lookbook"});
    account
        .proxy
        .rule("ListTags", Rule::Answer(json!({"Tags": [tag]})));
    let is_of_stack = format!("endpoint {ENDPOINT} is a part of the stack Lookbook");
    let refused = account.run(&words).await;
    refused.failed(2, &[&is_of_stack, "next: `npx cdk deploy Lookbook`"]);
    let refused = account.run(&account.delete()).await;
    refused.failed(2, &[&is_of_stack, "cdk destroy Lookbook"]);
    assert_eq!(account.proxy.calls("CreateModel").len(), 1);
    assert_eq!(account.parts().await, before);

    // Who may not read tags is told so. Names have the second in them.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    account.proxy.rule("ListTags", Rule::Deny);
    account.proxy.rule(
        "UpdateEndpoint",
        Rule::Answer(json!({"EndpointArn": "arn"})),
    );
    let words = account.deploy(&["--model-data", SOME_MODEL, "--no-wait"]);
    let updated = account.run(&words).await;
    updated.succeeded();
    let says = "is a part of a stack is not known: ListTags";
    assert!(updated.stderr.contains(says), "{updated:#?}");
    assert_eq!(account.proxy.calls("UpdateEndpoint").len(), 1);
}
