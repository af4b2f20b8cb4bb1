//! What was learnt, as files.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};

use super::Trainee;
use crate::checkpoint::{self, COMPANIONS, Entry, SafetensorsFiles, WEIGHTS, write_entries};
use crate::cpu;
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
    /// written to; [`Error::Training`], and no weights are written, when what was
    /// learnt is no finite number, also where only the checkpoint's number type is
    /// too narrow for it.
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
        let mut unfit = None;
        let written = write_entries(&entries, &folder.join(WEIGHTS), |entry| {
            let stored = || files.tensor(&entry.name);
            let learnt = match &adapter {
                Some(adapter) => merged(adapter, &entry.name, stored)?,
                None => self.parameter_tensor(&entry.name)?,
            };
            let Some(learnt) = learnt else {
                return stored();
            };
            let learnt = learnt.reshape(entry.dims.as_slice())?;
            let kept = learnt.to_dtype(entry.dtype)?;
            if !is_finite(&kept)? {
                unfit = Some(not_finite(entry, &learnt)?);
                candle_core::bail!("{} is not finite", entry.name);
            }
            Ok(kept)
        });
        match unfit {
            Some(reason) => Err(Error::Training(reason)),
            None => written,
        }
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

fn is_finite(tensor: &Tensor) -> candle_core::Result<bool> {
    let numbers = tensor.to_dtype(DType::F32)?.contiguous()?;
    cpu::read(&numbers, |numbers| {
        numbers.iter().all(|number| number.is_finite())
    })
}

/// Why a tensor cannot be written.
fn not_finite(entry: &Entry, learnt: &Tensor) -> candle_core::Result<String> {
    let name = &entry.name;
    Ok(match is_finite(learnt)? {
        true => format!(
            "{name} has learnt numbers that are too large for {}, in which the checkpoint holds \
             it: give the checkpoint in f32, or learn more slowly",
            entry.dtype.as_str()
        ),
        false => format!("{name} would hold what is no finite number: learn more slowly"),
    })
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
