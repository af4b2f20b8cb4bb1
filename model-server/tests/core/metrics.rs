//! What the server counts of its work, by work whose size is known.

use std::sync::Arc;
use std::time::Duration;

use model_server::backend::fake::Event;
use model_server::core::Scheduling;

use crate::support::{
    Gate, answered, ask, ask_one, echo, echo_after, eventually, figure, free, metric, photo, start,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_the_work_is_counted() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let assert_counted = |stages: [(&str, f64); 6], tokens: f64, batches: f64, questions: f64| {
        for (stage, count) in stages {
            let name = format!("stage_duration_seconds_count{{stage=\"{stage}\"}}");
            assert_eq!(figure(&core, &name), count, "{stage}");
        }
        assert_eq!(figure(&core, "prompt_tokens_total"), tokens);
        assert_eq!(figure(&core, "batch_questions_count"), batches);
        assert_eq!(figure(&core, "batch_questions_sum"), questions);
    };

    let two = ask(&core, photo(5), vec![free("A"), free("B")]);
    answered(two).await.unwrap();
    assert_eq!(backend.batches().len(), 1);
    let of_two = [
        ("decode", 1.0),
        ("preprocess", 1.0),
        ("vision", 1.0),
        ("queue", 2.0),
        ("encode", 1.0),
        ("generate", 2.0),
    ];
    // "Question: A Answer: " is 21 tokens of the fake, its end included.
    assert_counted(of_two, 2.0 * 21.0, 1.0, 2.0);

    // The photo is known, so that nothing is done for it.
    answered(ask_one(&core, 5, "C")).await.unwrap();
    let of_three = [
        ("decode", 1.0),
        ("preprocess", 1.0),
        ("vision", 1.0),
        ("queue", 3.0),
        ("encode", 2.0),
        ("generate", 3.0),
    ];
    assert_counted(of_three, 3.0 * 21.0, 2.0, 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_count_as_running_whether_it_is_their_turn_or_not() {
    let (first_step, second_start) = (Gate::closed(), Gate::closed());
    let backend = {
        let (first_step, second_start) = (Arc::clone(&first_step), Arc::clone(&second_start));
        echo_after(move |event| {
            match event {
                Event::Stepped(0) => {
                    first_step.pass();
                    // Not over before the second question is known.
                    std::thread::sleep(Duration::from_millis(1));
                }
                Event::Started(questions) if questions[0].1.contains("second") => {
                    second_start.pass();
                }
                _ => {}
            }
            Ok(())
        })
    };
    let core = start(&backend, Scheduling::default());
    assert_eq!(metric(&core, "batches_running"), 0);
    // Its answer repeats it: slow after 32 tokens, so that another one begins.
    let long = ask_one(&core, 5, &"long".repeat(50));
    eventually(|| metric(&core, "batches_running") == 1).await;
    let second = ask_one(&core, 5, "second");
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    first_step.open();
    eventually(|| metric(&core, "batches_running") == 2).await;
    second_start.open();
    answered(second).await.unwrap();
    answered(long).await.unwrap();
    eventually(|| metric(&core, "batches_running") == 0).await;
}
