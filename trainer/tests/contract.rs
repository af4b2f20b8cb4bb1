//! SageMaker's training contract, with the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use blip2::{Adapter, Blip2, LoadOptions};
use common::Container;

#[test]
fn a_job_learns_and_leaves_a_model_an_adapter_metrics_and_a_report() {
    let container = Container::new(6).with(&[
        ("epochs", "12"),
        ("lr", "0.004"),
        ("select-best", "macro-f1"),
        ("scheduler", "cosine"),
        ("warmup-ratio", "0.1"),
        ("max-grad-norm", "1"),
        ("gradient-accumulation-steps", "2"),
        ("model-name", "shirts"),
        ("sagemaker_region", "\"eu-west-1\""),
    ]);
    let run = container.run().succeeded();
    let losses: Vec<f64> = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("Loss: ")?.parse().ok())
        .collect();
    // 18 questions in batches of 4, two for a step.
    assert_eq!(losses.len(), 12 * 3);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    assert!(mean(&losses[33..]) < 0.5 * mean(&losses[..3]), "{losses:?}");
    assert_eq!(run.stdout.matches("Epoch Loss: ").count(), 12);
    assert_eq!(run.stdout.matches("validation_loss=").count(), 12);
    assert_eq!(run.stdout.matches("validation_macro_f1=").count(), 12);
    assert!(run.stderr.contains("image features"), "{}", run.stderr);
    assert_eq!(container.failure(), None);

    let model = container.path("model");
    let adapter = Adapter::read(&model.join("adapter")).unwrap();
    assert_eq!((adapter.config.r, adapter.layers.len()), (2, 18));
    Blip2::load(&model, &LoadOptions::default()).unwrap();
    let vocabulary: serde_json::Value =
        serde_json::from_str(&container.text("model/vocabulary.json")).unwrap();
    assert_eq!(
        vocabulary["Colour"],
        serde_json::json!(["Navy Blue", "Off White"])
    );

    let facts: serde_json::Value =
        serde_json::from_str(&container.text("model/training.json")).unwrap();
    assert_eq!(facts["model-name"], "shirts");
    assert_eq!(
        (&facts["questions"], &facts["products"]),
        (&18.into(), &6.into())
    );
    assert_eq!(
        (&facts["epochs"], &facts["steps"]),
        (&12.into(), &36.into())
    );
    assert!((1..=12).contains(&facts["best_epoch"].as_u64().unwrap()));
    assert!(facts["seconds"].as_f64().is_some());
    assert_eq!(facts["hyperparameters"]["lora-r"], "2");
    assert_eq!(facts["hyperparameters"]["optimizer"], "adam");

    let metrics = container.text("output/data/metrics.jsonl");
    let events: Vec<serde_json::Value> = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!(
        (count("step"), count("epoch"), count("sample")),
        (36, 12, 48)
    );
    let page = container.text("output/data/training.html");
    assert!(page.contains("<polyline") && page.contains("Navy Blue"));

    // All is done: another start only writes the model again, and the job has taken
    // no longer for it.
    let weights = container.weights();
    let told = [
        "model/training.json",
        "output/data/metrics.jsonl",
        "output/data/training.html",
    ];
    let before = told.map(|name| container.text(name));
    let again = container.run().succeeded();
    assert!(!again.stdout.contains("Loss: "));
    assert_eq!(container.weights(), weights);
    assert_eq!(told.map(|name| container.text(name)), before);
}

#[test]
fn what_an_ended_job_was_given_stays_what_is_told_of_it() {
    let container = Container::new(2).with(&[
        ("epochs", "1"),
        ("model-name", "shirts"),
        ("sample-answers", "1"),
    ]);
    container.run().succeeded();
    let told = ["model/training.json", "output/data/training.html"];
    let before = told.map(|name| container.text(name));
    let others = [
        ("checkpoint-steps", "9"),
        ("feature-store-mib", "7"),
        ("model-name", "trousers"),
        ("sample-answers", "2"),
    ];
    let container = container.with(&others);
    std::fs::remove_dir_all(container.path("model")).unwrap();
    let again = container.run().succeeded();
    assert_eq!(told.map(|name| container.text(name)), before);
    let names = others.map(|(name, _)| name).join(", ");
    assert!(
        again.stderr.contains(&format!("other values of {names} ")),
        "{}",
        again.stderr
    );

    // One that has not ended goes on with what it is given now.
    let newest = container.newest_checkpoint().unwrap();
    std::fs::remove_dir_all(container.path("checkpoints").join(newest)).unwrap();
    let goes_on = container.run().succeeded();
    assert!(
        goes_on.stderr.contains("going on after step 1"),
        "{}",
        goes_on.stderr
    );
    let facts: serde_json::Value =
        serde_json::from_str(&container.text("model/training.json")).unwrap();
    assert_eq!(facts["model-name"], "trousers");
    for (name, value) in others {
        assert_eq!(facts["hyperparameters"][name], value);
    }
}

