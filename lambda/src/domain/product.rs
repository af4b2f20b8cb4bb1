//! The answer, in the form of the HTTP API.

use faithfulness::{Claim, ClaimKind};
use indexmap::IndexMap;
use serde::Serialize;

use super::{CheckedDescription, Findings, FormFault, Listing, Told, Unfaithful, Usage};

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
    /// The other texts of the product, where a listing was asked for; absent where none was,
    /// and where they are held or dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing: Option<Listing>,
    /// Those that are held with the description; absent where none are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_listing: Option<Listing>,
    /// Attributes that the description does not mention.
    pub unmentioned: Vec<String>,
    /// Attributes that the text contradicts.
    pub contradicted: Vec<String>,
    /// What the text claims beyond the attributes; absent where it claims nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<UnsupportedClaim>,
    /// The banned words that the text holds, each once; absent where it holds none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub banned_words: Vec<String>,
    /// The texts that are not in the script of their language; absent where all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong_script: Vec<&'static str>,
    /// What is wrong with the form of the texts; absent where nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wrong_form: Vec<FormFault>,
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
        let is_clean = checked.is_clean();
        let CheckedDescription {
            written,
            faults,
            wrong_script,
            wrong_form,
            listing,
        } = checked;
        let mut warnings = findings.warnings;
        warnings.extend(written.warnings);
        let text = Some(written.text);
        let ((description, listing), (held_description, held_listing)) = match unfaithful {
            Unfaithful::Hold if !is_clean => ((None, None), (text, listing)),
            Unfaithful::Drop if !is_clean => ((None, None), (None, None)),
            _ => ((text, listing), (None, None)),
        };
        let owned =
            |names: Vec<&str>| -> Vec<String> { names.into_iter().map(str::to_owned).collect() };
        let contradicted = owned(faults.contradicted_attributes());
        let banned_words = owned(faults.banned_words());
        ProductDescription {
            product_id,
            attributes: findings.attributes,
            confidence: findings.confidence,
            hedged: told.hedged.into_keys().collect(),
            left_out: told.left_out,
            description,
            held_description,
            listing,
            held_listing,
            unmentioned: faults.unmentioned,
            contradicted,
            claims: faults.claims.into_iter().map(Into::into).collect(),
            banned_words,
            wrong_script,
            wrong_form,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{FormKind, Text, WrittenDescription};
    use faithfulness::{BannedWord, Contradiction, Span};
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
            wrong_script: Vec::new(),
            wrong_form: vec![FormFault {
                member: "description",
                kind: FormKind::Link,
                text: "www.example.com".into(),
            }],
            listing: Some(listing()),
        }
    }

    fn listing() -> Listing {
        Listing {
            title: "A title".into(),
            bullets: Vec::new(),
            search_keywords: Vec::new(),
            alt_text: String::new(),
            meta_description: String::new(),
            completed: [("title", vec!["Fabric".to_owned()])].into(),
            without: IndexMap::new(),
            cut: Vec::new(),
            short: vec!["bullets"],
        }
    }

    fn written() -> WrittenDescription {
        WrittenDescription {
            text: "A text.".into(),
            model: "claude".into(),
            usage: Usage::default(),
            warnings: Vec::new(),
            is_cut_short: false,
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
        assert_eq!(
            answer["wrong_form"],
            json!([{"member": "description", "kind": "link", "text": "www.example.com"}])
        );
        for absent in ["held_description", "held_listing", "wrong_script"] {
            assert_eq!(answer.get(absent), None, "{absent}");
        }
        assert_eq!(
            answer["listing"],
            json!({
                "title": "A title", "bullets": [], "search_keywords": [], "alt_text": "",
                "meta_description": "", "completed": {"title": ["Fabric"]}, "short": ["bullets"]
            })
        );
    }

    /// What is noted of a text, for its line in the log and the metrics.
    #[test]
    fn the_log_counts_what_the_answer_lists() {
        let noted = Text::of(&unfaithful(), Unfaithful::Return);
        let answer = answer(unfaithful(), Unfaithful::Return);
        for (member, count) in [
            ("unmentioned", noted.unmentioned),
            ("contradicted", noted.contradicted),
            ("claims", noted.claims),
            ("banned_words", noted.banned_words),
            ("wrong_form", noted.wrong_form),
        ] {
            assert_eq!(answer[member].as_array().unwrap().len(), count, "{member}");
        }
    }

    #[test]
    fn a_text_with_faults_can_be_held_or_dropped() {
        let held = answer(unfaithful(), Unfaithful::Hold);
        assert_eq!(held["description"], Value::Null);
        assert_eq!(held["held_description"], "A text.");
        assert_eq!(held["held_listing"]["title"], "A title");
        assert_eq!(held.get("listing"), None);
        let dropped = answer(unfaithful(), Unfaithful::Drop);
        assert_eq!(dropped["description"], Value::Null);
        for absent in ["held_description", "listing", "held_listing"] {
            assert_eq!(dropped.get(absent), None, "{absent}");
        }
        assert_eq!(dropped["contradicted"], json!(["Colour"]));
    }

    #[test]
    fn another_script_is_a_fault_like_others() {
        let checked = || CheckedDescription {
            faults: faithfulness::Findings::default(),
            wrong_script: vec!["description"],
            wrong_form: Vec::new(),
            ..unfaithful()
        };
        let held = answer(checked(), Unfaithful::Hold);
        assert_eq!(held["wrong_script"], json!(["description"]));
        assert_eq!(held["description"], Value::Null);
        let returned = answer(checked(), Unfaithful::Return);
        assert_eq!(returned["description"], "A text.");
    }

    #[test]
    fn a_wrong_form_is_a_fault_like_others() {
        let checked = CheckedDescription {
            faults: faithfulness::Findings::default(),
            ..unfaithful()
        };
        let dropped = answer(checked, Unfaithful::Drop);
        assert_eq!(dropped["description"], Value::Null);
        assert_eq!(dropped["wrong_form"][0]["kind"], "link");
    }

    #[test]
    fn a_text_without_faults_is_returned_whatever_the_setting() {
        for setting in [Unfaithful::Return, Unfaithful::Hold, Unfaithful::Drop] {
            let clean = CheckedDescription {
                written: written(),
                faults: faithfulness::Findings::default(),
                wrong_script: Vec::new(),
                wrong_form: Vec::new(),
                listing: None,
            };
            let answer = answer(clean, setting);
            assert_eq!(answer["description"], "A text.");
            assert_eq!(answer.get("claims"), None);
            assert_eq!(answer.get("banned_words"), None);
            assert_eq!(answer.get("wrong_form"), None);
        }
    }
}
