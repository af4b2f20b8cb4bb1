//! `/opt/ml/model`: the checkpoint that the job makes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context;
use attributes::parse_pair;
use blip2::training::Trainee;

use super::container::{create_folder, write_file};
use super::data::Example;
use super::facts::Facts;

/// The folder of the adapter beside the merged weights.
const ADAPTER: &str = "adapter";

const VOCABULARY: &str = "vocabulary.json";

/// Writes the merged checkpoint in the layout of Hugging Face, the adapter in
/// PEFT's, and what is known of both. Every file is written under a temporary name
/// and renamed. `model_dir` is the checkpoint that the job began with; the adapter
/// of an earlier job goes where this one has none.
///
/// # Errors
/// When a file cannot be written or removed, or what was learnt cannot be held in the
/// checkpoint's number type.
pub(super) fn write_model(
    trainee: &Trainee,
    examples: &[Example],
    facts: &Facts<'_>,
    model_dir: &Path,
    folder: &Path,
) -> anyhow::Result<()> {
    create_folder(folder)?;
    let mut beside = String::new();
    let of_adapter = folder.join(ADAPTER);
    if let Some(adapter) = trainee.adapter()? {
        create_folder(&of_adapter)?;
        adapter.write(&of_adapter)?;
        beside = format!(", the adapter is in {}", of_adapter.display());
    } else if of_adapter.exists() {
        std::fs::remove_dir_all(&of_adapter)
            .with_context(|| format!("cannot remove {}", of_adapter.display()))?;
    }
    trainee
        .write_checkpoint(folder)
        .with_context(|| format!("cannot write the model to {}{beside}", folder.display()))?;
    write_vocabulary(examples, model_dir, folder)?;
    facts.write(folder)
}

/// Writes the vocabulary of the checkpoint in `model_dir` and the values that it
/// was taught besides. What is in `folder` may be of another job.
fn write_vocabulary(examples: &[Example], model_dir: &Path, folder: &Path) -> anyhow::Result<()> {
    let path = model_dir.join(VOCABULARY);
    let mut vocabulary: BTreeMap<String, BTreeSet<String>> = match std::fs::read(&path) {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).with_context(|| format!("{}", path.display()))?
        }
        Err(_) => BTreeMap::new(),
    };
    for example in examples {
        if let Some((name, value)) = parse_pair(&example.answer) {
            vocabulary.entry(name).or_default().insert(value);
        }
    }
    let path = folder.join(VOCABULARY);
    write_file(&path, &serde_json::to_vec_pretty(&vocabulary)?)
}
