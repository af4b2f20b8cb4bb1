//! The model card: `README.md` in the form of the Hugging Face hub.
//!
//! Its head is YAML with the results in `model-index`, which the hub reads
//! (<https://github.com/huggingface/hub-docs/blob/main/modelcard.md>); the rest
//! is for people.

mod body;
mod head;
mod text;
mod training;

use std::path::Path;

use anyhow::{Result, ensure};

pub use self::training::Training;
use super::evaluation::{Evaluation, SystemResults};
use super::measure::Results;

/// The card's name in a checkpoint's folder.
pub const FILE: &str = "README.md";

/// By this line a card is known as one that may be written anew.
const MARK: &str = "<!-- written by `trainer evaluate` -->";

/// Says whether a card may be written at `path`: there is none, or it is one of
/// these. `otherwise` is what else can be done about it.
///
/// # Errors
/// When somebody else's card is there.
pub fn check_replaceable(path: &Path, otherwise: &str) -> Result<()> {
    let present = std::fs::read(path);
    let ours = |card: Vec<u8>| String::from_utf8_lossy(&card).contains(MARK);
    ensure!(
        !path.exists() || present.is_ok_and(ours),
        "{} was written by somebody else: move it away, or {otherwise}",
        path.display()
    );
    Ok(())
}

/// The card of an evaluated model, with what is known about its training;
/// `license` is the hub's identifier.
#[must_use]
pub fn card(evaluation: &Evaluation, training: &Training, license: Option<&str>) -> String {
    let head = head::head(evaluation, training.base_model(), license);
    let body = body::body(evaluation);
    format!("{head}{MARK}\n\n{body}{}", training.section())
}

/// The name of the file of questions, without its folder.
fn dataset(evaluation: &Evaluation) -> &str {
    let file = &evaluation.data.file;
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

fn modes(system: &SystemResults) -> impl Iterator<Item = (&'static str, &Results)> {
    let free = system.free.iter().map(|results| ("free answers", results));
    let held = match system.free {
        Some(_) => "answers held to the vocabulary",
        None => "baseline",
    };
    free.chain([(held, &system.held)])
}

#[cfg(test)]
mod tests;
