//! The pictures that the demo sends: the drawn samples of the project, or a
//! person's own photographs.

mod key;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use catalogue::samples::{RECORDS_FILE, Record};

use self::key::unique_id;

/// One picture to send.
#[derive(Debug, Clone, PartialEq)]
pub struct Photo {
    /// The product's id, which also names objects in S3.
    pub id: String,
    /// The file.
    pub path: PathBuf,
    /// The form of the file, as its name says.
    pub format: Format,
    /// What is true of the picture, where it is one of the drawn samples.
    pub drawn: Option<Record>,
}

impl Photo {
    /// The file's name, for people.
    pub fn file_name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    }
}

/// The forms of pictures that the function takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `.jpg` and `.jpeg`.
    Jpeg,
    /// `.png`.
    Png,
    /// `.webp`.
    WebP,
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "png" => Some(Self::Png),
            "webp" => Some(Self::WebP),
            _ => None,
        }
    }

    /// The ending of an object's key.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::WebP => "webp",
        }
    }

    /// The content type of a request.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
        }
    }
}

/// What is sent, and what is not.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Selection {
    /// In the order of their names.
    pub photos: Vec<Photo>,
    /// Names in the folder that are no photographs.
    pub skipped: Vec<String>,
    /// How many pictures are over the limit.
    pub over_limit: usize,
}

impl Selection {
    /// Keeps the first `limit` pictures.
    pub fn limited_to(mut self, limit: usize) -> Self {
        self.over_limit = self.photos.len().saturating_sub(limit);
        self.photos.truncate(limit);
        self
    }
}

/// The records of the drawn samples in `folder`.
///
/// # Errors
/// When they cannot be read.
pub fn sample_records(folder: &Path) -> Result<Vec<Record>> {
    let file = folder.join(RECORDS_FILE);
    let text = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{} is not as samples are recorded", file.display()))
}

/// The drawn samples in `folder`.
///
/// # Errors
/// When there are none.
pub fn drawn_samples(folder: &Path) -> Result<Selection> {
    let mut photos = Vec::new();
    for record in sample_records(folder)? {
        let path = folder.join(&record.file);
        let format = Format::of(&path)
            .with_context(|| format!("{} is no JPEG, PNG or WebP file", path.display()))?;
        photos.push(Photo {
            id: record.id.clone(),
            path,
            format,
            drawn: Some(record),
        });
    }
    if photos.is_empty() {
        bail!("{} has no sample pictures", folder.display());
    }
    Ok(Selection {
        photos,
        ..Selection::default()
    })
}

/// The photographs in a person's folder, not in the folders below it.
///
/// # Errors
/// When it cannot be read, or has no photographs.
pub fn photographs(folder: &Path) -> Result<Selection> {
    let shown = folder.display();
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read the folder {shown}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read the folder {shown}"))?;
        // Files such as .DS_Store, which nobody put there.
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort();

    let mut selection = Selection::default();
    let mut taken = HashSet::new();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        match Format::of(&path) {
            Some(format) if path.is_file() => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let id = unique_id(&stem, &mut taken);
                selection.photos.push(Photo {
                    id,
                    path,
                    format,
                    drawn: None,
                });
            }
            _ => selection.skipped.push(name),
        }
    }
    if selection.photos.is_empty() {
        let found = match selection.skipped.len() {
            0 => "it is empty".to_owned(),
            1 => format!("only {:?}", selection.skipped[0]),
            number => format!("{number} others, such as {:?}", selection.skipped[0]),
        };
        bail!("{shown} has no .jpg, .jpeg, .png or .webp file ({found})");
    }
    Ok(selection)
}

#[cfg(test)]
mod tests;
