//! A store of image features that jobs share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::process::Stdio;
use std::time::Duration;

use common::{Container, Run};

#[test]
fn features_are_computed_once_and_kept_for_the_next_job() {
    let container = Container::new(5);
    let first = container.run().succeeded();
    assert!(
        first.stderr.contains("0 of 5 photographs from the store"),
        "{}",
        first.stderr
    );
    let next = Container::new(5);
    let store = container.path("checkpoints/features");
    let run = next
        .run_with(&["--feature-store", store.to_str().unwrap()])
        .succeeded();
    assert!(
        run.stderr.contains("5 of 5 photographs from the store"),
        "{}",
        run.stderr
    );
    assert_eq!(next.weights(), container.weights());
}

#[test]
fn jobs_at_one_time_share_a_store_of_features() {
    let store = tempfile::tempdir().unwrap();
    let arguments = ["--feature-store", store.path().to_str().unwrap()];
    let containers: Vec<Container> = (0..3).map(|_| Container::new(6)).collect();
    // Another model.
    let last = containers.last().unwrap();
    let config = "input/data/model/preprocessor_config.json";
    last.write(config, &(last.text(config) + "\n"));
    let running: Vec<_> = containers
        .iter()
        .map(|container| container.command(&arguments).spawn().unwrap())
        .collect();
    for child in running {
        Run::of(child.wait_with_output().unwrap()).succeeded();
    }
    assert!(containers.iter().all(|one| one.weights() == last.weights()));
}

#[test]
fn what_a_job_that_runs_has_computed_serves_those_beside_it() {
    let store = tempfile::tempdir().unwrap();
    let arguments = ["--feature-store", store.path().to_str().unwrap()];
    // More epochs than it comes to.
    let running = Container::new(6).with(&[("epochs", "2000")]);
    let mut command = running.command(&arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    while running.newest_checkpoint().is_none() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let of_another_model = Container::new(6);
    let config = "input/data/model/preprocessor_config.json";
    of_another_model.write(config, &(of_another_model.text(config) + "\n"));
    let other = of_another_model.run_with(&arguments);
    let same = Container::new(6).run_with(&arguments);
    let ended = child.try_wait().unwrap();
    let _ = child.kill();
    child.wait().unwrap();
    assert_eq!(ended, None);
    for (run, found) in [(other, 0), (same, 6)] {
        let run = run.succeeded();
        let needle = format!("{found} of 6 photographs from the store");
        assert!(run.stderr.contains(&needle), "{}", run.stderr);
    }
}
