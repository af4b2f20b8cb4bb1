//! A training container on a tiny checkpoint, and the trainer as a process.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use image::{Rgb, RgbImage};
use tempfile::TempDir;

/// The fixture that `crates/blip2` has of the reference's values.
pub fn tiny() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/blip2/tests/data/blip2-tiny")
}

/// `/opt/ml` of a job, removed when it is dropped.
pub struct Container {
    folder: TempDir,
    hyperparameters: BTreeMap<String, String>,
}

impl Container {
    /// One with so many drawn photographs, three questions about each and the
    /// tiny checkpoint.
    pub fn new(photographs: usize) -> Self {
        let container = Self {
            folder: tempfile::tempdir().unwrap(),
            hyperparameters: BTreeMap::new(),
        };
        for folder in ["config", "data/images", "data/input_file", "data/model"] {
            std::fs::create_dir_all(container.path("input").join(folder)).unwrap();
        }
        for entry in std::fs::read_dir(tiny().join("checkpoint")).unwrap() {
            let entry = entry.unwrap();
            let to = container.path("input/data/model").join(entry.file_name());
            std::fs::copy(entry.path(), to).unwrap();
        }
        let mut rows = String::from("id,Question,Answer\n");
        for number in 0..photographs {
            let (dark, colour) = [(true, "Navy Blue"), (false, "Off White")][number % 2];
            let level = if dark { 40 } else { 210 };
            let photo = RgbImage::from_fn(60, 80, |x, y| {
                let stripe = (x as usize + number) % 9 < 4;
                Rgb([level, if stripe { level / 2 } else { level }, (y * 2) as u8])
            });
            let path = container.path(&format!("input/data/images/{number}.png"));
            photo.save(path).unwrap();
            for (words, answer) in [
                ("colour", format!("Colour: {colour}")),
                ("fabric", "Fabric: Cotton".to_owned()),
                (
                    "fit",
                    format!("Fit: {}", if dark { "Slim Fit" } else { "Regular Fit" }),
                ),
            ] {
                rows.push_str(&format!(
                    "{number},What is the {words} of the shirt in this picture?,{answer}\n"
                ));
            }
        }
        container.write("input/data/input_file/vqa_train.csv", &rows);
        let few: Vec<&str> = rows.lines().take(7).collect();
        container.write(
            "input/data/input_file/vqa_val.csv",
            &(few.join("\n") + "\n"),
        );
        container.with(&[
            ("epochs", "2"),
            ("batch-size", "4"),
            ("lr", "0.005"),
            ("lora-r", "2"),
            ("checkpoint-steps", "1"),
        ])
    }

    /// The same with other hyperparameters. Where no adapter learns, it has no rank.
    pub fn with(mut self, hyperparameters: &[(&str, &str)]) -> Self {
        let is_whole = |(name, value): &(&str, &str)| *name == "train" && *value != "lora";
        if hyperparameters.iter().any(is_whole) {
            self.hyperparameters.remove("lora-r");
        }
        for (name, value) in hyperparameters {
            self.hyperparameters
                .insert((*name).to_owned(), (*value).to_owned());
        }
        let text = serde_json::to_string(&self.hyperparameters).unwrap();
        self.write("input/config/hyperparameters.json", &text);
        self
    }

    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn failure(&self) -> Option<String> {
        std::fs::read_to_string(self.path("output/failure")).ok()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trainer"));
        command
            .args(["train", "--threads", "1", "--ml-root"])
            .arg(self.root())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs the job to its end.
    pub fn run(&self) -> Run {
        self.run_with(&[])
    }

    pub fn run_with(&self, arguments: &[&str]) -> Run {
        Run::of(self.command(arguments).output().unwrap())
    }

    /// Starts it, its output thrown away.
    pub fn start(&self) -> Child {
        let mut command = self.command(&[]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().unwrap()
    }

    /// The name of the newest whole checkpoint.
    pub fn newest_checkpoint(&self) -> Option<String> {
        self.names("checkpoints")
            .into_iter()
            .filter(|name| name.starts_with("checkpoint-"))
            .max()
    }

    /// Files and folders, in all that a job writes, that were never finished.
    pub fn leftovers(&self) -> Vec<String> {
        let folders = [
            "model",
            "model/adapter",
            "output",
            "output/data",
            "checkpoints",
        ];
        let names = folders.iter().flat_map(|folder| self.names(folder));
        names.filter(|name| name.starts_with('.')).collect()
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).into_iter().flatten();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    /// Without validation questions and sample answers.
    pub fn without_examination(self) -> Self {
        std::fs::remove_file(self.path("input/data/input_file/vqa_val.csv")).unwrap();
        self.with(&[("sample-answers", "0")])
    }

    /// What a job leaves behind that has to be the same however it got there; no
    /// adapter where all weights learn.
    pub fn weights(&self) -> (Vec<u8>, Option<Vec<u8>>) {
        let model = std::fs::read(self.path("model/model.safetensors")).unwrap();
        let adapter = self.path("model/adapter");
        let read = |folder: &Path| std::fs::read(folder.join("adapter_model.safetensors")).unwrap();
        (model, adapter.exists().then(|| read(&adapter)))
    }
}

/// A run that has ended.
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    pub fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self
    }
}
