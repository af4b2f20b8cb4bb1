//! The flags of `trainer evaluate`, and what they come to once checked.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use attributes::AttributeSet;
use blip2::{Blip2, DeviceKind, LoadOptions};
use clap::Args;
use tempfile::NamedTempFile;

use super::ask::endpoint_url;
use super::card::check_replaceable;

/// How many resamples an interval may come from: the ends of a 95 % interval are
/// each beyond 2.5 % of them, and all are in memory.
const RESAMPLES: RangeInclusive<usize> = 100..=100_000;

/// What is evaluated, on what, and how.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// The checkpoint to evaluate
    #[arg(long, value_name = "DIR", required_unless_present = "endpoint")]
    pub model_dir: Option<PathBuf>,
    /// A running model server to evaluate, such as http://127.0.0.1:8080; for
    /// `lookbook evaluate` also the name of a SageMaker endpoint
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// The checkpoint before fine-tuning, to compare with
    #[arg(long, value_name = "DIR")]
    pub before_model_dir: Option<PathBuf>,
    /// Questions and true answers, such as vqa_test.csv (id,Question,Answer)
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// The folder of the photos, <id>.jpg, .jpeg, .png or .webp
    #[arg(long, value_name = "DIR")]
    pub images: PathBuf,
    /// The questions of training, such as vqa_train.csv: for the baselines, and
    /// for the values that answers are held to
    #[arg(long, value_name = "FILE")]
    pub train_data: Option<PathBuf>,
    /// The photos of training [default: those of --images]
    #[arg(long, value_name = "DIR", requires = "train_data")]
    pub train_images: Option<PathBuf>,
    /// Questions whose true answer is NA, such as vqa_na.csv, in the same form
    #[arg(long, value_name = "FILE")]
    pub na_data: Option<PathBuf>,
    /// The values that answers are held to: JSON, an array of values by
    /// attribute [default: those of the training file, else of the checkpoint's
    /// vocabulary.json, else of the data]
    #[arg(long, value_name = "FILE")]
    pub vocabulary: Option<PathBuf>,
    /// Attributes, their values and synonyms, in TOML [default: the embedded set]
    #[arg(long, value_name = "FILE")]
    pub attribute_set: Option<PathBuf>,
    /// Evaluate these attributes alone
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub attributes: Vec<String>,
    /// Average over these attributes too, beside the average over all
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub average_over: Vec<String>,
    /// Confidences under which the model abstains
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "0.5,0.7,0.9"
    )]
    pub thresholds: Vec<f64>,
    /// Resamples of the products for the 95 % intervals, 100 to 100000; 0 leaves
    /// them out
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub bootstrap: usize,
    /// Decides the resamples, and the products that --limit draws
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Evaluate at most so many products, drawn at random
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Neighbours that vote in the k-NN baseline
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    pub neighbours: u64,
    /// Wrong answers that the report shows with their photo
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub pictures: usize,
    /// Questions that are computed together
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    pub batch_size: u64,
    /// Photos that are sent to the endpoint at one time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    pub concurrency: u64,
    /// Where the checkpoints compute: cpu, cuda or cuda:INDEX
    #[arg(long, default_value = "cpu")]
    pub device: DeviceKind,
    /// Threads of a CPU [default: measured]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The folder for evaluation.json, summary.json, evaluation.html and
    /// README.md, the model card
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Write the model card beside the checkpoint as well
    #[arg(long, requires = "model_dir")]
    pub write_card: bool,
    /// What the report and the card call the model [default: the `model-name` of
    /// its training, else the folder's name]
    #[arg(long)]
    pub name: Option<String>,
    /// What training measured, for the card [default: metrics.jsonl in the
    /// checkpoint's folder]
    #[arg(long, value_name = "FILE")]
    pub training_metrics: Option<PathBuf>,
    /// The checkpoint's licence for the card, by the hub's identifier
    #[arg(long, value_name = "ID")]
    pub license: Option<String>,
}

impl EvaluateArgs {
    /// The folders that are read, by the options that name them.
    #[must_use]
    pub fn folders(&self) -> Vec<(&'static str, &Path)> {
        [
            ("--model-dir", self.model_dir.as_deref()),
            ("--before-model-dir", self.before_model_dir.as_deref()),
            ("--images", Some(self.images.as_path())),
            ("--train-images", self.train_images.as_deref()),
        ]
        .into_iter()
        .filter_map(|(option, path)| Some((option, path?)))
        .collect()
    }

