//! Quantised weights in a GGUF file, as `model-server quantize` writes it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::quantized::QTensor;
use candle_core::quantized::gguf_file::Content;
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
        let content = Content::read(&mut file)
            .map_err(|error| read(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))?;
        Ok(Self {
            inner: Arc::new(Inner {
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
        let Inner { content, file } = &*self.inner;
        if !content.tensor_infos.contains_key(name) {
            return Err(missing(name));
        }
        // Every read begins with a seek: what a panic left behind is harmless.
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        content.tensor(&mut *file, name, &Device::Cpu)
    }
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
