//! Weights as Hugging Face stores them.
//!
//! A tensor is read when it is asked for and belongs to the caller alone: a
//! model in another form than the file's never has the file in memory beside.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;
use safetensors::tensor::Metadata;

use crate::error::Error;

/// Bytes of the number that says how long the header is.
const LENGTH_BYTES: usize = 8;

/// Longest header, as the reference implementation has it.
const MAX_HEADER_BYTES: u64 = 100_000_000;

/// Some files of tensors, opened, their headers read.
#[derive(Debug)]
pub(crate) struct SafetensorsFiles {
    files: Vec<File>,
    tensors: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    file: usize,
    dtype: DType,
    shape: Vec<usize>,
    offset: u64,
    bytes: usize,
}

impl SafetensorsFiles {
    /// Opens files and reads what is in them.
    ///
    /// # Errors
    /// When a file cannot be read or is none of this kind.
    pub(crate) fn open(paths: &[PathBuf]) -> std::result::Result<Self, Error> {
        let mut all = Self {
            files: Vec::with_capacity(paths.len()),
            tensors: BTreeMap::new(),
        };
        for path in paths {
            all.add(path).map_err(|reason| Error::Read {
                path: path.clone(),
                reason,
            })?;
        }
        Ok(all)
    }

    fn add(&mut self, path: &Path) -> std::io::Result<()> {
        let damaged = |reason: String| std::io::Error::new(std::io::ErrorKind::InvalidData, reason);
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut bytes = [0; LENGTH_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let header_bytes = u64::from_le_bytes(bytes);
        if header_bytes > MAX_HEADER_BYTES || header_bytes + LENGTH_BYTES as u64 > length {
            return Err(damaged("it is cut off, or no safetensors file".to_owned()));
        }
        let mut header = vec![0; header_bytes as usize];
        file.read_exact_at(&mut header, LENGTH_BYTES as u64)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| damaged(error.to_string()))?;
        let data_begins = LENGTH_BYTES as u64 + header_bytes;
        if data_begins + metadata.data_len() as u64 > length {
            return Err(damaged(
                "it is cut off: tensors are missing at its end".to_owned(),
            ));
        }
        for (name, info) in metadata.tensors() {
            let dtype = DType::try_from(info.dtype).map_err(|error| damaged(error.to_string()))?;
            let (start, end) = info.data_offsets;
            let place = Place {
                file: self.files.len(),
                dtype,
                shape: info.shape.clone(),
                offset: data_begins + start as u64,
                bytes: end - start,
            };
            self.tensors.insert(name, place);
        }
        self.files.push(file);
        Ok(())
    }

    /// The names of all tensors, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// A tensor's number type and dimensions.
    pub(crate) fn shape(&self, name: &str) -> Result<(DType, Vec<usize>)> {
        let place = self.place(name)?;
        Ok((place.dtype, place.shape.clone()))
    }

    /// A tensor as it is stored.
    pub(crate) fn tensor(&self, name: &str) -> Result<Tensor> {
        let place = self.place(name)?;
        let mut bytes = vec![0; place.bytes];
        self.files[place.file].read_exact_at(&mut bytes, place.offset)?;
        Tensor::from_raw_buffer(&bytes, place.dtype, &place.shape, &Device::Cpu)
    }

    fn place(&self, name: &str) -> Result<&Place> {
        self.tensors.get(name).ok_or_else(|| missing(name))
    }
}

/// What candle says too where a tensor is not there.
pub(super) fn missing(name: &str) -> candle_core::Error {
    candle_core::Error::CannotFindTensor {
        path: name.to_owned(),
    }
}

/// Checks a tensor's shape against what the model wants.
pub(super) fn check_shape(name: &str, wanted: &Shape, stored: &Shape) -> Result<()> {
    if wanted != stored {
        candle_core::bail!(
            "{name} is {:?}, it should be {:?}",
            stored.dims(),
            wanted.dims()
        );
    }
    Ok(())
}

impl SimpleBackend for SafetensorsFiles {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        check_shape(
            name,
            &shape,
            &Shape::from(self.place(name)?.shape.as_slice()),
        )?;
        self.get_unchecked(name, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        self.tensor(name)?.to_dtype(dtype)?.to_device(device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn tensors_come_back_as_they_were_stored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        let a = Tensor::arange(0f32, 6.0, &Device::Cpu)
            .unwrap()
            .reshape((2, 3))
            .unwrap();
        let b = Tensor::new(&[1u32, 2], &Device::Cpu).unwrap();
        candle_core::safetensors::save(&HashMap::from([("a", a.clone()), ("b", b)]), &path)
            .unwrap();
        let files = SafetensorsFiles::open(std::slice::from_ref(&path)).unwrap();
        assert_eq!(files.names().collect::<Vec<_>>(), ["a", "b"]);
        let read = files.tensor("a").unwrap();
        assert_eq!(read.to_vec2::<f32>().unwrap(), a.to_vec2::<f32>().unwrap());
        assert!(files.tensor("c").unwrap_err().to_string().contains('c'));
        let bytes = std::fs::read(&path).unwrap();
        for cut in [0, 7, 20, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..cut]).unwrap();
            let error = SafetensorsFiles::open(std::slice::from_ref(&path)).unwrap_err();
            assert!(error.to_string().contains("model.safetensors"), "{error}");
        }
    }
}
