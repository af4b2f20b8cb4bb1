//! A picture that was sent, and what came of it.

use std::fmt;

use catalogue::samples::Record;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::page::Picture;

/// One picture on one way through the function.
#[derive(Debug, Clone, Serialize)]
pub struct Product {
    /// The product's id.
    pub id: String,
    /// The picture's file name.
    pub file: String,
    /// How it came in.
    pub way: Way,
    /// The category that the questions name.
    pub asked_as: String,
    /// What is true of the picture, where it is one of the drawn samples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drawn: Option<Record>,
    /// The picture for the page, where it could be decoded.
    #[serde(skip)]
    pub picture: Option<Picture>,
    /// From sending the picture to having the answer, or to giving up.
    pub seconds: f64,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

impl Product {
    /// Whether the function answered.
    pub fn is_described(&self) -> bool {
        matches!(self.outcome, Outcome::Described { .. })
    }
}

/// How a picture comes to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// An object arrives in the bucket.
    S3Event,
    /// A call of the HTTP API.
    Http,
    /// An invocation with `cargo lambda invoke`.
    Direct,
}

impl fmt::Display for Way {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::S3Event => "S3 event",
            Self::Http => "HTTP",
            Self::Direct => "direct invocation",
        })
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The function answered.
    Described {
        /// Its answer.
        result: Box<Description>,
        /// Where the function's time went, as its log says.
        #[serde(skip_serializing_if = "Option::is_none")]
        steps: Option<Steps>,
    },
    /// It did not.
    Failed {
        /// What is known about why.
        reason: String,
    },
}

impl Outcome {
    /// Reads the function's answer.
    pub fn of_answer(answer: &[u8], steps: Option<Steps>) -> Self {
        match serde_json::from_slice(answer) {
            Ok(result) => Self::Described { result, steps },
            Err(error) => Self::Failed {
                reason: format!("the answer cannot be read: {error}"),
            },
        }
    }
}

/// The function's own times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps {
    /// Questions and answers.
    pub attributes_ms: u64,
    /// The text.
    pub description_ms: u64,
}

/// The function's answer, in the form of the HTTP API.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Description {
    /// Name to value, in the order of the attribute set.
    pub attributes: IndexMap<String, String>,
    /// Name to probability.
    #[serde(default)]
    pub confidence: IndexMap<String, f64>,
    /// The text for the shop.
    pub description: String,
    /// Attributes without an answer.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Attributes that the text does not mention.
    #[serde(default)]
    pub unmentioned: Vec<String>,
    /// Attributes that the text contradicts.
    #[serde(default)]
    pub contradicted: Vec<String>,
    /// Sentences about what is unusual in this result.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Who answered.
    pub models: Models,
    /// What the description took.
    pub usage: Usage,
    /// Whatever else the answer has: the results are kept whole.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The models behind a description.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Models {
    /// The endpoint's name.
    pub attributes: String,
    /// The Bedrock model id that was asked for.
    pub description: String,
}

/// Tokens, as the writer counts them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Usage {
    /// Read.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
}
