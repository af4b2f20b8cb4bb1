//! An adapter's weights in PEFT's layout: `adapter_config.json` beside
//! `adapter_model.safetensors`.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Tensor};

use super::LoraConfig;
use crate::checkpoint::{self, SafetensorsFiles, write_tensors};
use crate::error::Error;

const CONFIG: &str = "adapter_config.json";
const WEIGHTS: &str = "adapter_model.safetensors";
const PREFIX: &str = "base_model.model.";
const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

/// The two matrices of every adapted layer, in f32 on the CPU.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// The settings.
    pub config: LoraConfig,
    /// By the layer's name: `A` `(r, in)` and `B` `(out, r)`.
    pub layers: BTreeMap<String, (Tensor, Tensor)>,
}

impl Adapter {
    /// The names of its files.
    pub const FILES: [&str; 2] = [CONFIG, WEIGHTS];

    /// Reads an adapter's folder.
    ///
    /// # Errors
    /// When a file is missing or malformed, or the files do not fit each other.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let config = LoraConfig::from_json(&checkpoint::read(folder, CONFIG)?)?;
        let files = SafetensorsFiles::open(&[folder.join(WEIGHTS)])?;
        let mut layers = BTreeMap::new();
        for name in files.names() {
            let layer = name.strip_prefix(PREFIX);
            let Some(layer) = layer.and_then(|name| name.strip_suffix(A)) else {
                if name.ends_with(B) {
                    continue;
                }
                return Err(Error::Adapter(format!("{WEIGHTS}: unknown tensor {name}")));
            };
            let number = |name: &str| -> candle_core::Result<Tensor> {
                files.tensor(name)?.to_dtype(DType::F32)
            };
            let pair = number(name)
                .and_then(|a| Ok((a, number(&format!("{PREFIX}{layer}{B}"))?)))
                .map_err(Error::Weights)?;
            let (a, b) = (pair.0.dims(), pair.1.dims());
            if a.len() != 2 || b.len() != 2 || a[0] != config.r || b[1] != config.r {
                return Err(Error::Adapter(format!(
                    "{layer} has matrices {a:?} and {b:?} for r = {}",
                    config.r
                )));
            }
            layers.insert(layer.to_owned(), pair);
        }
        if layers.is_empty() {
            return Err(Error::Adapter(format!("{WEIGHTS} has no adapted layer")));
        }
        Ok(Self { config, layers })
    }

    /// Writes an adapter's files to a folder, each under a temporary name
    /// first.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let tensors = self.layers.iter().flat_map(|(layer, (a, b))| {
            [
                (format!("{PREFIX}{layer}{A}"), a.clone()),
                (format!("{PREFIX}{layer}{B}"), b.clone()),
            ]
        });
        write_tensors(tensors, &folder.join(WEIGHTS))?;
        checkpoint::write(folder, CONFIG, self.config.to_json().as_bytes())
    }
}