    /// The files that are read, by the options that name them.
    #[must_use]
    pub fn files(&self) -> Vec<(&'static str, &Path)> {
        [
            ("--data", Some(self.data.as_path())),
            ("--train-data", self.train_data.as_deref()),
            ("--na-data", self.na_data.as_deref()),
            ("--vocabulary", self.vocabulary.as_deref()),
            ("--attribute-set", self.attribute_set.as_deref()),
            ("--training-metrics", self.training_metrics.as_deref()),
        ]
        .into_iter()
        .filter_map(|(option, path)| Some((option, path?)))
        .collect()
    }

    /// Says what is wrong before anything long begins.
    ///
    /// # Errors
    /// The first flag that has to be mended.
    pub fn check(&self) -> Result<()> {
        for (flag, folder) in self.folders() {
            ensure!(
                folder.is_dir(),
                "{flag}: there is no folder {}",
                folder.display()
            );
        }
        if let Some(path) = &self.training_metrics {
            ensure!(
                path.is_file(),
                "--training-metrics: there is no file {}",
                path.display()
            );
        }
        for &threshold in &self.thresholds {
            ensure!(
                (0.0..=1.0).contains(&threshold),
                "--thresholds: {threshold} is no confidence, which is between 0 and 1"
            );
        }
        ensure!(
            self.bootstrap == 0 || RESAMPLES.contains(&self.bootstrap),
            "--bootstrap: {} resamples make no interval that could be kept or believed: from {} \
             to {}, or 0 for no intervals",
            self.bootstrap,
            RESAMPLES.start(),
            RESAMPLES.end()
        );
        if let Some(card) = self.card_beside_checkpoint() {
            let otherwise = "leave --write-card out and take the card from --out";
            check_replaceable(&card, otherwise)?;
        }
        if let Some(folder) = self.model_dir.as_ref().filter(|_| self.write_card) {
            check_writable(folder).context("--write-card")?;
        }
        let card = self.out.join(super::card::FILE);
        check_replaceable(&card, "name another folder with --out")?;
        check_writable(&self.out).context("--out")?;
        if let Some(url) = &self.endpoint {
            endpoint_url(url)?;
        }
        for (flag, folder) in [
            ("--model-dir", &self.model_dir),
            ("--before-model-dir", &self.before_model_dir),
        ] {
            if let Some(folder) = folder {
                let said = || format!("{flag}: {} is no checkpoint", folder.display());
                Blip2::check(folder).with_context(said)?;
            }
        }
        Ok(())
    }

    /// The card that is to lie beside the checkpoint.
    #[must_use]
    pub fn card_beside_checkpoint(&self) -> Option<PathBuf> {
        let folder = self.model_dir.as_ref().filter(|_| self.write_card)?;
        Some(folder.join(super::card::FILE))
    }

    /// What the report calls the model.
    #[must_use]
    pub fn model_name(&self) -> String {
        let of_folder = |folder: &PathBuf| {
            let folder = folder.canonicalize().unwrap_or_else(|_| folder.clone());
            Some(folder.file_name()?.to_string_lossy().into_owned())
        };
        self.name
            .clone()
            .or_else(|| self.model_dir.as_ref().and_then(of_folder))
            .or_else(|| self.endpoint.clone())
            .unwrap_or_else(|| "model".to_owned())
    }

    /// The attribute set that questions, truths and answers are read by.
    ///
    /// # Errors
    /// When the file can't be read or is no attribute set.
    pub fn read_attribute_set(&self) -> Result<AttributeSet> {
        let Some(path) = &self.attribute_set else {
            return Ok(AttributeSet::embedded());
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("--attribute-set: {} can't be read", path.display()))?;
        AttributeSet::parse(&text)
            .with_context(|| format!("--attribute-set: {} is wrong", path.display()))
    }

    /// How checkpoints are loaded.
    #[must_use]
    pub fn load_options(&self) -> LoadOptions {
        LoadOptions {
            device: self.device,
            threads: self.threads,
            ..LoadOptions::default()
        }
    }

