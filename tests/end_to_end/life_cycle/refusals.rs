//! What IAM refuses.

use super::SOME_MODEL;
use super::account::{Account, ENDPOINT};
use super::proxy::{REQUEST_ID, Rule};

#[tokio::test]
async fn what_aws_refuses_is_named_and_leaves_nothing() {
    let mut account = Account::start().await;
    account.proxy.rule("CreateTrainingJob", Rule::Deny);
    let refused = account.run(&account.train("a", &[])).await;
    refused.failed(
        3,
        &[
            "CreateTrainingJob a: AccessDeniedException",
            REQUEST_ID,
            "next: ",
        ],
    );
    // A log that may not be read keeps nobody from following.
    account.proxy.no_rules();
    account.proxy.rule("DescribeLogStreams", Rule::Deny);
    let followed = account.run(&account.train("b", &[])).await;
    followed.succeeded();
    assert!(
        followed.stderr.contains("its log can't be read"),
        "{followed:#?}"
    );
    for denied in ["CreateModel", "CreateEndpointConfig", "CreateEndpoint"] {
        account.proxy.no_rules();
        account.proxy.rule(denied, Rule::Deny);
        let words = account.deploy(&["--model-data", SOME_MODEL]);
        let refused = account.run(&words).await;
        let says = format!("{denied} {ENDPOINT}");
        refused.failed(3, &[&says, "AccessDeniedException", REQUEST_ID]);
        assert_eq!(account.parts().await, [""; 0], "{refused:#?}");
    }

    // What may not be taken back is told, and removed when it may.
    account.proxy.no_rules();
    account.proxy.rule("CreateEndpoint", Rule::Deny);
    account.proxy.rule("DeleteModel", Rule::Deny);
    let words = account.deploy(&["--model-data", SOME_MODEL]);
    let refused = account.run(&words).await;
    refused.failed(
        3,
        &["could not be removed: model", "lookbook delete --endpoint"],
    );
    assert_eq!(account.parts().await.len(), 1);
    let partly = account.run(&account.delete()).await;
    partly.failed(3, &["left behind", "DeleteModel", "1 of 1 parts are left"]);
    // Without tags the name tells whose it is.
    account.proxy.no_rules();
    account.proxy.rule("ListTags", Rule::Deny);
    let deleted = account.run(&account.delete()).await;
    deleted.succeeded();
    assert!(deleted.stderr.contains("by its name"), "{deleted:#?}");
    assert_eq!(account.parts().await, [""; 0]);

    account.proxy.no_rules();
    account.proxy.rule("DescribeEndpoint", Rule::Deny);
    let refused = account.run(&["status"]).await;
    refused.failed(3, &["DescribeEndpoint", "AccessDeniedException"]);

    account.watches_s3 = true;
    account.proxy.rule("S3 PUT", Rule::Deny);
    std::fs::create_dir(account.path("photos")).unwrap();
    std::fs::write(account.path("photos/1.jpg"), b"no photo, but a file").unwrap();
    let words = [
        "upload".to_owned(),
        "@photos".to_owned(),
        account.s3("photos/"),
    ];
    let refused = account.run(&words).await;
    assert_ne!(refused.code, Some(0), "{refused:#?}");
    // The list of files that failed is the result.
    assert!(refused.stdout.contains("AccessDenied"), "{refused:#?}");
    assert_eq!(account.bucket.keys("photos/").await.unwrap(), [""; 0]);
}
