//! The answer, in the form of the HTTP API.

use faithfulness::{BannedWord, Claim, ClaimKind};
use indexmap::IndexMap;
use serde::Serialize;

use super::{CheckedDescription, Findings, Told, Unfaithful, Usage};

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
    /// The attributes that the writer was told as not sure; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hedged: Vec<String>,
    /// The attributes that are not sure enough for the text; absent where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// The text for the shop; null where it has faults and is held or dropped.
    pub description: Option<String>,
    /// The text that is held for a person to look at; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_description: Option<String>,
    /// Attributes that the text does not mention.
    pub unmentioned: Vec<String>,
    /// Attributes that the text contradicts.
    pub contradicted: Vec<String>,
    /// What the text claims beyond the attributes; absent where it claims nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<UnsupportedClaim>,
    /// The banned words that the text holds, each once; absent where it holds none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub banned_words: Vec<String>,
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

/// Something that nothing known supports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnsupportedClaim {
    /// What it is about.
    pub kind: ClaimKind,
    /// The text's words.
    pub text: String,
}

/// The models behind a description.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Models {
    /// The endpoint's name.
    pub attributes: String,
    /// The Bedrock model id, inference profile or ARN that answered.
    pub description: String,
}

impl ProductDescription {
    /// Puts together what was found, told and written. What becomes of a text with
    /// faults is `unfaithful`.
    pub fn new(
        product_id: Option<String>,
        endpoint: &str,
        findings: Findings,
        told: Told,
        checked: CheckedDescription,
        unfaithful: Unfaithful,
    ) -> ProductDescription {
        let CheckedDescription { written, faults } = checked;
        let mut warnings = findings.warnings;
        warnings.extend(written.warnings);
        let (description, held_description) = match unfaithful {
            Unfaithful::Hold if !faults.is_clean() => (None, Some(written.text)),
            Unfaithful::Drop if !faults.is_clean() => (None, None),
            _ => (Some(written.text), None),
        };
        let contradicted = faults.contradicted_attributes();
        let contradicted = contradicted.into_iter().map(str::to_owned).collect();
        ProductDescription {
            product_id,
            attributes: findings.attributes,
            confidence: findings.confidence,
            hedged: told.hedged.into_keys().collect(),
            left_out: told.left_out,
            description,
            held_description,
            unmentioned: faults.unmentioned,
            contradicted,
            claims: faults.claims.into_iter().map(Into::into).collect(),
            banned_words: each_once(faults.banned),
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

impl From<Claim> for UnsupportedClaim {
    fn from(claim: Claim) -> UnsupportedClaim {
        UnsupportedClaim {
            kind: claim.kind,
            text: claim.text,
        }
    }
}

fn each_once(found: Vec<BannedWord>) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for BannedWord { word, .. } in found {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::WrittenDescription;
    use faithfulness::{Contradiction, Span};
    use serde_json::{Value, json};

    /// A text about which there is something of every kind to say.
    fn unfaithful() -> CheckedDescription {
        let span = Span { start: 0, end: 1 };
        let contradiction = Contradiction {
            attribute: "Colour".into(),
            given: "Blue".into(),
            said: "red".into(),
            span,
        };
        let banned = BannedWord {
            word: "cheap".into(),
            span,
        };
        let mut faults = faithfulness::Findings::default();
        faults.unmentioned = vec!["Fit".into()];
        faults.contradicted = vec![contradiction.clone(), contradiction];
        faults.claims = vec![Claim {
            kind: ClaimKind::Origin,
            text: "made in Italy".into(),
            span,
        }];
        faults.banned = vec![banned.clone(), banned];
        CheckedDescription {
            written: written(),
            faults,
        }
    }

    fn written() -> WrittenDescription {
        WrittenDescription {
            text: "A text.".into(),
            model: "claude".into(),
            usage: Usage::default(),
            warnings: Vec::new(),
        }
    }

    fn answer(checked: CheckedDescription, unfaithful: Unfaithful) -> Value {
        let findings = Findings::default();
        json!(ProductDescription::new(
            None,
            "blip2",
            findings,
            Told::default(),
            checked,
            unfaithful
        ))
    }

    #[test]
    fn faults_are_in_the_answer() {
        let answer = answer(unfaithful(), Unfaithful::Return);
        assert_eq!(answer["description"], "A text.");
        assert_eq!(answer["unmentioned"], json!(["Fit"]));
        assert_eq!(answer["contradicted"], json!(["Colour"]));
        assert_eq!(
            answer["claims"],
            json!([{"kind": "origin", "text": "made in Italy"}])
        );
        assert_eq!(answer["banned_words"], json!(["cheap"]));
        assert_eq!(answer.get("held_description"), None);
    }

    #[test]
    fn a_text_with_faults_can_be_held_or_dropped() {
        let held = answer(unfaithful(), Unfaithful::Hold);
        assert_eq!(held["description"], Value::Null);
        assert_eq!(held["held_description"], "A text.");
        let dropped = answer(unfaithful(), Unfaithful::Drop);
        assert_eq!(dropped["description"], Value::Null);
        assert_eq!(dropped.get("held_description"), None);
        assert_eq!(dropped["contradicted"], json!(["Colour"]));
    }

    #[test]
    fn a_text_without_faults_is_returned_whatever_the_setting() {
        for setting in [Unfaithful::Return, Unfaithful::Hold, Unfaithful::Drop] {
            let clean = CheckedDescription {
                written: written(),
                faults: faithfulness::Findings::default(),
            };
            let answer = answer(clean, setting);
            assert_eq!(answer["description"], "A text.");
            assert_eq!(answer.get("claims"), None);
            assert_eq!(answer.get("banned_words"), None);
        }
    }
}
