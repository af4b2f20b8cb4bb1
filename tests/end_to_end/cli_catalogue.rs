//! `lookbook sample` and `lookbook prepare`: what the trainer does, with results as JSON.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::lookbook::Lookbook;

/// Exit codes of `docs/cli.md`.
const USAGE: i32 = 2;
const INTERRUPTED: i32 = 130;

/// How long a process may take to come where a test wants it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is in a folder's files, by their names; what is no file is not read.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = folder.read_dir().into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.is_file())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect()
}

/// A file that takes whoever writes it into the middle of the work, and keeps him there: a pipe
/// that nobody reads, under the name that the file has before it is whole.
struct Held(PathBuf);

impl Held {
    fn new(file: &Path) -> Held {
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let made = Command::new("mkfifo").arg(&part).status().unwrap();
        assert!(made.success());
        Held(part.into())
    }

    fn let_go(self) {
        std::fs::remove_file(self.0).unwrap();
    }
}

/// Starts `lookbook`, tells it to end when `reached` is there, and looks how it ends.
async fn interrupt(lookbook: &Lookbook, arguments: &[&str], reached: &Path, log: &Path) {
    let mut process = lookbook.start(arguments, log);
    let probe = || reached.is_file().then_some(());
    process.wait_until(PATIENCE, probe).await.unwrap();
    let status = process.stop().await.unwrap();
    let said = std::fs::read_to_string(log).unwrap();
    assert_eq!(status.code(), Some(INTERRUPTED), "{said}");
    for words in ["interrupted", "run the same command again"] {
        assert!(said.contains(words), "{words} in {said}");
    }
}

#[tokio::test]
async fn a_drawing_that_is_interrupted_goes_on_with_the_photographs_that_are_there() {
    let temporary = tempfile::tempdir().unwrap();
    let drawn = temporary.path().join("drawn");
    std::fs::create_dir(&drawn).unwrap();
    let out = drawn.display().to_string();
    let lookbook = Lookbook::with_services(&[]);
    let sample = ["--json", "sample", "--products", "12", "--out", &out];
    let held = Held::new(&drawn.join("styles.csv"));
    let log = temporary.path().join("sample.log");
    interrupt(&lookbook, &sample, &drawn.join("images.csv"), &log).await;
    assert!(!drawn.join("styles.csv").exists());
    held.let_go();
    let (code, said) = lookbook.json(&sample).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said["photos_kept"], 12, "{said}");
    assert!(drawn.join("styles.csv").is_file());
}

#[tokio::test]
async fn a_preparation_that_is_interrupted_leaves_the_files_before_it_and_is_made_again() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name).display().to_string();
    let (drawn, out) = (at("drawn"), at("prepared"));
    let prepared = temporary.path().join("prepared");
    let lookbook = Lookbook::with_services(&[]);
    let sample = ["--json", "sample", "--products", "40", "--out", &drawn];
    let (code, said) = lookbook.json(&sample).await;
    assert_eq!(code, Some(0), "{said}");
    let with_seed = |seed: &'static str| {
        let mut words = vec!["--json", "prepare", "--data", &drawn, "--out", &out];
        words.extend(["--min-count", "1", "--seed", seed]);
        words
    };
    let log = temporary.path().join("prepare.log");

    // Of the files, in the middle of them: nothing was there before, and no file is now.
    std::fs::create_dir(&prepared).unwrap();
    let written_first = prepared.join("vqa_train.csv.part");
    let held = Held::new(&prepared.join("products.csv"));
    interrupt(&lookbook, &with_seed("42"), &written_first, &log).await;
    let left = files(&prepared);
    let kept_on_purpose = "photo-fingerprints.csv";
    assert!(left.contains_key(kept_on_purpose), "{:?}", left.keys());
    let is_known = |name: &String| name == kept_on_purpose || name.ends_with(".part");
    assert!(left.keys().all(is_known), "{:?}", left.keys());
    held.let_go();
    let (code, report) = lookbook.json(&with_seed("42")).await;
    assert_eq!(code, Some(0), "{report}");
    let whole = files(&prepared);
    assert!(whole.contains_key("vqa_train.csv") && whole.contains_key("report.json"));
    let unfinished = whole.keys().find(|name| name.ends_with(".part"));
    assert_eq!(unfinished, None);

    // What an earlier run made stays as it was.
    let held = Held::new(&prepared.join("products.csv"));
    interrupt(&lookbook, &with_seed("7"), &written_first, &log).await;
    let mut left = files(&prepared);
    left.retain(|name, _| !name.ends_with(".part"));
    assert_eq!(
        left.keys().collect::<Vec<_>>(),
        whole.keys().collect::<Vec<_>>()
    );
    assert!(left == whole, "a file of the run before has changed");
    held.let_go();
    let (code, report) = lookbook.json(&with_seed("7")).await;
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(report["settings"]["seed"], 7, "{report}");
    let again = files(&prepared);
    assert_eq!(
        again.keys().collect::<Vec<_>>(),
        whole.keys().collect::<Vec<_>>()
    );
    assert!(again["vqa_train.csv"] != whole["vqa_train.csv"]);
}

#[tokio::test]
async fn a_drawn_catalogue_is_prepared_and_the_report_is_json() {
    let temporary = tempfile::tempdir().unwrap();
    let at = |name: &str| temporary.path().join(name).to_str().unwrap().to_owned();
    let (drawn, prepared) = (at("drawn"), at("prepared"));
    let lookbook = Lookbook::with_services(&[]);
    let sample = ["--json", "sample", "--products", "60", "--out", &drawn];
    let (code, said) = lookbook.json(&sample).await;
    assert_eq!(
        (code, said["products"].as_u64()),
        (Some(0), Some(60)),
        "{said}"
    );
    let (_, again) = lookbook.json(&sample).await;
    assert_eq!(again["photos_kept"], 60, "{again}");

    let mut prepare = vec!["--json", "prepare", "--data", &drawn, "--out", &prepared];
    prepare.extend(["--min-count", "1"]);
    let (code, report) = lookbook.json(&prepare).await;
    assert_eq!(code, Some(0), "{report}");
    let file = std::fs::read(format!("{prepared}/report.json")).unwrap();
    let file: serde_json::Value = serde_json::from_slice(&file).unwrap();
    assert_eq!(report["products"], file["products"]);
    assert!(report["products"].as_u64().unwrap() > 0, "{report}");
    assert!(Path::new(&prepared).join("vqa_train.csv").is_file());

    prepare.extend(["--validation", "2"]);
    let output = lookbook.run(&prepare).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(USAGE), "{told}");
    assert!(told.contains("the shares of validation"), "{told}");
    // For people it is what the trainer says.
    let output = lookbook
        .run(&["sample", "--products", "60", "--out", &drawn])
        .await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.starts_with("60 products in "), "{said}");
}
