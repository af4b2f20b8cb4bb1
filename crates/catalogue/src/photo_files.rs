//! How the file of a product's photograph is called.

use std::path::{Path, PathBuf};

/// What its name may end with, in the order in which it is looked for. What the
/// file is, its bytes tell.
pub const PHOTO_ENDINGS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// The photograph of a product in a folder: `<id>.jpg`, or the same with another of
/// [`PHOTO_ENDINGS`]; nothing where there is none.
#[must_use]
pub fn photo_in(folder: &Path, id: &str) -> Option<PathBuf> {
    let named = |ending: &&str| folder.join(format!("{id}.{ending}"));
    PHOTO_ENDINGS
        .iter()
        .map(named)
        .find(|photo| photo.is_file())
}

/// The names that were looked for, in words: "7.jpg, .jpeg, .png or .webp".
#[must_use]
pub(crate) fn names_of(id: &str) -> String {
    let [first, others @ .., last] = PHOTO_ENDINGS;
    let others = others.map(|ending| format!(", .{ending}")).concat();
    format!("{id}.{first}{others} or .{last}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photo_is_found_by_any_of_the_endings() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["1.webp", "2.png", "2.jpg", "3.gif"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let found = |id| photo_in(folder.path(), id).map(|path| path.file_name().unwrap().into());
        let name = |text: &str| Some(std::ffi::OsString::from(text));
        assert_eq!(found("1"), name("1.webp"));
        assert_eq!(found("2"), name("2.jpg"));
        assert_eq!(found("3"), None);
        assert_eq!(names_of("3"), "3.jpg, .jpeg, .png or .webp");
    }
}
