//! The small language model that stands in for Claude on one machine.

use local_stack::{StackOptions, Writer};

use crate::common::*;

#[tokio::test]
async fn other_attributes_give_another_description_in_the_models_own_words() {
    let options = StackOptions {
        writer: Writer::LanguageModel,
        ..Default::default()
    };
    let mut stack = start(options).await;
    let mut descriptions = Vec::new();
    for id in ["drawn-01", "drawn-08"] {
        let answer = stack.invoke(&direct(id)).await.unwrap();
        assert!(!answer.failed, "{answer:?}");
        assert_described(&answer.payload, id);
        descriptions.push(answer.payload["description"].as_str().unwrap().to_owned());
    }
    assert_ne!(descriptions[0], descriptions[1]);
    for description in &descriptions {
        assert!(
            description.split_whitespace().count() >= 15,
            "{description}"
        );
        // It ends with a sentence.
        assert!(
            description.trim_end().ends_with(['.', '!', '?', '"']),
            "{description}"
        );
    }
    stack.stop().await.unwrap();
}
