//! The function's settings.

use local_stack::StackOptions;

use crate::common::*;

#[tokio::test]
async fn a_wrong_setting_ends_the_process_with_the_variables_name() {
    for (name, value) in [
        ("ENDPOINT_CONCURRENCY", "many"),
        ("ATTRIBUTE_REQUESTS", "both"),
        ("TEMPERATURE", "hot"),
        ("ATTRIBUTE_SET", "/no/such/file.toml"),
        ("MAX_TOKENS", "0"),
        ("RESPONSE_MODE", "chunked"),
    ] {
        let mut stack = start_with(name, value).await;
        let error = stack
            .invoke(&event("direct-base64.json"))
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the function ended with") && error.contains(name),
            "{error}"
        );
        stack.stop().await.unwrap();
    }
}

#[tokio::test]
async fn another_attribute_set_asks_other_questions() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("set.toml");
    std::fs::write(
        &file,
        "[[attribute]]\nname = \"Colour\"\nwords = \"colour\"\n\n\
         [[attribute]]\nname = \"Pattern\"\nwords = \"pattern\"\n",
    )
    .unwrap();
    let options = StackOptions {
        function_env: vec![(
            "ATTRIBUTE_SET".to_owned(),
            file.to_str().unwrap().to_owned(),
        )],
        ..Default::default()
    };
    let mut stack = start(options).await;
    let answer = stack.invoke(&direct("drawn-01")).await.unwrap();
    assert!(!answer.failed, "{answer:?}");
    let names: Vec<&String> = answer.payload["attributes"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    assert_eq!(names, ["Colour", "Pattern"]);
    stack.stop().await.unwrap();
}
