//! What can go wrong when pictures are written.

use std::path::PathBuf;

/// Why pictures or records could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The picture could not be encoded.
    #[error("the picture of {id} can't be encoded as JPEG")]
    Encode {
        /// The product's id.
        id: String,
        /// The encoder's reason.
        source: image::ImageError,
    },
    /// A file or folder could not be written.
    #[error("{path} can't be written", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The records could not be put into JSON.
    #[error("the records of the samples can't be put into JSON")]
    Record(#[from] serde_json::Error),
}
