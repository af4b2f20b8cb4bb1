//! A checkpoint's folder, in the layout of Hugging Face.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::Deserialize;

use crate::error::Error;

const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// `model.safetensors.index.json`: which tensor is in which file.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads a text file of the checkpoint.
pub(crate) fn read(folder: &Path, name: &str) -> Result<String, Error> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
}

/// The same for a file that a checkpoint may lack.
pub(crate) fn read_optional(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    match read(folder, name) {
        Err(Error::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            Ok(None)
        }
        other => other.map(Some),
    }
}

/// The files that hold the weights: one, or the shards that the index names.
pub(crate) fn weight_files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let single = folder.join(WEIGHTS);
    if single.is_file() {
        return Ok(vec![single]);
    }
    let Some(index) = read_optional(folder, INDEX)? else {
        let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"]
            .iter()
            .any(|name| folder.join(name).exists());
        let hint = if pickled {
            "; there are PyTorch weights: save the model with safetensors (save_pretrained of \
             a recent transformers does)"
        } else {
            ""
        };
        return Err(Error::NoWeights {
            folder: folder.to_owned(),
            hint,
        });
    };
    let index: Index = serde_json::from_str(&index).map_err(|error| Error::Read {
        path: folder.join(INDEX),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    })?;
    let shards: BTreeSet<String> = index.weight_map.into_values().collect();
    shards
        .into_iter()
        .map(|name| {
            let path = folder.join(&name);
            // A shard is a file of this folder and nowhere else.
            let plain = Path::new(&name)
                .file_name()
                .is_some_and(|plain| plain == name.as_str());
            match std::fs::metadata(&path) {
                Ok(_) if plain => Ok(path),
                Ok(_) => Err(Error::Read {
                    path,
                    source: std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        "the index names a file outside the checkpoint",
                    ),
                }),
                Err(source) => Err(Error::Read { path, source }),
            }
        })
        .collect()
}

/// The weights of a folder, converted to `dtype` as they are asked for.
pub(crate) fn weights(
    folder: &Path,
    dtype: DType,
    device: &Device,
) -> Result<VarBuilder<'static>, Error> {
    let files = weight_files(folder)?;
    for path in &files {
        // Opened before it is mapped, so that the error names the file.
        std::fs::File::open(path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
    }
    // SAFETY: mapping a file is sound as long as nobody writes to it while it
    // is mapped. A checkpoint is read-only by contract (SageMaker mounts it
    // so), this crate replaces such files by renaming and never in place, and
    // the map lives only until every tensor has been copied out of it.
    #[allow(unsafe_code)]
    let vb = unsafe { VarBuilder::from_mmaped_safetensors(&files, dtype, device) };
    vb.map_err(Error::Weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_those_of_the_index() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        put(
            INDEX,
            r#"{"weight_map": {"a": "x.safetensors", "b": "y.safetensors", "c": "x.safetensors"}}"#,
        );
        put("x.safetensors", "");
        let missing = weight_files(folder.path()).unwrap_err().to_string();
        assert!(missing.contains("y.safetensors"), "{missing}");
        put("y.safetensors", "");
        assert_eq!(weight_files(folder.path()).unwrap().len(), 2);
    }

    #[test]
    fn an_index_cannot_name_a_file_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("model");
        std::fs::create_dir(&inner).unwrap();
        std::fs::write(folder.path().join("x.safetensors"), "").unwrap();
        std::fs::write(
            inner.join(INDEX),
            r#"{"weight_map": {"a": "../x.safetensors"}}"#,
        )
        .unwrap();
        let error = weight_files(&inner).unwrap_err().to_string();
        assert!(error.contains("x.safetensors"), "{error}");
    }

    #[test]
    fn a_folder_without_weights_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let error = weight_files(folder.path()).unwrap_err().to_string();
        assert!(error.contains("model.safetensors"), "{error}");
        std::fs::write(folder.path().join("pytorch_model.bin"), "").unwrap();
        let error = weight_files(folder.path()).unwrap_err().to_string();
        assert!(error.contains("safetensors (save_pretrained"), "{error}");
    }
}
