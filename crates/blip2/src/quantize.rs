//! Weights to ggml's blocks, and a checkpoint to a file of them.

use std::io;
use std::path::{Path, PathBuf};

use candle_core::quantized::gguf_file::{self, Value};
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{DType, Device, Result, Tensor};

use crate::checkpoint::{self, COMPANIONS, GGUF_FILE, SafetensorsFiles};
use crate::engine::Quantization;
use crate::error::Error;

/// Quantises a matrix row by row; rows whose length is no multiple of the
/// block are padded with zeros.
pub(crate) fn quantize_rows(weight: &Tensor, quantization: Quantization) -> Result<QTensor> {
    let block = quantization.ggml().block_size();
    let inputs = weight.dim(1)?;
    let padded = weight.to_dtype(DType::F32)?.pad_with_zeros(
        1,
        0,
        inputs.next_multiple_of(block) - inputs,
    )?;
    QTensor::quantize(&padded, quantization.ggml())
}

/// Writes the checkpoint in `model_dir` to `out` with the weights of its
/// linear layers quantised: a folder that loads as the other does. `progress`
/// is called with the number of tensors done and of all.
///
/// The folder appears whole or not at all; those above it are made where they are
/// missing.
///
/// # Errors
/// When the checkpoint cannot be read, or `out` exists or cannot be written, both
/// before any tensor is read.
pub fn quantize_checkpoint(
    model_dir: &Path,
    quantization: Quantization,
    out: &Path,
    mut progress: impl FnMut(usize, usize),
) -> std::result::Result<(), Error> {
    let written = |reason| Error::Write {
        path: out.to_owned(),
        reason,
    };
    let files = SafetensorsFiles::open(&checkpoint::weight_files(model_dir)?)?;
    let (parent, place) = place_of(out).map_err(written)?;
    let names: Vec<&str> = files.names().collect();
    let mut tensors = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let tensor = files.tensor(name).map_err(Error::Weights)?;
        tensors.push((
            *name,
            stored(name, &tensor, quantization).map_err(Error::Weights)?,
        ));
        progress(index + 1, names.len());
    }
    let folder = folder_in(parent).map_err(written)?;
    for name in COMPANIONS {
        if model_dir.join(name).exists() {
            std::fs::copy(model_dir.join(name), folder.path().join(name)).map_err(written)?;
        }
    }
    let architecture = Value::String("blip-2".to_owned());
    let metadata = [("general.architecture", &architecture)];
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    let file = std::fs::File::create(folder.path().join(GGUF_FILE)).map_err(written)?;
    let mut file = io::BufWriter::new(file);
    gguf_file::write(&mut file, &metadata, &tensors)
        .map_err(|error| written(io::Error::other(error)))?;
    let file = file
        .into_inner()
        .map_err(|error| written(error.into_error()))?;
    file.sync_all().map_err(written)?;
    // Readable as any folder, unlike a temporary one.
    let permissions = std::fs::metadata(model_dir).map_err(written)?.permissions();
    std::fs::set_permissions(folder.path(), permissions).map_err(written)?;
    std::fs::rename(folder.path(), place).map_err(written)
}

/// The folder that `out` will be in, which is made where it is missing, and `out` within
/// it. Fails where `out` cannot be written: the work before it takes minutes.
fn place_of(out: &Path) -> io::Result<(&Path, PathBuf)> {
    let fail = |kind, reason: &str| Err(io::Error::new(kind, reason));
    let Some(name) = out.file_name() else {
        return fail(io::ErrorKind::InvalidInput, "it is no name of a new folder");
    };
    let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    // Without a `/` or `/.` at its end, with which a file or a link would be looked
    // through and not be seen.
    let place = parent.join(name);
    match place.symlink_metadata() {
        // A link that leads nowhere is in the way as well.
        Ok(_) => return fail(io::ErrorKind::AlreadyExists, "it exists already"),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return fail(error.kind(), "it would be in what is no folder");
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    std::fs::create_dir_all(parent)?;
    folder_in(parent)?.close()?;
    Ok((parent, place))
}

/// A new folder under a temporary name.
fn folder_in(parent: &Path) -> io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(".quantize-")
        .tempdir_in(parent)
}

/// A tensor as the file holds it: linear layers in blocks, all else in the
/// number type it had.
fn stored(name: &str, tensor: &Tensor, quantization: Quantization) -> Result<QTensor> {
    if is_linear(name, tensor) {
        let outputs = tensor.dim(0)?;
        return quantize_rows(&tensor.reshape((outputs, ()))?, quantization);
    }
    let dtype = match tensor.dtype() {
        DType::F16 => GgmlDType::F16,
        DType::BF16 => GgmlDType::BF16,
        _ => GgmlDType::F32,
    };
    QTensor::quantize(
        &tensor.to_dtype(DType::F32)?.to_device(&Device::Cpu)?,
        dtype,
    )
}

/// Whether a tensor is the weight of a linear layer (the kernel over patches
/// is one): not a norm, not a bias, not a table that rows are looked up in.
fn is_linear(name: &str, tensor: &Tensor) -> bool {
    let is_table = [
        "shared.weight",
        "embed_tokens.weight",
        "relative_attention_bias.weight",
    ]
    .iter()
    .any(|table| name.ends_with(table));
    name.ends_with(".weight") && tensor.rank() >= 2 && !is_table
}
