//! Questions and photographs of several requests are computed together.

use std::sync::Arc;
use std::time::Duration;

use model_server::backend::fake::{Event, FakeBackend, Script};
use model_server::core::Scheduling;

use crate::support::{
    Gate, answered, ask, ask_one, bare, echo, echo_after, eventually, free, free_up_to, metric,
    photo, script, start, texts, waiting_for_ever,
};

/// The questions of each batch, in the order of the alphabet.
fn batches(backend: &FakeBackend) -> Vec<String> {
    let sorted = |batch: Vec<String>| {
        let mut names: Vec<&str> = batch.iter().map(|prompt| bare(prompt)).collect();
        names.sort_unstable();
        names.concat()
    };
    backend.batches().into_iter().map(sorted).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_alone_waits_for_nobody() {
    let backend = echo();
    let core = start(&backend, waiting_for_ever());
    for prompt in ["A", "B"] {
        assert_eq!(texts(ask_one(&core, 5, prompt)).await.len(), 1);
    }
    assert_eq!(batches(&backend), ["A", "B"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_about_different_photos_share_a_batch_when_company_is_coming() {
    let backend = echo();
    let core = start(&backend, waiting_for_ever());
    let arrival = core.announce();
    let asked = [(5, "A"), (6, "B"), (5, "C")].map(|(width, prompt)| ask_one(&core, width, prompt));
    eventually(|| backend.encoded().len() == 2 && metric(&core, "image_cache_hits_total") == 1)
        .await;
    drop(arrival);
    for (asked, text) in asked.into_iter().zip(["A: 5", "B: 6", "C: 5"]) {
        assert_eq!(texts(asked).await, [text]);
    }
    assert_eq!(batches(&backend), ["ABC"]);
    assert_eq!(metric(&core, "batch_questions_count"), 1);
    assert_eq!(metric(&core, "batch_photos_count"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_is_held_back_for_no_longer_than_the_longest_wait() {
    let backend = echo();
    let scheduling = Scheduling {
        max_wait: Duration::from_millis(30),
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    // Company that never comes.
    let _arrival = core.announce();
    assert_eq!(texts(ask_one(&core, 5, "A")).await, ["A: 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_batch_is_not_held_back() {
    let backend = echo();
    // "Question: A Answer: " is 21 tokens of the fake, the image one more; an
    // answer may have 8. Two of them are 60.
    let scheduling = Scheduling {
        max_batch_tokens: 60,
        ..waiting_for_ever()
    };
    let core = start(&backend, scheduling);
    let arrival = core.announce();
    let asked = ["A", "B", "C"].map(|prompt| ask(&core, photo(5), vec![free_up_to(8, prompt)]));
    eventually(|| backend.batches().len() == 1).await;
    assert_eq!(backend.batches()[0].len(), 2);
    drop(arrival);
    for asked in asked {
        answered(asked).await.unwrap();
    }
    assert_eq!(backend.batches()[1].len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_while_the_model_is_busy_is_answered_together() {
    let gate = Gate::closed();
    let backend = {
        let gate = Arc::clone(&gate);
        echo_after(move |event| {
            if matches!(event, Event::Started(_)) {
                gate.pass();
            }
            Ok(())
        })
    };
    let core = start(&backend, Scheduling::default());
    let first = ask_one(&core, 5, "A");
    eventually(|| backend.batches().len() == 1).await;
    let others: Vec<_> = ["B", "C", "D", "E"]
        .iter()
        .map(|prompt| ask_one(&core, 5, prompt))
        .collect();
    eventually(|| metric(&core, "image_cache_hits_total") == 4).await;
    gate.open();
    answered(first).await.unwrap();
    for asked in others {
        answered(asked).await.unwrap();
    }
    assert_eq!(batches(&backend), ["A", "BCDE"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_may_be_answered_in_several_batches() {
    let backend = echo();
    let scheduling = Scheduling {
        max_batch_tokens: 1_000,
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    let prompts: Vec<String> = (0..64).map(|number| format!("Q{number:02}")).collect();
    let questions = prompts.iter().map(|prompt| free_up_to(8, prompt)).collect();
    let expected: Vec<String> = prompts
        .iter()
        .map(|prompt| format!("{prompt}: 7"))
        .collect();
    assert_eq!(texts(ask(&core, photo(7), questions)).await, expected);
    let sizes: Vec<usize> = backend.batches().iter().map(Vec::len).collect();
    // 32 tokens each.
    assert_eq!(sizes, [31, 31, 2]);
    assert_eq!(metric(&core, "questions_waiting"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn prompts_of_another_length_are_batched_apart() {
    let backend = echo();
    let core = start(&backend, waiting_for_ever());
    let long = "x".repeat(400);
    let questions = ["A", &long, "B", &long].map(free).to_vec();
    let answers = texts(ask(&core, photo(7), questions)).await;
    assert_eq!(answers[1], format!("{long}: 7"));
    let sizes: Vec<usize> = backend.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [2, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn photos_are_encoded_together_where_the_backend_wants_it() {
    let backend = FakeBackend::scripted(Script {
        images_per_batch: 4,
        ..script(|_| Ok(()))
    });
    let core = start(&backend, waiting_for_ever());
    let arrival = core.announce();
    let asked: Vec<_> = (1..=7).map(|width| ask_one(&core, width, "A")).collect();
    eventually(|| backend.encoded() == [4]).await;
    eventually(|| metric(&core, "photos_waiting") == 3).await;
    drop(arrival);
    for (asked, width) in asked.into_iter().zip(1..) {
        assert_eq!(texts(asked).await, [format!("A: {width}")]);
    }
    assert_eq!(backend.encoded(), [4, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_gets_its_own_answers() {
    let backend = echo();
    let scheduling = Scheduling {
        max_batch_tokens: 500,
        image_cache_bytes: 2_000,
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    let asked: Vec<_> = (0..150u32)
        .map(|number| {
            let width = number % 17 + 1;
            let prompts: Vec<String> = (0..number % 4 + 1)
                .map(|i| format!("{number}-{i}"))
                .collect();
            let questions = prompts
                .iter()
                .map(|prompt| free_up_to(16, prompt))
                .collect();
            let expected: Vec<String> = prompts
                .iter()
                .map(|prompt| format!("{prompt}: {width}"))
                .collect();
            (ask(&core, photo(width), questions), expected)
        })
        .collect();
    for (asked, expected) in asked {
        assert_eq!(texts(asked).await, expected);
    }
}
