//! Too many at the door, and clients that leave.

use std::sync::Arc;

use model_server::backend::fake::{Event, FakeBackend};
use model_server::core::{CoreError, Limits, Scheduling};

use crate::support::{
    Gate, answered, ask, ask_one, bare, echo_after, eventually, free, metric, photo, start,
    start_limited, texts, waiting_for_ever,
};

/// A backend that waits at the gate before its first step.
fn gated(gate: &Arc<Gate>) -> Arc<FakeBackend> {
    let gate = Arc::clone(gate);
    echo_after(move |event| {
        if matches!(event, Event::Stepped(0)) {
            gate.pass();
        }
        Ok(())
    })
}

fn steps_of(batch: usize, backend: &FakeBackend) -> usize {
    let is_step = |event: &&Event| **event == Event::Stepped(batch);
    backend.events().iter().filter(is_step).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_wait_is_refused_at_once() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let limits = Limits {
        max_waiting_questions: 64,
        ..Limits::default()
    };
    let core = start_limited(&backend, limits, Scheduling::default());
    let running = ask_one(&core, 5, "A");
    eventually(|| steps_of(0, &backend) == 1).await;
    // What is being answered takes no place.
    let waiting = ask(&core, photo(6), vec![free("B"); 60]);
    eventually(|| metric(&core, "questions_waiting") == 60).await;
    core.check_capacity().unwrap();
    let error = answered(ask(&core, photo(7), vec![free("C"); 5]))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            CoreError::Overloaded {
                questions: 5,
                limit: 64
            }
        ),
        "{error}"
    );
    let fits = ask(&core, photo(7), vec![free("D"); 4]);
    eventually(|| metric(&core, "questions_waiting") == 64).await;
    core.check_capacity().unwrap_err();
    gate.open();
    for asked in [running, waiting, fits] {
        answered(asked).await.unwrap();
    }
    assert_eq!(metric(&core, "questions_waiting"), 0);
    assert_eq!(backend.photos_seen(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_the_queue_is_not_computed_for() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let core = start(&backend, Scheduling::default());
    let running = ask_one(&core, 5, "A");
    eventually(|| steps_of(0, &backend) == 1).await;
    let leaving = ask(&core, photo(5), vec![free("leaving"); 3]);
    eventually(|| metric(&core, "questions_waiting") == 3).await;
    leaving.abort();
    eventually(|| metric(&core, "questions_waiting") == 0).await;
    let staying = ask_one(&core, 5, "C");
    gate.open();
    assert_eq!(texts(running).await, ["A: 5"]);
    assert_eq!(texts(staying).await, ["C: 5"]);
    let asked: Vec<String> = backend.batches().concat();
    assert!(
        asked.iter().all(|prompt| bare(prompt) != "leaving"),
        "{asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_a_batch_does_not_hold_up_its_company() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let core = start(&backend, waiting_for_ever());
    let arrival = core.announce();
    let staying = ask_one(&core, 5, "staying here");
    let leaving = ask(
        &core,
        photo(5),
        vec![free("leaving one"), free("leaving two")],
    );
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    drop(arrival);
    eventually(|| steps_of(0, &backend) == 1).await;
    assert_eq!(backend.batches()[0].len(), 3);
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    // Whatever the queue is told, it is told in order.
    let after = ask_one(&core, 6, "after");
    eventually(|| metric(&core, "image_cache_misses_total") == 2).await;
    gate.open();
    assert_eq!(texts(staying).await, ["staying here: 5"]);
    assert_eq!(texts(after).await, ["after: 6"]);
    assert!(backend.events().contains(&Event::Abandoned(0, 2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_everybody_left_is_dropped() {
    let gate = Gate::closed();
    let backend = gated(&gate);
    let core = start(&backend, Scheduling::default());
    let leaving = ask_one(&core, 5, "leaving with a long answer");
    eventually(|| steps_of(0, &backend) == 1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    let after = ask_one(&core, 6, "after");
    eventually(|| metric(&core, "image_cache_misses_total") == 2).await;
    gate.open();
    assert_eq!(texts(after).await, ["after: 6"]);
    assert_eq!(steps_of(0, &backend), 1);
}