    /// The folder of the training photos.
    #[must_use]
    pub fn training_images(&self) -> &Path {
        self.train_images.as_deref().unwrap_or(&self.images)
    }
}

/// Whether files can be written into a folder, which is made later where it is
/// missing. Nothing is left there.
fn check_writable(folder: &Path) -> Result<()> {
    let mut there = folder;
    while !there.exists() {
        there = match there.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
    }
    ensure!(there.is_dir(), "{} is no folder", there.display());
    NamedTempFile::new_in(there)
        .with_context(|| format!("nothing can be written into {}", there.display()))?;
    Ok(())
}

/// The names in the set of attributes that a flag lists.
///
/// # Errors
/// A name that the set does not have.
pub fn attribute_names(flag: &str, listed: &[String], set: &AttributeSet) -> Result<Vec<String>> {
    let mut names = Vec::with_capacity(listed.len());
    for name in listed {
        let Some(attribute) = set.attribute(name) else {
            let known: Vec<&str> = set.attributes().iter().map(|a| a.name.as_str()).collect();
            bail!(
                "{flag}: {name:?} is no attribute of the set; it has: {}",
                known.join(", ")
            );
        };
        if !names.contains(&attribute.name) {
            names.push(attribute.name.clone());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: EvaluateArgs,
    }

    fn parse(flags: &[&str]) -> Result<EvaluateArgs, clap::Error> {
        let fixed = ["evaluate", "--data", "d.csv", "--images", ".", "--out", "o"];
        Line::try_parse_from(fixed.iter().chain(flags)).map(|line| line.args)
    }

    #[test]
    fn a_model_or_an_endpoint_is_needed() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["--endpoint", "http://h"]).is_ok());
        let args = parse(&["--model-dir", "."]).unwrap();
        assert_eq!(args.thresholds, [0.5, 0.7, 0.9]);
        assert!(parse(&["--endpoint", "http://h", "--write-card"]).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (flags, says) in [
            (&["--model-dir", "no-such-folder"][..], "--model-dir"),
            (&["--model-dir", ".", "--thresholds", "0.5,7"], "7"),
            (&["--model-dir", ".", "--bootstrap", "1"], "from 100 to"),
            (&["--model-dir", ".", "--bootstrap", "1000000000"], "100000"),
            (&["--endpoint", "https://h"], "http://"),
            (&["--model-dir", "src"], "config.json"),
            (
                &["--endpoint", "http://h", "--before-model-dir", "src"],
                "--before-model-dir",
            ),
        ] {
            let error = format!("{:#}", parse(flags).unwrap().check().unwrap_err());
            assert!(error.contains(says), "{error}");
        }
        assert!(parse(&["--endpoint", "http://h"]).unwrap().check().is_ok());
    }

    #[test]
    fn what_can_not_be_written_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let check = |out: &str| {
            let args = EvaluateArgs {
                out: folder.path().join(out),
                ..parse(&["--endpoint", "http://h"]).unwrap()
            };
            args.check().map_err(|error| format!("{error:#}"))
        };
        assert!(check("deep/below").is_ok());
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert!(check("file/below").unwrap_err().contains("is no folder"));
        std::fs::write(folder.path().join(super::super::card::FILE), "mine").unwrap();
        assert!(check("").unwrap_err().contains("somebody else"));
        let all = std::fs::read_dir(folder.path()).unwrap();
        assert_eq!(all.count(), 2);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn that_a_card_can_not_be_written_is_known_at_once() {
        // Nobody can write into this folder, whoever runs this.
        let error = parse(&["--model-dir", "/proc", "--write-card"])
            .unwrap()
            .check()
            .unwrap_err();
        let error = format!("{error:#}");
        assert!(error.starts_with("--write-card: nothing can be"), "{error}");
    }

    #[test]
    fn attributes_have_the_names_of_the_set() {
        let set = AttributeSet::embedded();
        let names = |list: &[&str]| {
            let list: Vec<String> = list.iter().map(|&name| name.to_owned()).collect();
            attribute_names("--attributes", &list, &set)
        };
        assert_eq!(
            names(&["color", "Colour", "neckline"]).unwrap(),
            ["Colour", "Neck"]
        );
        let error = names(&["Occasion"]).unwrap_err().to_string();
        assert!(
            error.contains("Occasion") && error.contains("Sleeve Length"),
            "{error}"
        );
    }
}
