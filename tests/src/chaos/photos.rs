//! The photographs: few pictures, in as many files as there are versions, so that
//! each call about one tells which it is about.

use std::path::Path;

use anyhow::Result;

use super::plan::{Photo, Version};
use crate::photos::{Sample, jpeg, samples, with_comment};

/// Width and height: small, since it is not the model that is tried.
const SIZE: (u32, u32) = (180, 240);

/// What the version's numbers follow, in a comment at the file's start.
const MARK: &str = "chaos photo ";

/// How far from the start of a file its mark may be.
const MARKED_BYTES: usize = 512;

/// The pictures as plain JPEG files.
#[derive(Debug)]
pub struct Pictures(Vec<Vec<u8>>);

impl Pictures {
    /// Those of `samples/`, made small.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn gather(repository: &Path) -> Result<Pictures> {
        let small = |sample: &Sample| jpeg(&sample.within(SIZE.0, SIZE.1), 85);
        let pictures: Result<Vec<Vec<u8>>> = samples(repository)?.iter().map(small).collect();
        Ok(Pictures(pictures?))
    }

    /// All of them.
    pub fn all(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// Only these, in this order.
    #[must_use]
    pub fn only(self, kept: &[usize]) -> Pictures {
        Pictures(kept.iter().map(|&index| self.0[index].clone()).collect())
    }

    /// The file of a version; nothing where it is missing.
    ///
    /// # Errors
    /// When a picture is no JPEG.
    pub fn file(&self, version: Version, photo: Photo) -> Result<Option<Vec<u8>>> {
        let comment = format!("{MARK}{} {} ", version.product, version.number);
        Ok(match photo {
            Photo::Whole { picture } => Some(with_comment(&self.0[picture], &comment)?),
            Photo::Cut { picture } => {
                let mut file = with_comment(&self.0[picture], &comment)?;
                file.truncate(file.len() / 2);
                Some(file)
            }
            Photo::Text => Some(format!("no photo, but a text: {comment}").into_bytes()),
            Photo::Missing => None,
        })
    }
}

/// The version that a file is of, told from its start.
pub fn version_of(file: &[u8]) -> Option<Version> {
    let start = &file[..file.len().min(MARKED_BYTES)];
    let at = start
        .windows(MARK.len())
        .position(|window| window == MARK.as_bytes())?;
    let rest = &start[at + MARK.len()..];
    let end = rest
        .iter()
        .position(|byte| !byte.is_ascii_digit() && *byte != b' ')
        .unwrap_or(rest.len());
    let mut numbers = std::str::from_utf8(&rest[..end]).ok()?.split(' ');
    Some(Version {
        product: numbers.next()?.parse().ok()?,
        number: numbers.next()?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_tells_its_version_also_where_it_is_cut() {
        let picture = image::RgbImage::from_fn(60, 80, |x, y| image::Rgb([x as u8, y as u8, 9]));
        let pictures = Pictures(vec![jpeg(&picture, 85).unwrap()]);
        let version = Version {
            product: 1_204,
            number: 2,
        };
        for photo in [
            Photo::Whole { picture: 0 },
            Photo::Cut { picture: 0 },
            Photo::Text,
        ] {
            let file = pictures.file(version, photo).unwrap().unwrap();
            assert_eq!(version_of(&file), Some(version), "{photo:?}");
        }
        assert!(pictures.file(version, Photo::Missing).unwrap().is_none());
        assert_eq!(version_of(&pictures.0[0]), None);
    }
}
