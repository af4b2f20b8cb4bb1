//! `lookbook` with what isn't there: every command ends with the exit code that `docs/cli.md` has
//! for it, names what was named, and has done nothing.

use std::path::Path;

use crate::common::sample;
use crate::lookbook::Lookbook;

const QUESTIONS: &str = "id,Question,Answer\n\
                         drawn-01,What is the fabric of the shirt in this picture?,Fabric: Cotton\n";

/// A folder with a photograph and questions about it, and an empty one beside it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("here");
        std::fs::create_dir(&here).unwrap();
        std::fs::write(here.join("drawn-01.jpg"), sample("drawn-01")).unwrap();
        std::fs::write(here.join("questions.csv"), QUESTIONS).unwrap();
        Place { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Everything that is in it.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        below(self.folder.path(), &mut names);
        names.sort();
        names
    }
}

fn below(folder: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.display().to_string());
        if path.is_dir() && !path.is_symlink() {
            below(&path, names);
        }
    }
}

/// Command lines in which `NONE` is nowhere, `HERE` the folder, `OUT` where results would go.
const MISSING: [&str; 22] = [
    "prepare --data NONE --out OUT",
    "prepare --table NONE --out OUT",
    "prepare --data HERE --attribute-set NONE --out OUT",
    "upload NONE s3://bucket/place",
    "train --local --model NONE --images HERE --input-file HERE --output OUT",
    "train --local --model HERE --images NONE --input-file HERE --output OUT",
    "train --local --model HERE --images HERE --input-file NONE --output OUT",
    "ask NONE --all",
    "ask HERE/drawn-01.jpg --all --attribute-set NONE",
    "describe NONE --direct",
    "evaluate --data NONE --images HERE --model-dir HERE --out OUT",
    "evaluate --data HERE/questions.csv --images NONE --model-dir HERE --out OUT",
    "evaluate --data HERE/questions.csv --images HERE --model-dir NONE --out OUT",
    "evaluate --data HERE/questions.csv --images HERE --endpoint blip2 --vocabulary NONE --out OUT",
    "evaluate --data HERE/questions.csv --images HERE --endpoint blip2 --na-data NONE --out OUT",
    "evaluate --data HERE/questions.csv --images HERE --endpoint blip2 --train-data NONE --out OUT",
    "backfill NONE --here",
    "backfill NONE --here --out OUT",
    "backfill --inventory NONE --here",
    "cost --prices NONE",
    "cost --bedrock-prices NONE",
    "cost --settings NONE",
];

#[tokio::test]
async fn what_is_not_there_ends_every_command_alike() {
    let place = Place::new();
    let lookbook = Lookbook::with_services(&[]).with("HOME", place.path("home"));
    let before = place.names();
    let none = place.path("none");
    for line in MISSING {
        let line = line
            .replace("NONE", &none)
            .replace("HERE", &place.path("here"))
            .replace("OUT", &place.path("out"));
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = lookbook.run(&arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(4), "{line}: {said}");
        assert!(
            said.contains(&none) || told.contains(&none),
            "{line}: {said}"
        );
        assert_eq!(place.names(), before, "{line}");
    }
}

#[tokio::test]
async fn what_is_wrong_ends_with_another_code_and_nothing_done() {
    let place = Place::new();
    let lookbook = Lookbook::with_services(&[]);
    let before = place.names();
    for (line, part) in [
        ("prepare --data HERE/drawn-01.jpg --out OUT", "--data"),
        ("upload HERE/drawn-01.jpg s3://bucket/place", "no folder"),
        (
            "train --local --model HERE --images HERE/drawn-01.jpg --input-file HERE --output OUT",
            "--images",
        ),
        (
            "train --local --model HERE --images HERE --input-file HERE --output OUT --device abacus",
            "--device",
        ),
        (
            "train --local --model HERE --images HERE --input-file HERE --output OUT -H epochs=0",
            "epochs",
        ),
        (
            "evaluate --data HERE/questions.csv --images HERE --model-dir HERE --out OUT",
            "--model-dir",
        ),
        (
            "evaluate --data HERE/questions.csv --images HERE --endpoint blip2 --thresholds 7 --out OUT",
            "--thresholds",
        ),
        ("backfill HERE/drawn-01.jpg --here", "no folder"),
        ("cost --prices HERE/questions.csv", "no file of prices"),
        ("cost --settings HERE/questions.csv", "no file of settings"),
    ] {
        let line = line
            .replace("HERE", &place.path("here"))
            .replace("OUT", &place.path("out"));
        let arguments: Vec<&str> = line.split(' ').collect();
        let output = lookbook.run(&arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(part), "{line}, {part}: {said}");
        assert_eq!(place.names(), before, "{line}");
    }
}

#[tokio::test]
async fn a_network_that_fails_is_told_apart() {
    let place = Place::new();
    let nobody = "http://127.0.0.1:1";
    let lookbook = Lookbook::with_services(&[("SAGEMAKER", nobody), ("SFN", nobody)]);
    let questions = place.path("here/questions.csv");
    let (here, out) = (place.path("here"), place.path("out"));
    for arguments in [
        vec!["status"],
        vec![
            "evaluate",
            "--data",
            &questions,
            "--images",
            &here,
            "--endpoint",
            nobody,
            "--out",
            &out,
        ],
    ] {
        let output = lookbook.run(&arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {said}");
        assert!(said.contains("next:"), "{arguments:?}: {said}");
    }
}