#[test]
fn layers_that_see_are_trained_with_photographs_in_every_step() {
    let container = Container::new(4).with(&[
        ("lora-target-modules", "qkv,query,q"),
        ("epochs", "1"),
        ("augment", "true"),
        ("lora-dropout", "0.2"),
    ]);
    let run = container.run().succeeded();
    assert!(run.stderr.contains("every step encodes"), "{}", run.stderr);
    let adapter = Adapter::read(&container.path("model/adapter")).unwrap();
    assert!(
        adapter
            .layers
            .keys()
            .any(|layer| layer.starts_with("vision_model."))
    );
}

#[test]
fn all_weights_learn() {
    let container = Container::new(4).with(&[
        ("train", "all"),
        ("epochs", "3"),
        ("optimizer", "adamw"),
        ("weight-decay", "0.01"),
        ("lr", "0.001"),
        ("label-smoothing", "0.1"),
        ("select-best", "loss"),
        ("early-stopping-patience", "2"),
        ("group-by-length", "true"),
        ("feature-store-mib", "64"),
    ]);
    let run = container.run().succeeded();
    assert!(!container.path("model/adapter").exists());
    for name in ["group-by-length", "feature-store-mib"] {
        let said = format!("`{name}` has no effect");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
    }
    let facts: serde_json::Value =
        serde_json::from_str(&container.text("model/training.json")).unwrap();
    assert_eq!(facts["hyperparameters"]["group-by-length"], "false");
    for without_effect in ["lora-r", "feature-store-mib"] {
        assert_eq!(facts["hyperparameters"].get(without_effect), None);
    }
    let bytes = |folder: &str| std::fs::read(container.path(folder)).unwrap();
    let (before, after) = (
        bytes("input/data/model/model.safetensors"),
        bytes("model/model.safetensors"),
    );
    assert_ne!(before, after);
    Blip2::load(&container.path("model"), &LoadOptions::default()).unwrap();
}

#[test]
fn what_sees_learns_alone() {
    let container = Container::new(4).with(&[
        ("train", "sight"),
        ("epochs", "3"),
        ("optimizer", "adamw"),
        ("lr", "0.001"),
        ("select-best", "loss"),
        ("sample-answers", "1"),
    ]);
    // One answer that no question to learn from has.
    let file = container.path("input/data/input_file/vqa_val.csv");
    let questions = std::fs::read_to_string(&file).unwrap();
    let known = questions.lines().count() - 1;
    let unknown = questions.lines().nth(1).unwrap().replace(": ", ": Un");
    std::fs::write(&file, format!("{questions}{unknown}\n")).unwrap();
    let run = container.run().succeeded();
    for said in [
        "what sees learns alone, to tell ",
        "`sample-answers` has no effect",
        &format!(" {known} validation questions"),
    ] {
        assert!(run.stderr.contains(said), "{}", run.stderr);
    }
    let metrics = container.text("output/data/metrics.jsonl");
    let losses: Vec<f64> = metrics
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter_map(|event| event["validation_loss"].as_f64())
        .collect();
    assert_eq!(losses.len(), 3);
    assert!(!metrics.contains("\"sample\""), "{metrics}");
    let facts: serde_json::Value =
        serde_json::from_str(&container.text("model/training.json")).unwrap();
    assert_eq!(facts["hyperparameters"]["train"], "sight");
    assert!(!container.path("model/adapter").exists());
    Blip2::load(&container.path("model"), &LoadOptions::default()).unwrap();
}

