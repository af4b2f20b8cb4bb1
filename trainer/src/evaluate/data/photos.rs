//! The photo of a product, by its id.

use std::io::ErrorKind;
use std::path::Path;

use catalogue::PHOTO_ENDINGS;

/// The bytes of `<id>.jpg`, or of the same with another ending.
///
/// # Errors
/// Why there are none, in words.
pub fn read_photo(folder: &Path, id: &str) -> Result<Vec<u8>, String> {
    // An id is a name in the folder, never a way out of it.
    if id.contains(['/', '\\']) {
        return Err("the id is no file name".to_owned());
    }
    for ending in PHOTO_ENDINGS {
        match std::fs::read(folder.join(format!("{id}.{ending}"))) {
            Ok(bytes) => return Ok(bytes),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{id}.{ending} can't be read: {error}")),
        }
    }
    Err(format!(
        "there is no photo {id}.{}",
        PHOTO_ENDINGS.join(", .")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_the_endings_is_found_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("1.webp", "a"),
            ("2.png", "b"),
            ("2.jpg", "c"),
            ("3.gif", "d"),
        ] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let read = |id| read_photo(folder.path(), id);
        assert_eq!(read("1").unwrap(), b"a");
        assert_eq!(read("2").unwrap(), b"c");
        assert!(read("3").unwrap_err().contains("no photo 3.jpg"));
        assert!(read("../1").unwrap_err().contains("file name"));
    }
}
