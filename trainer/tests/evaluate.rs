//! `trainer evaluate` as a program, with the checkpoint that the shipped one began from on
//! the drawn samples, and beside a real model server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use attributes::{Answer, AttributeSet, question, wrap_question};
use blip2::{Blip2, GenerationParameters, LoadOptions, photo};
use catalogue::pairs;
use local_stack::{ModelServer, model_server_program};
use serde_json::Value;
use tempfile::TempDir;

fn repository() -> PathBuf {
    local_stack::repository().unwrap()
}

fn mini() -> PathBuf {
    repository().join("models/blip2-mini")
}

/// What is true of the drawn samples, as pairs.
fn sample_pairs(keep: impl Fn(usize) -> bool) -> Vec<pairs::Pair> {
    let set = AttributeSet::embedded();
    let text = std::fs::read(repository().join("samples/samples.json")).unwrap();
    let records: Vec<Value> = serde_json::from_slice(&text).unwrap();
    let mut found = Vec::new();
    for (number, record) in records.iter().enumerate() {
        if !keep(number) {
            continue;
        }
        let (noun, _) = set.attributes_of(record["category"].as_str().unwrap());
        for (name, value) in record["attributes"].as_object().unwrap() {
            found.push(pairs::Pair {
                id: record["id"].as_str().unwrap().to_owned(),
                question: question(set.attribute(name).unwrap(), noun),
                answer: format!("{name}: {}", value.as_str().unwrap()),
            });
        }
    }
    found
}

/// A folder of files for one evaluation.
struct Workplace {
    folder: TempDir,
}

impl Workplace {
    fn new() -> Workplace {
        Workplace {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, pairs: &[pairs::Pair]) -> String {
        let path = self.path(name);
        pairs::write(Path::new(&path), pairs).unwrap();
        path
    }

    fn evaluation(&self) -> Value {
        self.json("evaluation.json")
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.report(name)).unwrap()
    }

    fn report(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("out").join(name)).unwrap()
    }
}