#[test]
fn an_adapter_goes_on_from_another() {
    let first = Container::new(4);
    first.run().succeeded();
    let next = Container::new(4).with(&[("initial-adapter", "start"), ("lora-dropout", "0.25")]);
    let channel = next.path("input/data/start");
    std::fs::create_dir(&channel).unwrap();
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        std::fs::copy(first.path("model/adapter").join(name), channel.join(name)).unwrap();
    }
    next.run().succeeded();
    let adapter = Adapter::read(&next.path("model/adapter")).unwrap();
    // Its own r holds; the dropout is this job's.
    assert_eq!((adapter.config.r, adapter.config.dropout), (2, 0.25));
    let facts: serde_json::Value = serde_json::from_str(&next.text("model/training.json")).unwrap();
    let held = &facts["hyperparameters"];
    assert_eq!(
        (&held["lora-r"], &held["lora-dropout"]),
        (&"2".into(), &"0.25".into())
    );
    assert_ne!(next.weights().1, first.weights().1);

    // One that says otherwise would not hold.
    let next = next.with(&[("lora-r", "64")]);
    std::fs::remove_dir_all(next.path("model")).unwrap();
    assert_failure(&next, "`lora-r` is `64`, and the adapter has `2`");
}

#[track_caller]
fn assert_failure(container: &Container, needle: &str) {
    let run = container.run();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let reason = container.failure().unwrap();
    assert!(reason.contains(needle), "{reason}");
    assert!(reason.len() <= 1024 && !container.path("model/model.safetensors").exists());
}

#[test]
fn what_is_wrong_is_in_the_failure_file() {
    let container = Container::new(2).with(&[("learning-rate", "1")]);
    assert_failure(&container, "unknown hyperparameter `learning-rate`");

    let container = Container::new(2);
    std::fs::remove_dir_all(container.path("input/data/images")).unwrap();
    assert_failure(&container, "channel `images` is missing");

    let container = Container::new(2);
    container.write(
        "input/data/input_file/vqa_train.csv",
        "id,Question,Answer\n",
    );
    assert_failure(&container, "has no questions");

    let container = Container::new(2);
    container.write(
        "input/data/input_file/vqa_train.csv",
        "id,Question\n1,What?\n",
    );
    assert_failure(&container, "vqa_train.csv");

    let container = Container::new(2).with(&[("file-name", "other.csv")]);
    assert_failure(&container, "other.csv");

    let container = Container::new(2);
    std::fs::remove_file(container.path("input/data/model/config.json")).unwrap();
    assert_failure(&container, "config.json");
    let reason = container.failure().unwrap();
    assert_eq!(reason.matches("No such file").count(), 1, "{reason}");

    let container = Container::new(2);
    container.write(
        "input/data/model/config.json",
        r#"{"text_config": {"model_type": "opt"}}"#,
    );
    assert_failure(&container, "`opt`");

    let container = Container::new(2).with(&[("select-best", "loss")]);
    std::fs::remove_file(container.path("input/data/input_file/vqa_val.csv")).unwrap();
    assert_failure(&container, "need validation questions");

    // A photograph may be missing, but none other is asked about.
    for settings in [("select-best", "loss"), ("early-stopping-patience", "1")] {
        let container = Container::new(2).with(&[settings]);
        container.write(
            "input/data/input_file/vqa_val.csv",
            "id,Question,Answer\nnone,Is it red?,yes\n",
        );
        assert_failure(&container, "need validation questions, and no question");
    }

    let container = Container::new(2).with(&[("select-best", "macro-f1")]);
    container.write(
        "input/data/input_file/vqa_val.csv",
        "id,Question,Answer\n\
         0,What is the sleeve length of the shirt in this picture?,Sleeve Length: NA\n",
    );
    assert_failure(&container, "questions with a true value");

    let container = Container::new(2).with(&[("lora-target-modules", "c_attn")]);
    assert_failure(&container, "c_attn");
    // Also beside names that there are, which it tells.
    let container = Container::new(2).with(&[("lora-target-modules", "q,c_attn")]);
    assert_failure(&container, "target module `c_attn`");
    assert!(container.failure().unwrap().contains("wi_1, wo"));

    let container = Container::new(2);
    std::fs::remove_file(container.path("input/config/hyperparameters.json")).unwrap();
    assert_failure(&container, "hyperparameters");
}

