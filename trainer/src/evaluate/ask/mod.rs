//! Asking the questions: one trait, and whoever answers behind it.

mod collect;
mod endpoint;
mod local;

use anyhow::Result;

pub use collect::{Collected, collect};
pub use endpoint::{Endpoint, Wire, endpoint_url};
pub use local::{LocalModel, MAX_PIXELS};

/// A question as it is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The bare question.
    pub question: &'a str,
    /// The attribute whose choices an answer may be held to.
    pub attribute: usize,
}

/// A photo and what is asked about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhotoQuestions<'a> {
    /// The file's bytes.
    pub photo: Vec<u8>,
    /// The questions.
    pub questions: Vec<Asked<'a>>,
}

/// Both answers to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The free answer.
    pub text: String,
    /// The probability of that whole text, in [0, 1].
    pub confidence: f64,
    /// The likeliest of the attribute's choices, by its place.
    pub choice: usize,
    /// Its probability among them, in [0, 1].
    pub choice_confidence: f64,
}

/// What became of one photo.
#[derive(Clone, Debug, PartialEq)]
pub enum PhotoOutcome {
    /// Its questions were answered.
    Answered {
        /// One a question, in order.
        replies: Vec<Reply>,
        /// The mean of its features over the queries, of length 1; where the
        /// answerer knows them.
        features: Option<Vec<f32>>,
    },
    /// It can't be used, and why.
    Unusable(String),
}

/// Whoever answers questions about photos.
pub trait Answerer {
    /// Answers all questions about some photos; one outcome a photo, in order.
    ///
    /// # Errors
    /// When answering fails as a whole. A photo that can't be used is no error.
    fn answer(&mut self, photos: &[PhotoQuestions<'_>]) -> Result<Vec<PhotoOutcome>>;
}