fn evaluate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_trainer"))
        .arg("evaluate")
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn succeed(arguments: &[&str]) -> String {
    let output = evaluate(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn fail(arguments: &[&str], says: &str) {
    let output = evaluate(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(errors.contains(says), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
}

fn close(actual: &Value, expected: f64) {
    let actual = actual.as_f64().unwrap();
    assert!((actual - expected).abs() < 1e-9, "{actual} {expected}");
}

/// How many free answers are right, asked one at a time.
fn right_answers(pairs: &[pairs::Pair]) -> usize {
    let set = AttributeSet::embedded();
    let model = Blip2::load(&mini(), &LoadOptions::default()).unwrap();
    let right = |pair: &&pairs::Pair| {
        let bytes = std::fs::read(repository().join(format!("samples/{}.jpg", pair.id))).unwrap();
        let pixels = model
            .preprocess(&photo::decode(&bytes, 1 << 24).unwrap())
            .unwrap();
        let features = model.encode_images(&[pixels]).unwrap();
        let prompt = wrap_question(&pair.question);
        let parameters = GenerationParameters::default();
        let answers = model.generate(&features, &[prompt], &parameters).unwrap();
        let asked = set.attribute_of_question(&pair.question).unwrap();
        let truth = set.interpret(asked, &pair.answer);
        matches!(truth, Answer::Value(_)) && set.interpret(asked, &answers[0].text) == truth
    };
    pairs.iter().filter(right).count()
}

#[test]
fn a_trained_checkpoint_on_the_drawn_samples() {
    let place = Workplace::new();
    let images = repository().join("samples").to_str().unwrap().to_owned();
    let tested = sample_pairs(|number| number % 2 == 0);
    let mut asked = tested.clone();
    let nobody = |answer: &str| pairs::Pair {
        id: "no-such-photo".to_owned(),
        question: "What is the fit of the shirt in this picture?".to_owned(),
        answer: answer.to_owned(),
    };
    asked.push(nobody("Fit: Slim Fit"));
    let data = place.write("vqa_test.csv", &asked);
    let mut trained = sample_pairs(|number| number % 2 == 1);
    // One product of the test is trained on as well, and no neighbour of its own.
    trained.extend(
        tested
            .iter()
            .find(|pair| pair.answer.starts_with("Pattern"))
            .cloned(),
    );
    let train = place.write("vqa_train.csv", &trained);
    // Only of products that have none: a collar and NA contradict each other.
    let has_collar = |id: &str| {
        let is_its = |pair: &pairs::Pair| pair.id == id && pair.answer.starts_with("Collar");
        tested.iter().any(is_its)
    };
    let missing: Vec<pairs::Pair> = tested
        .iter()
        .filter(|pair| pair.answer.starts_with("Pattern") && !has_collar(&pair.id))
        .map(|pair| pairs::Pair {
            question: pair.question.replace("pattern", "collar"),
            answer: "Collar: NA".to_owned(),
            ..pair.clone()
        })
        .collect();
    assert!(!missing.is_empty());
    let na = place.write("vqa_na.csv", &missing);
    let (model, out) = (mini().to_str().unwrap().to_owned(), place.path("out"));
    let arguments = [
        "--model-dir",
        &model,
        "--before-model-dir",
        &model,
        "--data",
        &data,
        "--images",
        &images,
        "--train-data",
        &train,
        "--na-data",
        &na,
        "--out",
        &out,
        "--bootstrap",
        "100",
        "--average-over",
        "Pattern,Colour",
        "--thresholds",
        "0,0.8",
        "--threads",
        "1",
    ];
    let printed = succeed(&arguments);
    assert!(printed.contains("blip2-mini, free"), "{printed}");
    assert!(printed.contains("constant answer, baseline"), "{printed}");

    let evaluation = place.evaluation();
    let data = &evaluation["data"];
    assert_eq!(data["products"], 6);
    assert_eq!(data["questions"], tested.len());
    assert_eq!(data["questions_without_truth"], missing.len());
    assert_eq!(data["products_in_training"], 1);
    assert_eq!(data["training_products"], 6);
    assert_eq!(data["unusable_photos"][0]["id"], "no-such-photo");
    let kinds: Vec<&str> = evaluation["systems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|system| system["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "model",
            "before_fine_tuning",
            "constant",
            "constant_by_question",
            "nearest_neighbours"
        ]
    );

    // As right as the model alone, asked question by question.
    let model = &evaluation["systems"][0];
    let expected = right_answers(&tested) as f64 / tested.len() as f64;
    close(&model["free"]["accuracy"]["value"], expected);
    // The same checkpoint is neither better nor worse than itself.
    let before = &evaluation["systems"][1];
    assert_eq!(before["free"]["attributes"], model["free"]["attributes"]);
    for mode in ["free", "held"] {
        let ahead = &before[mode]["averages"][0]["model_ahead_macro_f1"];
        for end in ["value", "low", "high"] {
            close(&ahead[end], 0.0);
        }
    }
    // What a workflow decides by is the mean over all attributes.
    let summary = place.json("summary.json");
    for mode in ["free", "held"] {
        for score in ["accuracy", "macro_f1"] {
            let mean = &model[mode]["averages"][0][score];
            assert!(mean["value"].is_f64(), "{mean}");
            assert_eq!(summary[mode][score], *mean);
        }
    }
    // Held answers always name a value, so that nothing abstains at 0.
    assert_eq!(model["held"]["selective"][0]["coverage"], 1.0);
    assert_eq!(
        model["free"]["averages"][1]["attributes"],
        serde_json::json!(["Pattern", "Colour"])
    );
    assert_eq!(model["free"]["missing_truth"]["questions"], missing.len());
    // Of the fits of training, two of three are Regular Fit; of those that are
    // asked, two of four.
    let constant = &evaluation["systems"][2]["held"];
    let fit = &constant["attributes"][0];
    assert_eq!(fit["attribute"], "Fit");
    close(&fit["accuracy"]["value"], 0.5);

    let html = place.report("evaluation.html");
    for shown in [
        "blip2-mini",
        "Macro-F1 by attribute",
        "data:image/jpeg;base64,",
        "<svg",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
    for outside in ["src=\"http", "href=\"http", "@import", "<script"] {
        assert!(!html.contains(outside), "{outside}");
    }
    let card = place.report("README.md");
    assert!(card.starts_with("---\nlanguage: en\n"), "{card}");
    assert!(
        card.contains("model-index:\n- name: \"blip2-mini\"\n"),
        "{card}"
    );

    // Another run says the same.
    succeed(&arguments);
    assert_eq!(place.evaluation(), evaluation);
    assert_eq!(std::fs::read_dir(place.path("out")).unwrap().count(), 4);
}

#[tokio::test]
async fn an_endpoint_is_as_good_as_its_checkpoint() {
    let place = Workplace::new();
    let arguments = ["--threads", "1"].map(str::to_owned);
    let program = model_server_program().unwrap();
    let folder = place.folder.path();
    let mut server = ModelServer::start(&program, &mini(), &arguments, folder)
        .await
        .unwrap();
    server.until_ready(Duration::from_secs(120)).await.unwrap();
    let photos = folder.join("photos");
    std::fs::create_dir(&photos).unwrap();
    for number in ["01", "05"] {
        let name = format!("drawn-{number}.jpg");
        std::fs::copy(repository().join("samples").join(&name), photos.join(&name)).unwrap();
    }
    std::fs::write(photos.join("broken.png"), "no photo").unwrap();
    let mut pairs = sample_pairs(|number| number == 0 || number == 4);
    pairs.push(pairs::Pair {
        id: "broken".to_owned(),
        ..pairs[0].clone()
    });
    let data = place.write("vqa_test.csv", &pairs);
    let url = server.url().to_owned();
    let (model, out) = (mini().to_str().unwrap().to_owned(), place.path("out"));
    let images = photos.to_str().unwrap().to_owned();
    tokio::task::spawn_blocking(move || {
        succeed(&[
            "--model-dir",
            &model,
            "--endpoint",
            &url,
            "--data",
            &data,
            "--images",
            &images,
            "--out",
            &out,
            "--bootstrap",
            "0",
        ])
    })
    .await
    .unwrap();
    server.stop().await.unwrap();

    let evaluation = place.evaluation();
    let (model, endpoint) = (&evaluation["systems"][0], &evaluation["systems"][1]);
    assert_eq!(endpoint["kind"], "endpoint");
    for mode in ["free", "held"] {
        let (model, endpoint) = (&model[mode], &endpoint[mode]);
        assert_eq!(model["questions"], 12);
        assert_eq!(model["accuracy"], endpoint["accuracy"]);
        let error = |results: &Value| {
            results["calibration"]["expected_calibration_error"]
                .as_f64()
                .unwrap()
        };
        assert!((error(model) - error(endpoint)).abs() < 1e-4);
    }
    assert_eq!(
        evaluation["data"]["unusable_photos"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn what_is_wrong_is_said_before_anything_is_written() {
    let place = Workplace::new();
    let model = mini().to_str().unwrap().to_owned();
    let images = repository().join("samples").to_str().unwrap().to_owned();
    let good = place.write("good.csv", &sample_pairs(|number| number == 0));
    let empty = place.write("empty.csv", &[]);
    let unknown = place.path("unknown.csv");
    std::fs::write(&unknown, "id,Question,Answer\n1,Q?,Occasion: Casual\n").unwrap();
    let elsewhere = place.path("");
    let absent = place.path("absent");
    let out = place.path("out");
    let run = |model: &str, data: &str, images: &str, more: &[&str], says: &str| {
        let fixed = [
            "--model-dir",
            model,
            "--data",
            data,
            "--images",
            images,
            "--out",
            &out,
        ];
        let arguments: Vec<&str> = fixed.into_iter().chain(more.iter().copied()).collect();
        fail(&arguments, says);
    };
    run(&model, &absent, &images, &[], "absent");
    run(&model, &empty, &images, &[], "no questions");
    run(&model, &unknown, &images, &[], "Occasion");
    run(&model, &good, &absent, &[], "--images: there is no folder");
    run(
        &absent,
        &good,
        &images,
        &[],
        "--model-dir: there is no folder",
    );
    run(&elsewhere, &good, &images, &[], "config.json");
    run(
        &model,
        &good,
        &images,
        &["--before-model-dir", &elsewhere],
        "config.json",
    );
    let contradicting = place.path("contradicting.csv");
    let asked = "What is the fit of the shirt in this picture?";
    let rows = format!("1,{asked},Fit: Slim Fit\n1,{asked},Fit: Regular Fit\n");
    std::fs::write(&contradicting, format!("id,Question,Answer\n{rows}")).unwrap();
    run(&model, &contradicting, &images, &[], "no answer is right");
    run(&model, &good, &elsewhere, &[], "can be used");
    run(
        &model,
        &good,
        &images,
        &["--attributes", "Hem"],
        "no attribute of the set",
    );
    run(
        &model,
        &good,
        &images,
        &["--attributes", "Neck"],
        "about Neck",
    );
    run(&model, &good, &images, &["--na-data", &good], "not NA");
    run(
        &model,
        &good,
        &images,
        &["--endpoint", "https://host"],
        "http://",
    );
    run(
        &model,
        &good,
        &images,
        &["--endpoint", "http://127.0.0.1:1"],
        "can't be reached",
    );
    assert!(!Path::new(&out).exists());

    // A card of somebody else's stays.
    let folder = place.path("model");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(format!("{folder}/README.md"), "mine").unwrap();
    run(&folder, &good, &images, &["--write-card"], "somebody else");
}

#[test]
fn an_attribute_that_the_embedded_set_lacks_can_be_evaluated() {
    let place = Workplace::new();
    let set = place.path("set.toml");
    std::fs::write(&set, "[[attribute]]\nname = \"Occasion\"\n").unwrap();
    let mut rows = String::from("id,Question,Answer\n");
    for (id, value) in [("drawn-01", "Casual"), ("drawn-02", "Party")] {
        let asked = "What is the occasion of the shirt in this picture?";
        writeln!(rows, "{id},{asked},Occasion: {value}").unwrap();
    }
    let data = place.path("vqa_test.csv");
    std::fs::write(&data, rows).unwrap();
    let model = place.path("model");
    std::fs::create_dir(&model).unwrap();
    for file in std::fs::read_dir(mini()).unwrap() {
        // Its vocabulary knows no occasions, but much that this set does not.
        let file = file.unwrap();
        std::fs::copy(file.path(), Path::new(&model).join(file.file_name())).unwrap();
    }
    let (images, out) = (repository().join("samples"), place.path("out"));
    let arguments = [
        "--model-dir",
        &model,
        "--data",
        &data,
        "--images",
        images.to_str().unwrap(),
        "--out",
        &out,
        "--attribute-set",
        &set,
        "--write-card",
    ];
    succeed(&[arguments.as_slice(), &["--license", "apache-2.0"]].concat());
    let evaluation = place.evaluation();
    let held = &evaluation["systems"][0]["held"];
    assert_eq!(held["attributes"][0]["attribute"], "Occasion");
    assert_eq!(held["attributes"][0]["outside_vocabulary"], 0);
    assert_eq!(evaluation["method"]["vocabulary_values"]["Occasion"], 2);
    let card = std::fs::read_to_string(format!("{model}/README.md")).unwrap();
    assert!(card.contains("\nlicense: \"apache-2.0\"\n"), "{card}");
    // And again over its own card.
    succeed(&arguments);
}
