//! The photographs of a drawn catalogue.

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{DrawOptions, Flaw, flaw, garment, id, photo_stream};
use crate::drawing::photograph;
use crate::error::Error;
use crate::files::{make_folder, write_whole};
use crate::progress::Progress;

/// The quality at which a repeated photograph is saved once more.
const SAVED_AGAIN: u8 = 60;

/// Writes `images/<id>.jpg`; returns how many were there already.
pub(super) fn write(options: &DrawOptions, progress: &dyn Progress) -> Result<u64, Error> {
    let folder = options.out.join("images");
    make_folder(&folder)?;
    progress.stage("drawing", options.products);
    (0..options.products)
        .into_par_iter()
        .map(|index| {
            let kept = write_one(options, &folder, index)?;
            progress.advance(1);
            Ok(u64::from(kept))
        })
        .sum()
}

fn write_one(options: &DrawOptions, folder: &Path, index: u64) -> Result<bool, Error> {
    let path = folder.join(format!("{}.jpg", id(index)));
    let flaw = flaw(options, index);
    if flaw.is_some_and(Flaw::leaves_no_photo) {
        return Ok(false);
    }
    if path.is_file() {
        return Ok(true);
    }
    let mut bytes = match flaw {
        Some(Flaw::RepeatedPhoto) => saved_again(&take(options.seed, index - 1)?, index)?,
        _ => take(options.seed, index)?,
    };
    if flaw == Some(Flaw::DamagedPhoto) {
        bytes.truncate(bytes.len() / 3);
    }
    write_whole(&path, &bytes)?;
    Ok(false)
}

fn take(seed: u64, index: u64) -> Result<Vec<u8>, Error> {
    photograph(&garment(seed, index), seed, photo_stream(index)).map_err(|source| Error::Encode {
        id: id(index).to_string(),
        source,
    })
}

fn saved_again(bytes: &[u8], index: u64) -> Result<Vec<u8>, Error> {
    let mut again = Vec::new();
    image::load_from_memory_with_format(bytes, image::ImageFormat::Jpeg)
        .and_then(|picture| {
            JpegEncoder::new_with_quality(&mut again, SAVED_AGAIN).encode_image(&picture)
        })
        .map_err(|source| Error::Encode {
            id: id(index).to_string(),
            source,
        })?;
    Ok(again)
}
