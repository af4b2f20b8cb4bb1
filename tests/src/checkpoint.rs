//! The checkpoints that benchmarks measure.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use local_stack::SHIPPED_MODEL;
use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

/// The script of transformers' side, which also builds checkpoints.
pub const TRANSFORMERS_SCRIPT: &str = "tools/bench/transformers_baseline.py";

/// Where checkpoints come from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The repository's root.
    pub repository: &'a Path,
    /// Where those that are built stay.
    pub folder: &'a Path,
    /// What builds them: a Python that has tools/bench-requirements.txt.
    pub python: Option<&'a Path>,
}

/// A checkpoint on the disk.
#[derive(Debug)]
pub struct Checkpoint {
    /// Where it is.
    pub folder: PathBuf,
    /// `config.json`.
    pub config: Value,
    /// How many weights it has.
    pub parameters: u64,
    /// Of the weights' files.
    pub bytes: u64,
}

impl Checkpoint {
    /// The shape's checkpoint: the shipped one, or one that is built with
    /// random weights where it is not there yet. `what` says what it is.
    ///
    /// # Errors
    /// When it is damaged, or not there and cannot be built.
    pub async fn of(source: Source<'_>, shape: &str, what: &str) -> Result<Checkpoint> {
        let shipped = source.repository.join(SHIPPED_MODEL);
        if shape == "mini" {
            return Checkpoint::read(shipped);
        }
        let folder = source.folder.join(shape);
        if !folder.join("config.json").is_file() {
            let Some(python) = source.python else {
                bail!(
                    "{} is not there, and without Python it cannot be built",
                    folder.display()
                );
            };
            println!(
                "building {}: {}; minutes and, for xl, 8 GB of memory and disk",
                folder.display(),
                what
            );
            // With random weights only the number of tokens counts, so the
            // shipped checkpoint's tokenizer is as good as another.
            let status = Command::new(python)
                .arg(source.repository.join(TRANSFORMERS_SCRIPT))
                .args(["build", shape])
                .arg(&folder)
                .arg("--tokenizer")
                .arg(shipped.join("tokenizer.json"))
                .status()
                .await
                .context("cannot run Python")?;
            ensure!(status.success(), "building {} failed", folder.display());
        }
        Checkpoint::read(folder)
    }

    fn read(folder: PathBuf) -> Result<Checkpoint> {
        let config = std::fs::read(folder.join("config.json"))
            .with_context(|| format!("{} has no config.json", folder.display()))?;
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in folder.read_dir()? {
            let path = entry?.path();
            if path.extension().is_some_and(|found| found == "safetensors") {
                files.push(path);
            }
        }
        ensure!(!files.is_empty(), "{} has no weights", folder.display());
        let (mut parameters, mut bytes) = (0, 0);
        for file in &files {
            parameters += parameters_of(file)
                .with_context(|| format!("{} is no safetensors file", file.display()))?;
            bytes += file.metadata()?.len();
        }
        Ok(Checkpoint {
            config: serde_json::from_slice(&config).context("config.json is no JSON")?,
            folder,
            parameters,
            bytes,
        })
    }
}

#[derive(Deserialize)]
struct TensorInfo {
    shape: Vec<u64>,
}

/// The number of weights, from the head of a safetensors file: its length in
/// eight bytes, then JSON.
fn parameters_of(file: &Path) -> Result<u64> {
    let mut file = std::fs::File::open(file)?;
    let mut length = [0; 8];
    file.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    ensure!(length < 100 << 20, "its head has {length} bytes");
    let mut head = vec![0; length as usize];
    file.read_exact(&mut head)?;
    let mut tensors: BTreeMap<String, Value> = serde_json::from_slice(&head)?;
    tensors.remove("__metadata__");
    let mut parameters = 0;
    for tensor in tensors.into_values() {
        let tensor: TensorInfo = serde_json::from_value(tensor)?;
        parameters += tensor.shape.iter().product::<u64>();
    }
    Ok(parameters)
}
