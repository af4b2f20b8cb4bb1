//! Files of a checkpoint, written whole or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use candle_core::{DType, Result, Tensor};
use safetensors::Dtype;
use serde_json::{Map, Value, json};

use crate::error::Error;

/// Files of a checkpoint besides its weights; the first three are required.
pub(crate) const COMPANIONS: [&str; 5] = [
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "generation_config.json",
    "vocabulary.json",
];

/// What the names of files begin with that are not whole yet. One that is there
/// when nobody writes was left by a process that was killed.
pub const UNFINISHED: &str = ".writing-";

/// Bytes of the header are padded to a multiple of this, so that the numbers
/// lie at addresses that suit their type.
const ALIGNMENT: usize = 8;

/// A tensor that is to be written.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) dims: Vec<usize>,
}

/// Writes a file of text or bytes under a temporary name and renames it.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::result::Result<(), Error> {
    replacing(&folder.join(name), |file| file.write_all(bytes))
}

/// Writes tensors as a safetensors file.
pub(crate) fn write_tensors(
    tensors: impl Iterator<Item = (String, Tensor)>,
    path: &Path,
) -> std::result::Result<(), Error> {
    let tensors: Vec<(String, Tensor)> = tensors.collect();
    let entries = tensors.iter().map(|(name, tensor)| Entry {
        name: name.clone(),
        dtype: tensor.dtype(),
        dims: tensor.dims().to_vec(),
    });
    let mut next = tensors.iter();
    write_entries(&entries.collect::<Vec<_>>(), path, |_| {
        let (_, tensor) = next
            .next()
            .ok_or_else(|| candle_core::Error::Msg("a tensor is missing".to_owned()))?;
        Ok(tensor.clone())
    })
}

/// The same, one tensor after the other, as `tensor` gives it when its turn
/// comes.
pub(crate) fn write_entries(
    entries: &[Entry],
    path: &Path,
    mut tensor: impl FnMut(&Entry) -> Result<Tensor>,
) -> std::result::Result<(), Error> {
    let header = header(entries).map_err(Error::Compute)?;
    replacing(path, |file| {
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        for entry in entries {
            let tensor = tensor(entry).map_err(std::io::Error::other)?;
            if tensor.dtype() != entry.dtype || tensor.dims() != entry.dims {
                let reason = format!("{} is not as it was announced", entry.name);
                return Err(std::io::Error::other(reason));
            }
            tensor.write_bytes(file).map_err(std::io::Error::other)?;
        }
        Ok(())
    })
}

fn header(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({"format": "pt"}));
    let mut offset = 0usize;
    for entry in entries {
        let end = offset + entry.dims.iter().product::<usize>() * entry.dtype.size_in_bytes();
        let dtype: Dtype = entry.dtype.into();
        let info = json!({
            "dtype": dtype,
            "shape": entry.dims,
            "data_offsets": [offset, end],
        });
        header.insert(entry.name.clone(), info);
        offset = end;
    }
    let mut bytes = Value::Object(header).to_string().into_bytes();
    bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), b' ');
    Ok(bytes)
}

/// Writes a file under a temporary name, sees that it is on the disk, and
/// renames it.
fn replacing(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> std::io::Result<()>,
) -> std::result::Result<(), Error> {
    let written = |reason| Error::Write {
        path: path.to_owned(),
        reason,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let temporary = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder)
        .map_err(written)?;
    let mut file = BufWriter::new(temporary.as_file());
    fill(&mut file).map_err(written)?;
    file.flush().map_err(written)?;
    drop(file);
    temporary.as_file().sync_all().map_err(written)?;
    // Readable as any file, unlike a temporary one.
    readable(temporary.as_file()).map_err(written)?;
    temporary
        .persist(path)
        .map_err(|error| written(error.error))?;
    Ok(())
}

#[cfg(unix)]
fn readable(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable(_file: &File) -> std::io::Result<()> {
    Ok(())
}
