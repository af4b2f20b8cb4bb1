//! Long answers and short ones at one time.

use std::sync::Arc;

use model_server::backend::fake::{Event, FakeBackend, Script};
use model_server::core::Scheduling;

use crate::support::{Gate, answered, ask, ask_one, eventually, free_up_to, metric, photo, start};

/// Answers "long" with 200 tokens and "short" with 5. The first step waits at
/// the gate.
fn backend(gate: &Arc<Gate>) -> Arc<FakeBackend> {
    let gate = Arc::clone(gate);
    FakeBackend::scripted(Script {
        answers: Box::new(|_, prompts| {
            let answer = |prompt: &String| {
                let tokens = if prompt.contains("long") { 200 } else { 5 };
                "x".repeat(tokens)
            };
            Ok(prompts.iter().map(answer).collect())
        }),
        before: Box::new(move |event| {
            if matches!(event, Event::Stepped(_)) {
                gate.pass();
            }
            Ok(())
        }),
        ..Script::default()
    })
}

/// Which batch each step was of.
fn steps(backend: &FakeBackend) -> Vec<usize> {
    let batch = |event: Event| match event {
        Event::Stepped(batch) => Some(batch),
        _ => None,
    };
    backend.events().into_iter().filter_map(batch).collect()
}

fn last_step_of(batch: usize, steps: &[usize]) -> usize {
    steps.iter().rposition(|&one| one == batch).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_answer_does_not_wait_for_a_long_one() {
    let gate = Gate::closed();
    let backend = backend(&gate);
    let core = start(&backend, Scheduling::default());
    let long = ask_one(&core, 5, "long");
    eventually(|| steps(&backend).len() == 1).await;
    let short = ask_one(&core, 5, "short");
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    gate.open();
    assert_eq!(answered(short).await.unwrap().answers[0].text, "xxxxx");
    assert_eq!(
        answered(long).await.unwrap().answers[0].generated_tokens,
        200
    );

    let steps = steps(&backend);
    let end = last_step_of(1, &steps);
    assert_eq!(steps.len(), 205);
    // Before it, the long one has its first steps and every second one after.
    assert!(end <= 32 + 2 * 5 + 1, "{steps:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_answers_go_on_in_turn() {
    let gate = Gate::closed();
    let backend = backend(&gate);
    let core = start(&backend, Scheduling::default());
    let first = ask_one(&core, 5, "long");
    eventually(|| steps(&backend).len() == 1).await;
    let second = ask_one(&core, 5, "long as well");
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    gate.open();
    answered(first).await.unwrap();
    answered(second).await.unwrap();

    let steps = steps(&backend);
    let both_slow = steps.iter().filter(|&&batch| batch == 1).count();
    assert_eq!((steps.len(), both_slow), (400, 200));
    // Once the second is slow too, neither has two turns in a row until the
    // other has ended.
    let mut of_second = (0..steps.len()).filter(|&step| steps[step] == 1);
    let from = of_second.nth(33).unwrap();
    let until = last_step_of(0, &steps);
    assert!(from < until);
    assert!(
        steps[from..until].windows(2).all(|pair| pair[0] != pair[1]),
        "{steps:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_long_answers_leave_a_place_for_a_short_one() {
    let gate = Gate::closed();
    let backend = backend(&gate);
    // Each long question is a batch of its own.
    let scheduling = Scheduling {
        max_batch_tokens: 300,
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    let longs: Vec<_> = (0..8).map(|_| ask_one(&core, 5, "long")).collect();
    eventually(|| steps(&backend).len() == 1 && metric(&core, "questions_waiting") == 7).await;
    let short = ask(&core, photo(5), vec![free_up_to(20, "short")]);
    eventually(|| metric(&core, "image_cache_hits_total") == 8).await;
    gate.open();
    answered(short).await.unwrap();
    let ended = longs.iter().filter(|long| long.is_finished()).count();
    assert!(ended < 3, "{ended} long answers came first");
    for long in longs {
        answered(long).await.unwrap();
    }
    let short_batch = backend
        .batches()
        .iter()
        .position(|batch| batch[0].contains("short"));
    let steps = steps(&backend);
    let end = last_step_of(short_batch.unwrap(), &steps);
    assert!(end < 8 * 32 + 200, "{end} of {}", steps.len());
}
