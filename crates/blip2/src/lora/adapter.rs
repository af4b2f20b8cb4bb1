//! An adapter's weights in PEFT's layout: `adapter_config.json` beside
//! `adapter_model.safetensors`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use candle_core::{DType, Tensor};

use super::{LORA_A, LORA_B, LoraConfig};
use crate::checkpoint::{self, SafetensorsFiles, write_tensors};
use crate::error::Error;

pub(super) const CONFIG: &str = "adapter_config.json";
pub(super) const WEIGHTS: &str = "adapter_model.safetensors";
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
        let names: BTreeSet<&str> = files.names().collect();
        let mut layers = BTreeMap::new();
        for &name in &names {
            let layer = name.strip_prefix(PREFIX).and_then(|name| {
                let of_b = || name.strip_suffix(B);
                name.strip_suffix(A).or_else(of_b)
            });
            let Some(layer) = layer else {
                return Err(Error::Adapter(format!("{WEIGHTS}: unknown tensor {name}")));
            };
            let pair = [A, B].map(|end| format!("{PREFIX}{layer}{end}"));
            for (index, other) in pair.iter().enumerate() {
                if !names.contains(other.as_str()) {
                    return Err(Error::Adapter(format!(
                        "{WEIGHTS}: {layer} has {} without {}: the file is not whole",
                        [LORA_B, LORA_A][index],
                        [LORA_A, LORA_B][index]
                    )));
                }
            }
            if name.ends_with(B) {
                // It comes with its A.
                continue;
            }
            let number = |name: String| -> candle_core::Result<Tensor> {
                files.tensor(&name)?.to_dtype(DType::F32)
            };
            let [a, b] = pair.map(number);
            let pair = (a.map_err(Error::Weights)?, b.map_err(Error::Weights)?);
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

    /// Looks whether the layers of the model, `layers`, that the settings are for are those
    /// that have matrices.
    ///
    /// # Errors
    /// [`Error::Adapter`] that names what does not go together.
    pub(crate) fn check_targets(&self, layers: &[String]) -> Result<(), Error> {
        let adapted = self.layers.keys().map(String::as_str).collect();
        self.config.target_modules.check(layers, &adapted)
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

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::lora::TargetModules;

    #[test]
    fn a_matrix_without_its_other_half_is_refused() {
        let adapter = Adapter {
            config: LoraConfig {
                r: 2,
                alpha: 4.0,
                dropout: 0.0,
                target_modules: TargetModules::Names(vec!["q".into()]),
                use_rslora: false,
            },
            layers: ["x.q", "y.q"]
                .map(|layer| {
                    let of = |dims| Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
                    (layer.to_owned(), (of((2, 3)), of((5, 2))))
                })
                .into(),
        };
        let folder = tempfile::tempdir().unwrap();
        adapter.write(folder.path()).unwrap();
        let path = folder.path().join(WEIGHTS);
        let whole = candle_core::safetensors::load(&path, &Device::Cpu).unwrap();
        assert_eq!(Adapter::read(folder.path()).unwrap().layers.len(), 2);
        for (missing, reason) in [(A, "lora_B without lora_A"), (B, "lora_A without lora_B")] {
            let mut rest = whole.clone();
            rest.remove(&format!("{PREFIX}x.q{missing}")).unwrap();
            candle_core::safetensors::save(&rest, &path).unwrap();
            let error = Adapter::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("x.q has {reason}")), "{error}");
        }
        // One of another model's naming ends the same way.
        let mut foreign = whole.clone();
        foreign.insert(
            format!("model.x.q{B}"),
            whole[&format!("{PREFIX}x.q{B}")].clone(),
        );
        candle_core::safetensors::save(&foreign, &path).unwrap();
        let error = Adapter::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("unknown tensor model.x.q"), "{error}");
    }
}
