//! Numbers of parameters in a safetensors file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, anyhow};
use safetensors::{Dtype, SafeTensors, View};

/// Parameters' numbers by name.
pub type Numbers = BTreeMap<String, Vec<f32>>;

/// Each with its name, as [`to_bytes`] takes them.
pub fn named(numbers: &Numbers) -> impl Iterator<Item = (String, &[f32])> {
    let each = numbers.iter();
    each.map(|(name, numbers)| (name.clone(), numbers.as_slice()))
}

struct Slice<'a> {
    shape: [usize; 1],
    numbers: &'a [f32],
}

impl View for Slice<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes = self.numbers.iter().flat_map(|number| number.to_le_bytes());
        Cow::Owned(bytes.collect())
    }

    fn data_len(&self) -> usize {
        self.numbers.len() * 4
    }
}

/// The file's bytes.
///
/// # Errors
/// When it cannot be made.
pub fn to_bytes<'a>(numbers: impl Iterator<Item = (String, &'a [f32])>) -> anyhow::Result<Vec<u8>> {
    let views = numbers.map(|(name, numbers)| {
        let shape = [numbers.len()];
        (name, Slice { shape, numbers })
    });
    Ok(safetensors::serialize(views, None)?)
}

/// Reads such a file.
///
/// # Errors
/// When it cannot be read or is none.
pub fn read(path: &Path) -> anyhow::Result<Numbers> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let tensors =
        SafeTensors::deserialize(&bytes).with_context(|| format!("{}", path.display()))?;
    tensors
        .iter()
        .map(|(name, view)| {
            if view.dtype() != Dtype::F32 {
                return Err(anyhow!("{}: {name} is no f32", path.display()));
            }
            let number = |bytes: &[u8]| bytes.try_into().map(f32::from_le_bytes);
            let numbers: Result<Vec<f32>, _> = view.data().chunks_exact(4).map(number).collect();
            Ok((name.to_owned(), numbers?))
        })
        .collect()
}
