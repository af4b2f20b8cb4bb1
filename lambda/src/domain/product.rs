//! The answer, in the form of the HTTP API.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{Findings, WrittenDescription};

/// A described product: the body of a 200, the result of a direct invocation,
/// and what an S3 event stores.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProductDescription {
    /// As in the request; absent where that has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_id: Option<String>,
    /// Name to value, in the order of the attribute set.
    pub attributes: IndexMap<String, String>,
    /// Name to probability; absent where the endpoint gives none.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub confidence: IndexMap<String, f64>,
    /// The text for the shop.
    pub description: String,
    /// Attributes that the text does not mention.
    pub unmentioned: Vec<String>,
    /// Attributes that the text contradicts.
    pub contradicted: Vec<String>,
    /// Attributes without an answer; absent where all have one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Sentences about what is unusual in this result.
    pub warnings: Vec<String>,
    /// Who answered.
    pub models: Models,
    /// What the description took.
    pub usage: Usage,
}

/// The models behind a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Models {
    /// The endpoint's name.
    pub attributes: String,
    /// The Bedrock model id, inference profile or ARN that answered.
    pub description: String,
}

/// Tokens, as the writer's model counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Read: system prompt and attributes.
    pub input_tokens: u64,
    /// Written.
    pub output_tokens: u64,
}

impl ProductDescription {
    /// Puts together what was found and what was written.
    pub fn new(
        product_id: Option<String>,
        endpoint: &str,
        findings: Findings,
        written: WrittenDescription,
    ) -> ProductDescription {
        let mut warnings = findings.warnings;
        warnings.extend(written.warnings);
        ProductDescription {
            product_id,
            attributes: findings.attributes,
            confidence: findings.confidence,
            description: written.text,
            unmentioned: Vec::new(),
            contradicted: Vec::new(),
            missing: findings.missing,
            warnings,
            models: Models {
                attributes: endpoint.to_owned(),
                description: written.model,
            },
            usage: written.usage,
        }
    }
}
