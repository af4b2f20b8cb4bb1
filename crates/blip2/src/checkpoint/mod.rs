//! A checkpoint's folder, in the layout of Hugging Face.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use candle_core::{DType, Device};
use candle_nn::VarBuilder;
use serde::Deserialize;

mod gguf;
mod safetensors;
mod writer;

pub(crate) use gguf::{GGUF_FILE, GgufFile};
pub(crate) use safetensors::SafetensorsFiles;
pub use writer::UNFINISHED;
pub(crate) use writer::{COMPANIONS, Entry, write, write_entries, write_tensors};

use crate::engine::{Plan, Quantization};
use crate::error::Error;
use crate::weights::Weights;

pub(crate) const WEIGHTS: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// `model.safetensors.index.json`: which tensor is in which file.
#[derive(Debug, Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// Reads a text file of the checkpoint.
pub(crate) fn read(folder: &Path, name: &str) -> Result<String, Error> {
    let path = folder.join(name);
    std::fs::read_to_string(&path).map_err(|reason| Error::Read { path, reason })
}

/// The same for a file that a checkpoint may lack.
pub(crate) fn read_optional(folder: &Path, name: &str) -> Result<Option<String>, Error> {
    match read(folder, name) {
        Err(Error::Read { reason, .. }) if reason.kind() == std::io::ErrorKind::NotFound => {
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
        reason: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
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
                    reason: std::io::Error::new(
                        std::io::ErrorKind::InvalidData,
                        "the index names a file outside the checkpoint",
                    ),
                }),
                Err(reason) => Err(Error::Read { path, reason }),
            }
        })
        .collect()
}

/// The weights of a folder, in one of the forms that they are stored in.
pub(crate) enum Source {
    Safetensors(SafetensorsFiles),
    Gguf(GgufFile),
}

impl Source {
    /// Opens the weights of a folder: safetensors or the quantised file. A folder
    /// with both is refused: whichever was read, it might be the other that is
    /// meant, and answers would not tell.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        match weight_files(folder) {
            Ok(_) if folder.join(GGUF_FILE).is_file() => Err(Error::WeightForm(format!(
                "{} has its weights as safetensors and as {GGUF_FILE}, and which of them is \
                 meant cannot be told: move one of the two elsewhere",
                folder.display()
            ))),
            Ok(files) => SafetensorsFiles::open(&files).map(Self::Safetensors),
            Err(Error::NoWeights { .. }) if folder.join(GGUF_FILE).is_file() => {
                GgufFile::open(&folder.join(GGUF_FILE)).map(Self::Gguf)
            }
            Err(error) => Err(error),
        }
    }

    /// The format of the linear layers, if they are stored quantised.
    pub(crate) fn quantization(&self) -> Option<Quantization> {
        match self {
            Self::Safetensors(_) => None,
            Self::Gguf(file) => file.quantization(),
        }
    }

    /// The weights, plain tensors converted to `dtype` as they are asked for.
    pub(crate) fn into_weights(
        self,
        dtype: DType,
        device: &Device,
        plan: Plan,
    ) -> Weights<'static> {
        let device = device.clone();
        match self {
            Self::Safetensors(files) => {
                let vb = VarBuilder::from_backend(Box::new(files), dtype, device);
                Weights::new(vb, None, plan)
            }
            Self::Gguf(file) => {
                let vb = VarBuilder::from_backend(Box::new(file.clone()), dtype, device);
                Weights::new(vb, Some(file), plan)
            }
        }
    }
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
    fn a_folder_with_weights_in_two_forms_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in [WEIGHTS, GGUF_FILE] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let error = Source::open(folder.path()).err().unwrap().to_string();
        let place = folder.path().display().to_string();
        for part in [
            place.as_str(),
            "safetensors",
            GGUF_FILE,
            "move one of the two",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
        // With one of them it is that one that is wrong.
        std::fs::remove_file(folder.path().join(WEIGHTS)).unwrap();
        let error = Source::open(folder.path()).err().unwrap().to_string();
        assert!(error.starts_with("cannot read"), "{error}");
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
