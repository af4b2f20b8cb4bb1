//! Photographs that training would not find where they are.

use std::collections::{BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

use super::Placed;
use crate::error::Error;
use crate::files::{Together, is_same, make_folder};
use crate::progress::Progress;

/// The folder for them in the output.
pub(super) const PHOTOS: &str = "images";

/// Training looks for `<id>.jpg` in one folder. Where photographs lie otherwise,
/// or in several folders, they are put into `folder` under that name: as another link
/// to the same file, or a copy where the disk has no links. Says whether they were.
pub(super) fn gather(
    folder: &Path,
    placed: &[Placed],
    files: &mut Together,
    progress: &dyn Progress,
) -> Result<bool, Error> {
    let first = first_folder(placed);
    let lies_there = |placed: &Placed| {
        let photo = &placed.product.entry.photo;
        photo.parent() == first
            && photo
                .file_name()
                .is_some_and(|file| file == &*gathered_name(placed))
    };
    if placed.iter().all(lies_there) {
        return Ok(false);
    }
    make_folder(folder)?;
    if holds_sources(folder, placed) {
        return Err(Error::Option(format!(
            "photos have to be gathered as <id>.jpg, and {} holds those of the catalogue, \
             which would be overwritten: choose another folder for the output",
            folder.display()
        )));
    }
    progress.stage("gathering photos", placed.len() as u64);
    for one in placed {
        let to = folder.join(gathered_name(one));
        files.link(&one.product.entry.photo, &to)?;
        progress.advance(1);
    }
    Ok(true)
}

/// The folder of the first photograph; where none is gathered, that of all.
fn first_folder(placed: &[Placed]) -> Option<&Path> {
    placed.first()?.product.entry.photo.parent()
}

fn gathered_name(placed: &Placed) -> String {
    format!("{}.jpg", placed.product.entry.id)
}

/// Whether a photograph of the catalogue itself lies in the folder.
fn holds_sources(folder: &Path, placed: &[Placed]) -> bool {
    let parents: BTreeSet<&Path> = placed
        .iter()
        .filter_map(|placed| placed.product.entry.photo.parent())
        .collect();
    parents.into_iter().any(|parent| is_same(parent, folder))
}

/// Says where `folder` holds more than what this run gathered: an earlier run may have
/// gathered it, or it is somebody's own, so it stays. Where this run gathered nothing,
/// that is all of it, whatever its names.
pub(super) fn tell_of_others(
    folder: &Path,
    placed: &[Placed],
    is_gathered: bool,
    progress: &dyn Progress,
) {
    if holds_sources(folder, placed) {
        return;
    }
    let ours: HashSet<OsString> = match is_gathered {
        true => placed
            .iter()
            .map(|placed| gathered_name(placed).into())
            .collect(),
        false => HashSet::new(),
    };
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let others = found.filter(|file| !ours.contains(&file.file_name()));
    let count = others.count();
    if count == 0 {
        return;
    }
    let folder = folder.display();
    match first_folder(placed).filter(|_| !is_gathered) {
        Some(photos) => progress.note(&format!(
            "{count} files in {folder} are not of this run: the photos of this catalogue lie in \
             {}, which is the folder to train with",
            photos.display()
        )),
        None => progress.note(&format!(
            "{count} files in {folder} are no photos of this catalogue; an earlier run may have \
             left them there, and training does not read them"
        )),
    }
}
