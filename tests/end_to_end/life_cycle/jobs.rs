//! Training jobs that are left alone, fail or are interrupted.

use std::time::{Duration, Instant};

use local_stack::Programs;
use serde_json::json;

use super::account::Account;
use super::proxy::Rule;
use super::training_job::{LOG_GROUP, fails, takes_time};

#[tokio::test]
async fn a_job_goes_on_without_whoever_follows_it() {
    let account = Account::start().await;
    takes_time(&account);
    let process = account.start_command(&account.train("shirts-1", &[]), "train.log");
    account.proxy.until("DescribeTrainingJob", 3).await;
    let interrupted = account.interrupted(process, "train.log").await;
    let says = [
        "interrupted: training job shirts-1 goes on",
        "lookbook train --follow shirts-1",
        "lookbook train --stop shirts-1",
    ];
    interrupted.failed(130, &says);
    let shown = account.run(&["train", "--stop", "nobody"]).await;
    shown.failed(4, &["there is no training job nobody"]);

    // It fails meanwhile, and whoever follows it again is told why.
    let lines: Vec<String> = (0..30).map(|line| format!("line {line}")).collect();
    account.log(LOG_GROUP, "shirts-1/algo-1-1", &lines).await;
    // Of another job, whose name begins alike.
    let other = ["a line of another job".to_owned()];
    account.log(LOG_GROUP, "shirts-10/algo-1-1", &other).await;
    fails(
        &account,
        "AlgorithmError: the channel `images` is missing, exit code: 1",
    );
    let follow = ["train", "--follow", "shirts-1", "--poll-ms", "20"];
    let followed = account.run(&follow).await;
    let says = [
        "11:53:12 Starting",
        "line 0\n",
        "training job shirts-1 is Failed: AlgorithmError: the channel `images` is missing",
        "the end of its log:",
        "    line 29",
    ];
    followed.failed(1, &says);
    assert!(!followed.stderr.contains("another job"), "{followed:#?}");
    let stopped = account.run(&["train", "--stop", "shirts-1"]).await;
    stopped.failed(2, &["does not run: it is Failed"]);

    takes_time(&account);
    account
        .proxy
        .rule("StopTrainingJob", Rule::Answer(json!({})));
    let stopped = account.run(&["train", "--stop", "shirts-1"]).await;
    stopped.succeeded();
    assert_eq!(account.proxy.calls("StopTrainingJob").len(), 1);
    let twice = account.run(&account.train("b", &["-H", "epoch=1"])).await;
    twice.failed(2, &["-H: unknown hyperparameter `epoch`"]);
    assert_eq!(account.proxy.calls("CreateTrainingJob").len(), 1);
}

#[tokio::test]
async fn training_here_goes_on_after_an_interruption() {
    let account = Account::start().await;
    account.prepare_drawn(20).await;
    let model = Programs::find()
        .unwrap()
        .shipped_model()
        .display()
        .to_string();
    let words = [
        "train",
        "--local",
        "--images",
        "@drawn/images",
        "--input-file",
        "@questions",
        "--model",
        &model,
        "--output",
        "@job",
        "-H",
        "epochs=50",
        "-H",
        "max-steps=150",
        "-H",
        "batch-size=2",
        "-H",
        "sample-answers=0",
        "-H",
        "checkpoint-steps=1",
    ];
    let process = account.start_command(&words, "local.log");
    let checkpoints = account.path("job/checkpoints");
    let begun = || {
        let names = std::fs::read_dir(&checkpoints).ok()?;
        let mut names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        names.find(|name| name.starts_with("checkpoint-"))
    };
    let start = Instant::now();
    while begun().is_none() {
        assert!(start.elapsed() < Duration::from_secs(120));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let interrupted = account.interrupted(process, "local.log").await;
    interrupted.failed(
        130,
        &["told to stop", "the same command goes on from there"],
    );
    assert!(!account.path("job/model/model.safetensors").exists());

    // With fewer steps the job would be another; so it ends with all of them.
    let ended = account.run(&words).await;
    ended.succeeded();
    assert!(ended.stderr.contains("going on after step"), "{ended:#?}");
    assert!(ended.stderr.contains("steps"), "{ended:#?}");
    assert!(account.path("job/model/model.safetensors").is_file());
    let mut wrong = words.to_vec();
    wrong.extend(["-H", "file-name=none.csv", "--json"]);
    let failed = account.run(&wrong).await;
    failed.failed(1, &["training in", "none.csv"]);
}
