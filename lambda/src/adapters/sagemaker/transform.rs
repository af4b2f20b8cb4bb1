//! The lines of Batch Transform: the same bodies as in calls, one a line.

use bytes::Bytes;

use super::answer::read_batch;
use super::payload;
use crate::domain::{ModelAnswer, Photo};

/// The line that asks all questions about a photo, without its end.
pub fn line(photo: &Photo, questions: &[String]) -> Bytes {
    payload::batched(questions, &photo.bytes)
}

/// The answers in a line; nothing where it is an error, or answers something else.
pub fn answers(line: &str, questions: usize) -> Option<Vec<ModelAnswer>> {
    read_batch(line.as_bytes(), questions)
}
