//! Commands that wait for AWS and are told to end: at once, with what to do next.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use local_stack::{Process, Programs};

use crate::common::serve;
use crate::lookbook::Lookbook;

/// Exit code of `docs/cli.md`.
const INTERRUPTED: i32 = 130;

/// How long a process may take to ask.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that takes every request and answers none.
struct Deaf {
    url: String,
    asked: Arc<AtomicUsize>,
}

impl Deaf {
    async fn start() -> Deaf {
        let asked = Arc::new(AtomicUsize::new(0));
        let router = Router::new().fallback(never).with_state(asked.clone());
        Deaf {
            url: format!("http://{}", serve(router).await),
            asked,
        }
    }

    async fn until_asked(&self, process: &mut Process, times: usize) {
        let probe = || (self.asked.load(Ordering::SeqCst) >= times).then_some(());
        process.wait_until(PATIENCE, probe).await.unwrap();
    }
}

async fn never(State(asked): State<Arc<AtomicUsize>>) {
    asked.fetch_add(1, Ordering::SeqCst);
    std::future::pending::<()>().await;
}

fn sample(name: &str) -> String {
    let repository = Programs::find().unwrap().repository;
    repository.join("samples").join(name).display().to_string()
}

#[tokio::test]
async fn who_waits_for_aws_ends_when_told_and_says_what_is_next() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name).display().to_string();
    let (data, out) = (at("questions.csv"), at("evaluation"));
    let questions = "id,Question,Answer\n\
                     drawn-01,What is the fabric of the shirt in this picture?,Fabric: Cotton\n";
    std::fs::write(&data, questions).unwrap();
    let (photograph, images) = (sample("drawn-01.jpg"), sample(""));
    let machine = "arn:aws:states:us-east-1:123456789012:stateMachine:Backfill";
    let execution = "arn:aws:states:us-east-1:123456789012:execution:Backfill:1";
    let follow_again = format!("lookbook backfill --follow {execution}");
    let runtime = "SAGEMAKER_RUNTIME";
    let commands: [(&str, Vec<&str>, &str); 9] = [
        (runtime, vec!["ask", &photograph, "--all"], "interrupted"),
        (
            "LAMBDA",
            vec!["describe", &photograph],
            "1 of 1 have no answer yet",
        ),
        (
            runtime,
            vec!["describe", &photograph, "--direct"],
            "1 of 1 have no answer yet",
        ),
        (
            runtime,
            vec![
                "evaluate",
                "--endpoint",
                "blip2",
                "--data",
                &data,
                "--images",
                &images,
                "--out",
                &out,
            ],
            "interrupted",
        ),
        (
            "S3",
            vec!["backfill", "s3://photos/incoming", "--here"],
            "interrupted",
        ),
        (
            "SFN",
            vec![
                "backfill",
                "s3://photos/incoming",
                "--state-machine",
                machine,
            ],
            "interrupted",
        ),
        (
            "SFN",
            vec!["backfill", "--follow", execution],
            follow_again.as_str(),
        ),
        ("SAGEMAKER", vec!["status"], "interrupted"),
        ("STS", vec!["doctor", "--timeout", "60"], "interrupted"),
    ];
    for (service, words, says) in commands {
        let deaf = Deaf::start().await;
        let lookbook = Lookbook::with_services(&[(service, deaf.url.as_str())]);
        let log = temporary.path().join("lookbook.log");
        let mut process = lookbook.start(&words, &log);
        deaf.until_asked(&mut process, 1).await;
        let status = process.stop().await.unwrap();
        let said = std::fs::read_to_string(&log).unwrap();
        assert_eq!(status.code(), Some(INTERRUPTED), "{words:?}: {said}");
        assert!(said.contains(says), "{words:?}: {said}");
    }
    assert!(!Path::new(&out).join("evaluation.json").exists());
}
