//! What tells one job, one model or one adapter from another.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use blip2::Adapter;
use blip2::training::Trainee;
use sha2::{Digest, Sha256};

use super::feature_store::hex;
use super::hyperparameters::Hyperparameters;
use super::photos::Photos;
use super::prepare::computation;

/// What is hashed at a time, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// Files of a checkpoint that the network's numbers depend on.
fn is_of_network(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    ["config.json", "preprocessor_config.json", "tokenizer.json"].contains(&name.as_ref())
        || name.ends_with(".safetensors")
}

/// The hash of a checkpoint's configuration and weights.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn of_checkpoint(folder: &Path) -> anyhow::Result<String> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_of_network(path))
        .collect();
    paths.sort();
    let mut hash = Sha256::new();
    for path in paths {
        hash.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        hash.update(of_file(&path)?);
    }
    Ok(hex(&hash.finalize()))
}

/// The hash of a file.
///
/// # Errors
/// When it cannot be read.
fn of_file(path: &Path) -> anyhow::Result<String> {
    let read = || {
        let mut file = std::fs::File::open(path)?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece)? {
                0 => return std::io::Result::Ok(hex(&hash.finalize())),
                length => hash.update(&piece[..length]),
            }
        }
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

/// All that decides what a job computes.
pub(super) struct Job<'a> {
    pub(super) settings: &'a Hyperparameters,
    pub(super) trainee: &'a Trainee,
    pub(super) model_dir: &'a Path,
    pub(super) question_files: &'a [PathBuf],
    pub(super) photos: &'a Photos,
}

impl Job<'_> {
    /// What a checkpoint has to share with the job to be of use to it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(super) fn fingerprint(&self) -> anyhow::Result<String> {
        let defaults = Hyperparameters::parse("{}")?;
        let settings = Hyperparameters {
            // What decides only how the job goes about it.
            checkpoint_steps: defaults.checkpoint_steps,
            feature_store_mib: defaults.feature_store_mib,
            max_bad_photos: defaults.max_bad_photos,
            max_bad_steps: defaults.max_bad_steps,
            model_name: defaults.model_name,
            sample_answers: defaults.sample_answers,
            texts: defaults.texts,
            given: defaults.given,
            ..self.settings.clone()
        };
        let mut texts = vec![
            format!("{settings:?}"),
            computation(self.trainee),
            of_checkpoint(self.model_dir)?,
            self.photos.inventory(),
        ];
        for path in self.question_files {
            texts.push(of_file(path)?);
        }
        if let Some(adapter) = self.trainee.adapter()? {
            texts.push(of_adapter(&adapter)?);
        }
        Ok(of_texts(&texts))
    }
}

/// The hash of an adapter's settings and matrices.
fn of_adapter(adapter: &Adapter) -> anyhow::Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{:?}", adapter.config));
    for (layer, (a, b)) in &adapter.layers {
        hash.update(layer);
        for matrix in [a, b] {
            hash.update(format!("{:?}", matrix.dims()));
            for number in matrix.flatten_all()?.to_vec1::<f32>()? {
                hash.update(number.to_le_bytes());
            }
        }
    }
    Ok(hex(&hash.finalize()))
}

/// The hash of some texts.
fn of_texts(texts: &[String]) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use blip2::{LoraConfig, TargetModules};
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn an_adapter_is_told_by_both_matrices_and_its_settings() {
        let matrix = |rows, columns, first: f32| {
            let mut numbers = vec![0.5; rows * columns];
            numbers[0] = first;
            Tensor::from_vec(numbers, (rows, columns), &Device::Cpu).unwrap()
        };
        let adapter = |alpha, a, b| Adapter {
            config: LoraConfig {
                r: 2,
                alpha,
                dropout: 0.0,
                target_modules: TargetModules::Names(vec!["q".to_owned()]),
                use_rslora: false,
            },
            layers: [("x.q".to_owned(), (matrix(2, 3, a), matrix(4, 2, b)))].into(),
        };
        let mut rank = adapter(8.0, 0.0, 0.0);
        rank.config.r = 3;
        let different = [
            adapter(8.0, 0.0, 0.0),
            adapter(16.0, 0.0, 0.0),
            adapter(8.0, 1.0, 0.0),
            adapter(8.0, 0.0, 1.0),
            rank,
        ];
        let hashes: Vec<String> = different
            .iter()
            .map(|adapter| of_adapter(adapter).unwrap())
            .collect();
        let unique: std::collections::BTreeSet<&String> = hashes.iter().collect();
        assert_eq!(unique.len(), different.len());
        assert_eq!(of_adapter(&different[0]).unwrap(), hashes[0]);
    }
}
