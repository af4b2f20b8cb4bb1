//! A job that is killed goes on as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use common::Container;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A job of 48 steps with everything random: order, dropout, matrices.
fn container() -> Container {
    Container::new(8).with(&[
        ("epochs", "8"),
        ("lora-dropout", "0.1"),
        ("select-best", "loss"),
        ("sample-answers", "1"),
    ])
}

/// The same where steps are too large: the weights grow by the day until they
/// overflow, the job goes back, and they overflow again.
fn container_with_bad_steps() -> Container {
    Container::new(8).with(&[
        ("epochs", "8"),
        ("lora-dropout", "0.1"),
        ("optimizer", "adamw"),
        ("weight-decay", "200000"),
        ("max-bad-steps", "1000"),
        ("sample-answers", "1"),
    ])
}

/// The same where the model learns to see, of many passes a step, from a Q-Former
/// that is drawn anew at every start.
fn container_that_learns_to_see() -> Container {
    Container::new(4).with(&[
        ("train", "all"),
        ("fresh-qformer", "true"),
        ("augment", "true"),
        ("epochs", "6"),
        ("batch-size", "2"),
        ("gradient-accumulation-steps", "2"),
        ("lr", "0.001"),
        ("sample-answers", "1"),
    ])
}

/// The same where what sees learns alone, with classifiers that begin at zero at
/// every start.
fn container_of_sight() -> Container {
    Container::new(4).with(&[
        ("train", "sight"),
        ("fresh-qformer", "true"),
        ("augment", "true"),
        ("epochs", "6"),
        ("batch-size", "2"),
        ("lr", "0.001"),
        ("select-best", "loss"),
    ])
}

/// Waits until a job that runs has saved something, or ends.
fn wait_for_a_checkpoint(container: &Container, child: &mut Child) {
    let before = container.newest_checkpoint();
    while container.newest_checkpoint() == before && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills jobs at random moments until so many have been killed, and lets each
/// end then. All leave the weights of one that nobody disturbed, and no file that
/// is not whole.
fn assert_unharmed(container: fn() -> Container, kills: usize, seed: u64) {
    let undisturbed = container();
    let started = std::time::Instant::now();
    undisturbed.run().succeeded();
    // A job gets nearer to its end with every start.
    let longest = started.elapsed() / 4;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut killed, mut after_a_checkpoint, mut jobs) = (0, 0, 0);
    while killed < kills {
        let disturbed = container();
        loop {
            let mut child = disturbed.start();
            // Every second kill has something to go on from that this start saved.
            if killed % 2 == 1 {
                wait_for_a_checkpoint(&disturbed, &mut child);
            }
            std::thread::sleep(longest.mul_f64(rng.random()));
            // It may have ended by itself: then there is nothing to kill.
            let _ = child.kill();
            match child.wait().unwrap().code() {
                None => killed += 1,
                Some(0) => break,
                Some(code) => panic!("it failed with {code}: {:?}", disturbed.failure()),
            }
            let has_checkpoint = disturbed.newest_checkpoint().is_some();
            after_a_checkpoint += usize::from(has_checkpoint);
            if killed == kills {
                let run = disturbed.run().succeeded();
                assert_eq!(run.stderr.contains("going on after step"), has_checkpoint);
                break;
            }
        }
        jobs += 1;
        assert!(disturbed.weights() == undisturbed.weights());
        assert_eq!(disturbed.leftovers(), [""; 0]);
        let names = std::fs::read_dir(disturbed.path("checkpoints")).unwrap();
        let names = names.flatten().map(|entry| entry.file_name());
        let whole = names.filter(|name| name.to_string_lossy().starts_with("checkpoint-"));
        assert!(whole.count() <= 2);
    }
    println!("{killed} kills, {after_a_checkpoint} of them after a checkpoint, of {jobs} jobs");
    assert!(after_a_checkpoint >= kills / 2);
}

#[test]
fn five_kills_at_random_moments_change_no_bit() {
    assert_unharmed(container, 5, 1);
}

#[test]
fn five_kills_among_bad_steps_change_no_bit() {
    let run = container_with_bad_steps().run().succeeded();
    assert!(run.stderr.contains("is skipped"), "{}", run.stderr);
    assert!(
        run.stderr.contains("back to the last good"),
        "{}",
        run.stderr
    );
    assert_unharmed(container_with_bad_steps, 5, 3);
}

#[test]
fn three_kills_of_a_job_that_learns_to_see_change_no_bit() {
    let container = container_that_learns_to_see();
    let run = container.run().succeeded();
    let begun = "the Q-Former and its queries begin anew";
    assert!(run.stderr.contains(begun), "{}", run.stderr);
    assert!(
        run.stderr.contains(" 18 steps in 6 epochs"),
        "{}",
        run.stderr
    );
    assert_eq!(container.weights().1, None);
    assert_unharmed(container_that_learns_to_see, 3, 5);
}

