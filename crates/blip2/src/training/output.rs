//! What was learnt, as files.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::Trainee;
use crate::checkpoint::{self, COMPANIONS, Entry, SafetensorsFiles, WEIGHTS, write_entries};
use crate::error::Error;
use crate::lora::{Adapter, LORA_A, LORA_B};
use crate::weights::Trains;

/// Files that transformers' slow tokenizers and processors read besides.
const OF_TOKENIZER: [&str; 4] = [
    "added_tokens.json",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
];

impl Trainee {
    /// The adapter as it is now; `None` where all weights learn.
    ///
    /// # Errors
    /// When its numbers cannot be fetched from the device.
    pub fn adapter(&self) -> Result<Option<Adapter>, Error> {
        let Trains::Lora(config, _) = &self.training.trains else {
            return Ok(None);
        };
        let tensors: BTreeMap<&str, Tensor> = self
            .parameters
            .iter()
            .map(|parameter| {
                let values = parameter.values()?;
                let tensor = Tensor::from_vec(values, parameter.dims(), &Device::Cpu)?;
                Ok((parameter.name(), tensor))
            })
            .collect::<candle_core::Result<_>>()?;
        let pairs = tensors.iter().filter_map(|(name, a)| {
            let layer = name.strip_suffix(LORA_A)?.strip_suffix('.')?;
            let b = tensors.get(format!("{layer}.{LORA_B}").as_str())?;
            Some((layer.to_owned(), (a.clone(), b.clone())))
        });
        Ok(Some(Adapter {
            config: config.clone(),
            layers: pairs.collect(),
        }))
    }

    /// Writes the whole model to a folder, in the layout and number types of
    /// the checkpoint that it was loaded from: an adapter is merged into the
    /// layers it belongs to. Each file is written under a temporary name first,
    /// the weights last.
    ///
    /// # Errors
    /// When the checkpoint cannot be read any more or the folder not be
    /// written to.
    pub fn write_checkpoint(&self, folder: &Path) -> Result<(), Error> {
        for name in COMPANIONS.iter().chain(&OF_TOKENIZER) {
            if let Some(text) = checkpoint::read_optional(&self.model_dir, name)? {
                checkpoint::write(folder, name, text.as_bytes())?;
            }
        }
        let files = SafetensorsFiles::open(&checkpoint::weight_files(&self.model_dir)?)?;
        let entries: Vec<Entry> = files
            .names()
            .map(|name| {
                let (dtype, dims) = files.shape(name)?;
                let name = name.to_owned();
                Ok(Entry { name, dtype, dims })
            })
            .collect::<candle_core::Result<_>>()?;
        let adapter = self.adapter()?;
        write_entries(&entries, &folder.join(WEIGHTS), |entry| {
            let stored = || files.tensor(&entry.name);
            let learnt = match &adapter {
                Some(adapter) => merged(adapter, &entry.name, stored)?,
                None => self.parameter_tensor(&entry.name)?,
            };
            match learnt {
                Some(tensor) => tensor.reshape(entry.dims.as_slice())?.to_dtype(entry.dtype),
                None => stored(),
            }
        })
    }

    /// The parameter that a tensor of the checkpoint is.
    fn parameter_tensor(&self, name: &str) -> candle_core::Result<Option<Tensor>> {
        let name = self.training.registry.parameter_name(name);
        let found = self
            .parameters
            .binary_search_by(|parameter| parameter.name().cmp(&name));
        let Ok(index) = found else { return Ok(None) };
        let parameter = &self.parameters[index];
        Tensor::from_vec(parameter.values()?, parameter.dims(), &Device::Cpu).map(Some)
    }
}

/// `W + scale · B A`, if `name` is the weight of an adapted layer.
fn merged(
    adapter: &Adapter,
    name: &str,
    stored: impl FnOnce() -> candle_core::Result<Tensor>,
) -> candle_core::Result<Option<Tensor>> {
    let layer = name.strip_suffix(".weight").unwrap_or(name);
    let Some((a, b)) = adapter.layers.get(layer) else {
        return Ok(None);
    };
    let weight = stored()?.to_dtype(DType::F32)?;
    let delta = (b.matmul(a)? * adapter.config.scale())?;
    (weight.flatten_from(1)? + delta)?
        .reshape(weight.shape())
        .map(Some)
}
