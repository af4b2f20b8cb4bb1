//! Quantised weights in a GGUF file, as `model-server quantize` writes it.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::{Content, TensorInfo};
use candle_core::{DType, Device, Result, Shape, Tensor};
use candle_nn::Init;
use candle_nn::var_builder::SimpleBackend;

use super::safetensors::{check_shape, missing};
use crate::engine::Quantization;
use crate::error::Error;

/// The name of the file in a checkpoint's folder.
pub(crate) const GGUF_FILE: &str = "model.gguf";

/// A GGUF file, opened, its header read.
#[derive(Clone)]
pub(crate) struct GgufFile {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    content: Content,
    file: Mutex<BufReader<File>>,
}

impl GgufFile {
    /// Opens a file.
    ///
    /// # Errors
    /// When it cannot be read or is none of this kind.
    pub(crate) fn open(path: &Path) -> std::result::Result<Self, Error> {
        let read = |reason| Error::Read {
            path: path.to_owned(),
            reason,
        };
        let mut file = BufReader::new(File::open(path).map_err(read)?);
        let length = file.get_ref().metadata().map_err(read)?.len();
        let content = Content::read(&mut file)
            .map_err(|error| read(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
        let is_missing = |info: &TensorInfo| end_of(&content, info).is_none_or(|end| end > length);
        let missing = content.tensor_infos.iter();
        let missing = missing.filter(|(_, info)| is_missing(info));
        // Always the same one, so that the same file gives the same message.
        if let Some(name) = missing.map(|(name, _)| name).min() {
            let reason = format!("it is cut off or damaged: {name} is not all in it");
            return Err(read(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                reason,
            )));
        }
        Ok(Self {
            inner: Arc::new(Inner {
                path: path.to_owned(),
                content,
                file: Mutex::new(file),
            }),
        })
    }

    /// The format of its linear layers: of the first tensor in blocks.
    pub(crate) fn quantization(&self) -> Option<Quantization> {
        let infos = self.inner.content.tensor_infos.values();
        infos
            .map(|info| info.ggml_dtype)
            .find_map(Quantization::from_ggml)
    }

    /// The blocks of a matrix `(outputs, inputs)` whose rows may be padded;
    /// `None` where the tensor is not in blocks.
    pub(crate) fn blocks(
        &self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Option<QTensor>> {
        let Some(info) = self.inner.content.tensor_infos.get(name) else {
            return Ok(None);
        };
        if Quantization::from_ggml(info.ggml_dtype).is_none() {
            return Ok(None);
        }
        let padded = inputs.next_multiple_of(info.ggml_dtype.block_size());
        check_shape(name, &Shape::from((outputs, padded)), &info.shape)?;
        self.tensor(name).map(Some)
    }

    fn tensor(&self, name: &str) -> Result<QTensor> {
        let Inner {
            path,
            content,
            file,
        } = &*self.inner;
        if !content.tensor_infos.contains_key(name) {
            return Err(missing(name));
        }
        // Every read begins with a seek: what a panic left behind is harmless.
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        content
            .tensor(&mut *file, name, &Device::Cpu)
            .map_err(|error| {
                let path = path.display();
                candle_core::Error::msg(format!("cannot read {name} in {path}: {error}"))
            })
    }
}

/// Where the bytes of a tensor end in the file; `None` where its sizes are none.
fn end_of(content: &Content, info: &TensorInfo) -> Option<u64> {
    let mut dims = info.shape.dims().iter();
    let elements = dims.try_fold(1u64, |product, &dim| product.checked_mul(dim as u64))?;
    let blocks = elements.div_ceil(info.ggml_dtype.block_size() as u64);
    let bytes = blocks.checked_mul(info.ggml_dtype.type_size() as u64)?;
    let start = content.tensor_data_offset.checked_add(info.offset)?;
    start.checked_add(bytes)
}

impl SimpleBackend for GgufFile {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _init: Init,
        dtype: DType,
        device: &Device,
    ) -> Result<Tensor> {
        if let Some(info) = self.inner.content.tensor_infos.get(name) {
            check_shape(name, &shape, &info.shape)?;
        }
        self.get_unchecked(name, dtype, device)
    }

    fn get_unchecked(&self, name: &str, dtype: DType, device: &Device) -> Result<Tensor> {
        let tensor = self.tensor(name)?.dequantize(&Device::Cpu)?;
        tensor.to_dtype(dtype)?.to_device(device)
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.inner.content.tensor_infos.contains_key(name)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use candle_core::quantized::{GgmlDType, gguf_file};

    use super::*;

    fn tensor(from: f32) -> QTensor {
        let values = Tensor::arange(from, from + 64.0, &Device::Cpu).unwrap();
        QTensor::quantize(&values.reshape((2, 32)).unwrap(), GgmlDType::Q8_0).unwrap()
    }

    #[test]
    fn a_damaged_file_is_named_with_the_tensor_that_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(GGUF_FILE);
        let (a, b) = (tensor(0.0), tensor(64.0));
        let mut bytes = Cursor::new(Vec::new());
        gguf_file::write(&mut bytes, &[], &[("a.weight", &a), ("b.weight", &b)]).unwrap();
        let bytes = bytes.into_inner();
        let open = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            GgufFile::open(&path)
        };

        assert!(open(&bytes).unwrap().tensor("b.weight").is_ok());
        for cut in [0, 7, 30] {
            let error = open(&bytes[..cut]).err().unwrap().to_string();
            assert!(error.contains(GGUF_FILE), "{cut}: {error}");
        }
        // Two blocks of 34 bytes and 28 of padding are the last tensor.
        let most = &bytes[..bytes.len() - 40];
        let error = open(most).err().unwrap().to_string();
        for part in [GGUF_FILE, "cut off", "b.weight"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!error.contains("a.weight"), "{error}");

        // Cut while it is used.
        let opened = open(&bytes).unwrap();
        std::fs::write(&path, most).unwrap();
        let error = opened.tensor("b.weight").err().unwrap().to_string();
        for part in [GGUF_FILE, "b.weight"] {
            assert!(error.contains(part), "{error}");
        }
    }
}