#[test]
fn one_bad_photograph_is_skipped_and_many_are_a_failure() {
    let container = Container::new(6);
    container.write("input/data/images/3.png", "no picture");
    let run = container.run().succeeded();
    assert!(
        run.stderr.contains("1 of 6 photographs are skipped"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stdout.matches("\nLoss: ").count() + 1, 2 * 4);

    let container = Container::new(6);
    for number in 0..3 {
        std::fs::remove_file(container.path(&format!("input/data/images/{number}.png"))).unwrap();
    }
    assert_failure(&container, "3 of 6 photographs cannot be used");

    let container = Container::new(6).with(&[("max-bad-photos", "0")]);
    container.write("input/data/images/3.png", "no picture");
    assert_failure(&container, "1 of 6 photographs cannot be used");
}

#[test]
fn what_is_seen_at_once_is_told_before_the_model_is_loaded() {
    let without_model = || {
        let container = Container::new(3);
        std::fs::remove_file(container.path("input/data/model/config.json")).unwrap();
        container
    };
    let container = without_model();
    container.write("input/data/input_file/vqa_val.csv", "id,Question,Answer\n");
    assert_failure(&container, "vqa_val.csv has no questions");

    let container = without_model();
    for number in 0..2 {
        std::fs::remove_file(container.path(&format!("input/data/images/{number}.png"))).unwrap();
    }
    assert_failure(&container, "2 of 3 photographs cannot be used");

    let container = without_model().with(&[("initial-adapter", "start")]);
    assert_failure(&container, "channel `start` is missing");
}

#[test]
fn what_an_earlier_run_was_killed_in_the_middle_of_is_removed() {
    let container = Container::new(3).with(&[("epochs", "1")]);
    for folder in ["model/adapter", "output/data", "checkpoints"] {
        std::fs::create_dir_all(container.path(folder)).unwrap();
    }
    for folder in [
        "model",
        "model/adapter",
        "output",
        "output/data",
        "checkpoints",
    ] {
        container.write(&format!("{folder}/.writing-x1y2z3"), "half");
    }
    assert_eq!(container.leftovers().len(), 5);
    container.run().succeeded();
    assert_eq!(container.leftovers(), [""; 0]);
}

#[test]
fn what_another_job_left_is_no_part_of_the_model() {
    let container = Container::new(2).with(&[("epochs", "1"), ("train", "all"), ("lr", "0.001")]);
    std::fs::create_dir_all(container.path("model/adapter")).unwrap();
    container.write("model/adapter/adapter_config.json", "{}");
    container.write("model/vocabulary.json", r#"{"Collar": ["Polo"]}"#);
    let names = || {
        let text = container.text("model/vocabulary.json");
        let vocabulary: std::collections::BTreeMap<String, Vec<String>> =
            serde_json::from_str(&text).unwrap();
        vocabulary.into_keys().collect::<Vec<_>>()
    };
    container.run().succeeded();
    assert!(!container.path("model/adapter").exists());
    assert_eq!(names(), ["Colour", "Fabric", "Fit"]);

    // What the checkpoint has been taught before it keeps.
    container.write(
        "input/data/model/vocabulary.json",
        r#"{"Pattern": ["Striped"]}"#,
    );
    std::fs::remove_dir_all(container.path("checkpoints")).unwrap();
    container.run().succeeded();
    assert_eq!(names(), ["Colour", "Fabric", "Fit", "Pattern"]);
}

#[test]
fn checkpoints_of_another_job_are_not_gone_on_from() {
    let container = Container::new(3);
    container.run().succeeded();
    let container = container.with(&[("lr", "0.001")]);
    let run = container.run();
    assert_eq!(run.code, Some(1));
    assert!(container.failure().unwrap().contains("empty the folder"));

    // Nor those of other photographs.
    let container = Container::new(3);
    container.run().succeeded();
    let [one, other] =
        [0, 1].map(|number| container.path(&format!("input/data/images/{number}.png")));
    std::fs::copy(one, other).unwrap();
    let run = container.run();
    assert_eq!(run.code, Some(1));
    assert!(container.failure().unwrap().contains("photographs"));
}

#[test]
fn the_engine_candle_trains_as_well() {
    let container = Container::new(3).with(&[("epochs", "1")]);
    let run = container.run_with(&["--engine", "candle"]).succeeded();
    assert!(run.stdout.contains("Loss: "));
}
