//! A job that is killed goes on as if nothing had been.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

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

/// Kills jobs at random moments until so many have been killed, and lets each
/// end then. All leave the weights of one that nobody disturbed.
fn assert_unharmed(kills: usize, seed: u64) {
    let undisturbed = container();
    let started = std::time::Instant::now();
    undisturbed.run().succeeded();
    // A job gets nearer to its end with every start.
    let longest = started.elapsed() / 4;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut killed, mut jobs) = (0, 0);
    while killed < kills {
        let disturbed = container();
        loop {
            let mut child = disturbed.start();
            std::thread::sleep(longest.mul_f64(rng.random()));
            // It may have ended by itself: then there is nothing to kill.
            let _ = child.kill();
            if child.wait().unwrap().success() {
                break;
            }
            killed += 1;
            if killed == kills {
                disturbed.run().succeeded();
                break;
            }
        }
        jobs += 1;
        assert!(disturbed.weights() == undisturbed.weights());
        // Nothing of an unfinished checkpoint is left to be taken for one.
        let names = std::fs::read_dir(disturbed.path("checkpoints")).unwrap();
        let names = names.flatten().map(|entry| entry.file_name());
        let whole = names.filter(|name| name.to_string_lossy().starts_with("checkpoint-"));
        assert!(whole.count() <= 2);
    }
    println!("{killed} kills, of {jobs} jobs");
}

#[test]
fn five_kills_at_random_moments_change_no_bit() {
    assert_unharmed(5, 1);
}

/// `make kill-train` runs it.
#[test]
#[ignore = "takes a minute"]
fn twenty_kills_at_random_moments_change_no_bit() {
    assert_unharmed(20, 2);
}

#[test]
fn sigterm_leaves_a_checkpoint_and_the_job_goes_on_from_it() {
    let undisturbed = container();
    undisturbed.run().succeeded();
    let stopped = container();
    // Until the first steps are done.
    let child = stopped.command(&[]).spawn().unwrap();
    let metrics = stopped.path("output/data/metrics.jsonl");
    loop {
        let text = std::fs::read_to_string(&metrics).unwrap_or_default();
        if text.matches("\"step\"").count() > 1 {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    let run = common::Run::of(child.wait_with_output().unwrap()).succeeded();
    assert!(stopped.failure().is_none());
    let goes_on = stopped.run().succeeded();
    if run.stderr.contains("told to stop") {
        assert!(
            goes_on.stderr.contains("going on after step"),
            "{}",
            goes_on.stderr
        );
    }
    assert!(stopped.weights() == undisturbed.weights());
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
