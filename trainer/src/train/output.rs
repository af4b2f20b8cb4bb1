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
/// and renamed.
///
/// # Errors
/// When a file cannot be written, or what was learnt cannot be held in the
/// checkpoint's number type.
pub(super) fn write_model(
    trainee: &Trainee,
    examples: &[Example],
    facts: &Facts<'_>,
    folder: &Path,
) -> anyhow::Result<()> {
    create_folder(folder)?;
    let mut beside = String::new();
    if let Some(adapter) = trainee.adapter()? {
        let folder = folder.join(ADAPTER);
        create_folder(&folder)?;
        adapter.write(&folder)?;
        beside = format!(", the adapter is in {}", folder.display());
    }
    trainee
        .write_checkpoint(folder)
        .with_context(|| format!("cannot write the model to {}{beside}", folder.display()))?;
    write_vocabulary(examples, folder)?;
    facts.write(folder)
}

/// Adds to the vocabulary the values that the model was taught.
fn write_vocabulary(examples: &[Example], folder: &Path) -> anyhow::Result<()> {
    let path = folder.join(VOCABULARY);
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
    write_file(&path, &serde_json::to_vec_pretty(&vocabulary)?)
}
