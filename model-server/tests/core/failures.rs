//! A failure is an error of those that it is of.

use std::sync::Arc;

use model_server::backend::BackendError;
use model_server::backend::fake::{Event, FakeBackend, Script, Seen};
use model_server::core::{Core, CoreError, Scheduling};

use crate::support::{
    answered, ask, ask_one, bare, echo_after, eventually, free, metric, photo, script, start,
    texts, waiting_for_ever,
};

/// Three requests in one batch, the second of which has a question that the
/// backend fails on.
async fn ask_with_a_trap(
    core: &Arc<Core>,
    backend: &FakeBackend,
) -> Vec<Result<Vec<String>, CoreError>> {
    let arrival = core.announce();
    let asked = [("A", "a"), ("B", "trap"), ("C", "c")]
        .map(|(one, other)| ask(core, photo(5), vec![free(one), free(other)]));
    eventually(|| backend.encoded().len() == 1 && metric(core, "image_cache_hits_total") == 2)
        .await;
    drop(arrival);
    let mut results = Vec::new();
    for asked in asked {
        let result = answered(asked).await;
        results.push(result.map(|answered| {
            let answers = answered.answers.into_iter();
            answers.map(|answer| answer.text).collect()
        }));
    }
    results
}

async fn assert_one_fails_alone(fail: fn() -> BackendError) {
    let backend = echo_after(move |event| match event {
        Event::Started(questions) if questions.iter().any(|(_, prompt)| bare(prompt) == "trap") => {
            Err(fail())
        }
        _ => Ok(()),
    });
    let core = start(&backend, waiting_for_ever());
    let results = ask_with_a_trap(&core, &backend).await;
    assert_eq!(results[0].as_ref().unwrap(), &["A: 5", "a: 5"]);
    assert_eq!(results[2].as_ref().unwrap(), &["C: 5", "c: 5"]);
    let error = results[1].as_ref().unwrap_err().to_string();
    assert!(error.contains("the tensors differ"), "{error}");
    // All together, then request by request.
    let sizes: Vec<usize> = backend.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [6, 2, 2, 2]);
    // The thread goes on.
    assert_eq!(texts(ask_one(&core, 6, "D")).await, ["D: 6"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_fails_does_not_spoil_those_in_its_batch() {
    assert_one_fails_alone(|| "the tensors differ".into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_an_error_of_one_request() {
    assert_one_fails_alone(|| panic!("the tensors differ")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_came_before_a_failure_are_kept() {
    // The second request's answer is longer; the batch fails when the first's
    // is there.
    let backend = echo_after(|event| match event {
        Event::Stepped(0) => Ok(()),
        Event::Stepped(_) => Err("lost the device".into()),
        _ => Ok(()),
    });
    let core = start(&backend, Scheduling::default());
    assert_eq!(texts(ask_one(&core, 5, "A")).await, ["A: 5"]);
    let error = answered(ask_one(&core, 5, "B")).await.unwrap_err();
    assert!(error.to_string().contains("lost the device"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_that_fail_together_are_encoded_one_by_one() {
    let bad = Seen {
        width: 3,
        height: 2,
    };
    let backend = FakeBackend::scripted(Script {
        images_per_batch: 4,
        ..script(move |event| match event {
            Event::Encoded(photos) if photos.contains(&bad) => Err("no such photo".into()),
            _ => Ok(()),
        })
    });
    let core = start(&backend, waiting_for_ever());
    let arrival = core.announce();
    let asked: Vec<_> = (1..=4).map(|width| ask_one(&core, width, "A")).collect();
    eventually(|| backend.encoded().len() == 5).await;
    drop(arrival);
    for (asked, width) in asked.into_iter().zip(1..) {
        match answered(asked).await {
            Ok(answered) => assert_eq!(answered.answers[0].text, format!("A: {width}")),
            Err(error) => assert!(width == 3 && error.to_string().contains("no such photo")),
        }
    }
    assert_eq!(backend.encoded(), [4, 1, 1, 1, 1]);
    assert_eq!(metric(&core, "image_cache_entries"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_the_encoder_or_in_preprocessing_is_an_error() {
    let backend = echo_after(|event| match event {
        Event::Encoded(photos) if photos[0].width == 1 => panic!("no memory"),
        Event::Preprocessed(photo) if photo.width == 2 => panic!("no filter"),
        _ => Ok(()),
    });
    let core = start(&backend, Scheduling::default());
    for (width, part) in [(1, "no memory"), (2, "no filter")] {
        let error = answered(ask_one(&core, width, "A")).await.unwrap_err();
        assert!(
            matches!(&error, CoreError::Panicked(reason) if reason.contains(part)),
            "{error}"
        );
    }
    assert_eq!(texts(ask_one(&core, 3, "A")).await, ["A: 3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_miscounts_is_not_believed() {
    for extra in [-1, 1] {
        let backend = FakeBackend::new(move |_, prompts| {
            let count = prompts.len().saturating_add_signed(extra);
            Ok(vec!["Fit: Slim".to_owned(); count])
        });
        let core = start(&backend, Scheduling::default());
        let error = answered(ask_one(&core, 5, "A")).await.unwrap_err();
        assert!(matches!(error, CoreError::AnswerCount { .. }), "{error}");
    }
}
