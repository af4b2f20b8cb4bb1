//! What reads a client's bytes, over generated inputs: nothing panics, what is
//! refused says why, and what is accepted means what was said.
//!
//! As tests there are a few hundred inputs a target. `make fuzz` gives them as
//! many as `FUZZ_INPUTS` says within bounded time (`FUZZ_SECONDS`).

mod inputs;
mod targets;

use std::cell::Cell;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

use targets::TARGETS;

/// Something that is fuzzed.
pub(super) struct Target {
    name: &'static str,
    /// Its part of all inputs, in percent.
    percent: u32,
    /// Runs so many inputs through it, and gives back how many were accepted.
    run: fn(u32) -> u32,
}

/// Runs `property` on `inputs` generated ones; it tells whether the input was
/// accepted, and panics where it does not hold. Gives back how many were.
fn check<S: Strategy>(inputs: u32, strategy: S, property: impl Fn(S::Value) -> bool) -> u32 {
    let mut runner = TestRunner::new(Config {
        cases: inputs,
        failure_persistence: None,
        ..Config::default()
    });
    let accepted = Cell::new(0);
    let result = runner.run(&strategy, |input| {
        accepted.set(accepted.get() + u32::from(property(input)));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    accepted.get()
}

#[test]
fn a_few_hundred_inputs_of_each_kind() {
    assert_eq!(
        TARGETS.iter().map(|target| target.percent).sum::<u32>(),
        100
    );
    for target in TARGETS {
        let accepted = (target.run)(300);
        // The generator reaches both sides.
        assert!(
            (1..300).contains(&accepted),
            "{}: {accepted} of 300",
            target.name
        );
    }
}

/// What became of one target.
struct Tally {
    name: &'static str,
    inputs: u32,
    accepted: u32,
    seconds: f64,
}

/// Inputs between two looks at the clock.
const ROUND: u32 = 2_000;

fn run_until(target: &Target, inputs: u32, deadline: Instant) -> Tally {
    let started = Instant::now();
    let (mut done, mut accepted) = (0, 0);
    while done < inputs && Instant::now() < deadline {
        let round = ROUND.min(inputs - done);
        accepted += (target.run)(round);
        done += round;
    }
    Tally {
        name: target.name,
        inputs: done,
        accepted,
        seconds: started.elapsed().as_secs_f64(),
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is {text:?}, not a whole number"))
    })
}

#[test]
#[ignore = "takes minutes: make fuzz"]
fn fuzz_parsers() {
    let wanted = setting("FUZZ_INPUTS", 2_000_000);
    let deadline = Instant::now() + Duration::from_secs(setting("FUZZ_SECONDS", 240));
    let waiting = Mutex::new(TARGETS.iter());
    let tallies = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(target) = waiting.lock().unwrap().next() else {
                        break;
                    };
                    let inputs = (wanted * u64::from(target.percent)).div_ceil(100);
                    let tally = run_until(target, u32::try_from(inputs).unwrap(), deadline);
                    tallies.lock().unwrap().push(tally);
                }
            });
        }
    });
    println!(
        "\n{:<24}{:>10}{:>12}{:>9}",
        "parser", "inputs", "accepted", "seconds"
    );
    let mut total = 0;
    for tally in tallies.into_inner().unwrap() {
        let Tally {
            name,
            inputs,
            accepted,
            seconds,
        } = tally;
        println!("{name:<24}{inputs:>10}{accepted:>12}{seconds:>9.1}");
        total += u64::from(inputs);
    }
    println!("{:<24}{total:>10}\n", "together");
    assert!(
        total >= wanted,
        "{total} of {wanted} inputs in the time that FUZZ_SECONDS gives"
    );
}
