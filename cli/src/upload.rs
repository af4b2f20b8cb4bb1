//! A folder into S3: concurrently, only what changed, and so that it goes on where it was.
//!
//! [`local_files`] are what the folder has, [`objects`] what the bucket has. [`index`] is what
//! earlier runs knew of both, [`compare`] decides by them, reading as little as it can. What is
//! to be sent, [`send`] sends: small files by one request, which S3 takes whole or not at all,
//! with their SHA-256, which S3 checks; large ones in [`parts`], which S3 puts together when all
//! are there, each with its SHA-256. [`run`] does all of it for a folder; [`deletion`] removes
//! what the folder has no more.

pub mod compare;
pub mod content_type;
pub mod deletion;
pub mod index;
pub mod local_files;
pub mod objects;
pub mod part_plan;
pub mod parts;
pub mod run;
pub mod send;
pub mod summary;

use crate::failure::{Exit, Failure};

/// Why one file could not be compared or uploaded.
#[derive(Debug)]
pub enum FileError {
    /// By the file, which says nothing about the others: what is wrong with it.
    Local(String),
    /// By S3 or the network.
    Remote(Failure),
}

impl FileError {
    /// In a line.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            FileError::Local(why) => why,
            FileError::Remote(failure) => &failure.what,
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Failure {
        match error {
            FileError::Local(why) => Failure::new(Exit::Failed, why),
            FileError::Remote(failure) => failure,
        }
    }
}