#[test]
fn three_kills_of_a_job_of_what_sees_change_no_bit() {
    assert_unharmed(container_of_sight, 3, 6);
}

/// `make kill-train` runs it.
#[test]
#[ignore = "takes a minute"]
fn twenty_kills_at_random_moments_change_no_bit() {
    assert_unharmed(container, 20, 2);
}

/// As well.
#[test]
#[ignore = "takes a minute"]
fn twenty_kills_among_bad_steps_change_no_bit() {
    assert_unharmed(container_with_bad_steps, 20, 4);
}

#[test]
fn a_kill_between_a_step_too_large_and_the_next_leaves_the_last_good_weights() {
    // Of three steps the first learns nothing, the second overflows, and the third
    // says so.
    let container = || {
        Container::new(2)
            .with(&[
                ("batch-size", "2"),
                ("epochs", "1"),
                ("lr", "1e38"),
                ("warmup-ratio", "0.33"),
                ("lora-dropout", "0"),
                ("max-bad-steps", "2"),
            ])
            .without_examination()
    };
    let undisturbed = container();
    let run = undisturbed.run().succeeded();
    assert!(run.stderr.contains("step 3 is skipped"), "{}", run.stderr);
    let killed = container();
    killed.run().succeeded();
    // As if it had been killed before the third step was done.
    let newest = killed.newest_checkpoint().unwrap();
    std::fs::remove_dir_all(killed.path("checkpoints").join(newest)).unwrap();
    std::fs::remove_dir_all(killed.path("model")).unwrap();
    let run = killed.run().succeeded();
    assert!(
        run.stderr.contains("going on after step 2"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("step 3 is skipped"), "{}", run.stderr);
    assert!(killed.weights() == undisturbed.weights());
}

/// A job that is told to stop leaves a checkpoint, and goes on from it as if nothing
/// had been.
fn assert_goes_on(arguments: &[&str], tell_to_stop: fn(&mut Child)) {
    let undisturbed = container();
    undisturbed.run().succeeded();
    // On a busy machine a job may have ended before it is told to stop.
    for _ in 0..20 {
        let stopped = container();
        // Until the first steps are done.
        let mut command = stopped.command(arguments);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        wait_for_a_checkpoint(&stopped, &mut child);
        tell_to_stop(&mut child);
        let run = common::Run::of(child.wait_with_output().unwrap()).succeeded();
        assert!(stopped.failure().is_none());
        if stopped.path("model/model.safetensors").exists() {
            continue;
        }
        assert!(
            run.stderr.contains("told to stop: a checkpoint is written"),
            "{}",
            run.stderr
        );
        let goes_on = stopped.run().succeeded();
        assert!(
            goes_on.stderr.contains("going on after step"),
            "{}",
            goes_on.stderr
        );
        assert!(stopped.weights() == undisturbed.weights());
        return;
    }
    panic!("every job had ended before it was told to stop");
}

#[test]
fn sigterm_leaves_a_checkpoint_and_the_job_goes_on_from_it() {
    assert_goes_on(&[], |child| {
        let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM);
    });
}

#[test]
fn so_does_the_end_of_stdin_where_it_is_watched() {
    assert_goes_on(&["--stop-with-input"], |child| drop(child.stdin.take()));
    // Elsewhere it says nothing: the jobs of all other tests have none.
}

#[test]
fn sigterm_ends_a_step_of_many_passes_which_is_then_done_again() {
    // An epoch is one step of 120 passes.
    let container = || {
        Container::new(40).with(&[
            ("batch-size", "1"),
            ("gradient-accumulation-steps", "120"),
            ("lora-dropout", "0.1"),
            ("sample-answers", "1"),
        ])
    };
    let undisturbed = container();
    undisturbed.run().succeeded();
    // On a busy machine the step may be done before the job is told to stop.
    for _ in 0..5 {
        let stopped = container();
        let mut child = stopped.command(&[]).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("2 steps in 2 epochs") && stderr.read_line(&mut told).unwrap() > 0 {}
        // It looks once more before the first pass.
        std::thread::sleep(Duration::from_millis(5));
        let _ = kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM);
        stderr.read_to_string(&mut told).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{told}");
        if String::from_utf8(output.stdout).unwrap().contains("Loss: ") {
            continue;
        }
        assert!(
            told.contains("told to stop: a checkpoint is written"),
            "{told}"
        );
        let goes_on = stopped.run().succeeded();
        assert!(
            goes_on.stderr.contains("going on after step 0, in epoch 1"),
            "{}",
            goes_on.stderr
        );
        assert!(stopped.weights() == undisturbed.weights());
        return;
    }
    panic!("every first step was done to its end");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let (one, two) = (container(), container());
    one.run().succeeded();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trainer"));
    command
        .args(["train", "--threads", "3", "--ml-root"])
        .arg(two.root());
    common::Run::of(command.output().unwrap()).succeeded();
    assert!(one.weights() == two.weights());
}
