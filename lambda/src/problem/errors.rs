//! Which problem each error of the domain is.

use super::{Problem, ProblemKind};
use crate::domain::{AskError, DescribeError, DescriberError, Findings, PhotoError, StoreError};

impl From<PhotoError> for Problem {
    fn from(error: PhotoError) -> Problem {
        let kind = match error {
            // The setting is wrong, not the photo.
            PhotoError::CannotFit { .. } => ProblemKind::AttributesUnavailable,
            _ => ProblemKind::InvalidPhoto,
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let kind = match error {
            StoreError::NotFound { .. } => ProblemKind::NoSuchObject,
            StoreError::AccessDenied { .. } => ProblemKind::ForbiddenObject,
            StoreError::TooLarge { .. } => ProblemKind::InvalidPhoto,
            StoreError::TimedOut { .. } => ProblemKind::StorageTimedOut,
            StoreError::Changed { .. }
            | StoreError::Unavailable { .. }
            | StoreError::Failed { .. } => ProblemKind::StorageUnavailable,
        };
        Problem::new(kind, error.to_string())
    }
}

impl From<DescribeError> for Problem {
    fn from(error: DescribeError) -> Problem {
        let detail = error.to_string();
        match error {
            DescribeError::UnknownAttribute(error) => {
                Problem::new(ProblemKind::UnknownAttribute, detail)
                    .with("known_attributes", error.known)
            }
            DescribeError::Photo(error) => error.into(),
            DescribeError::Store(error) => error.into(),
            DescribeError::Attributes { error, missing } => {
                let kind = match error {
                    AskError::InvalidPhoto { .. } => {
                        return Problem::new(ProblemKind::InvalidPhoto, detail);
                    }
                    AskError::TimedOut { .. } => ProblemKind::AttributesTimedOut,
                    AskError::Unavailable { .. } | AskError::Refused { .. } => {
                        ProblemKind::AttributesUnavailable
                    }
                };
                let findings = Findings {
                    missing,
                    ..Findings::default()
                };
                with_findings(Problem::new(kind, detail), findings)
            }
            DescribeError::NothingRecognised { missing, warnings } => {
                let findings = Findings {
                    missing,
                    warnings,
                    ..Findings::default()
                };
                with_findings(
                    Problem::new(ProblemKind::NothingRecognised, detail),
                    findings,
                )
            }
            DescribeError::NothingCertain { findings } => {
                with_findings(Problem::new(ProblemKind::NothingCertain, detail), *findings)
            }
            DescribeError::Description { error, findings } => {
                let usage = error.usage();
                let kind = match error {
                    DescriberError::TimedOut { .. } => ProblemKind::DescriptionTimedOut,
                    DescriberError::Blocked { .. } => ProblemKind::DescriptionBlocked,
                    DescriberError::Unreadable { .. } => ProblemKind::ListingUnreadable,
                    DescriberError::Throttled { .. }
                    | DescriberError::NoModelAvailable { .. }
                    | DescriberError::Refused { .. } => ProblemKind::DescriptionUnavailable,
                };
                let problem = with_findings(Problem::new(kind, detail), *findings);
                match usage {
                    Some(usage) => problem.with("usage", usage),
                    None => problem,
                }
            }
        }
    }
}

/// The members that an answer would have had, those that are empty left out.
fn with_findings(problem: Problem, findings: Findings) -> Problem {
    let mut problem = problem.with("attributes", findings.attributes);
    if !findings.confidence.is_empty() {
        problem = problem.with("confidence", findings.confidence);
    }
    if !findings.missing.is_empty() {
        problem = problem.with("missing", findings.missing);
    }
    if !findings.warnings.is_empty() {
        problem = problem.with("warnings", findings.warnings);
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ObjectAddress, Usage};
    use lambda_runtime::Diagnostic;
    use serde_json::json;

    fn usage() -> Usage {
        Usage {
            input_tokens: 100,
            output_tokens: 50,
            cost: None,
        }
    }

    fn description_error(error: DescriberError) -> Problem {
        let findings = Findings {
            attributes: [("Fabric".to_owned(), "Cotton".to_owned())]
                .into_iter()
                .collect(),
            confidence: [("Fabric".to_owned(), 0.5)].into_iter().collect(),
            ..Findings::default()
        };
        DescribeError::Description {
            error,
            findings: Box::new(findings),
        }
        .into()
    }

    #[test]
    fn a_problem_has_the_members_of_the_rfc_and_its_own() {
        let problem = description_error(DescriberError::TimedOut {
            model: "claude".into(),
        });
        assert_eq!(
            problem.to_json(),
            json!({
                "type": "urn:problem-type:lookbook:description-timed-out",
                "title": "The description took too long",
                "status": 504,
                "detail": "the model claude did not write a description in time",
                "attributes": {"Fabric": "Cotton"},
                "confidence": {"Fabric": 0.5}
            })
        );
    }

    #[test]
    fn as_the_error_of_an_invocation_it_keeps_the_attributes() {
        let diagnostic: Diagnostic = description_error(DescriberError::TimedOut {
            model: "claude".into(),
        })
        .into();
        assert_eq!(diagnostic.error_type, "description-timed-out");
        assert!(diagnostic.error_message.contains(r#""Fabric":"Cotton""#));
    }

    #[test]
    fn what_a_guardrail_stopped_is_a_problem_of_its_own() {
        let problem = description_error(DescriberError::Blocked {
            model: "claude".into(),
            reason: "Sorry, no.".into(),
            usage: usage(),
        });
        let json = problem.to_json();
        assert_eq!(
            json["type"],
            "urn:problem-type:lookbook:description-blocked"
        );
        assert_eq!(json["status"], 422);
        assert_eq!(json["attributes"]["Fabric"], "Cotton");
        assert_eq!(
            json["usage"],
            json!({"input_tokens": 100, "output_tokens": 50})
        );
        for part in ["GUARDRAIL_ID", "claude", "Sorry, no."] {
            assert!(problem.detail.contains(part), "{}", problem.detail);
        }
    }

    #[test]
    fn no_words_of_a_text_may_be_logged() {
        let model = || "claude".to_owned();
        for error in [
            DescriberError::Blocked {
                model: model(),
                reason: "A \"cotton\" shirt".into(),
                usage: usage(),
            },
            DescriberError::Unreadable {
                model: model(),
                reason: "invalid type: string \"A cotton shirt\", expected a sequence.".into(),
                usage: usage(),
            },
        ] {
            let problem = description_error(error);
            assert!(problem.detail.contains("cotton"), "{}", problem.detail);
            let logged = problem.loggable_detail();
            assert!(logged.contains("claude"), "{logged}");
            assert!(!logged.contains("cotton"), "{logged}");
        }
    }

    #[test]
    fn where_nothing_was_recognised_the_warnings_say_what_may_be_why() {
        let error = DescribeError::NothingRecognised {
            missing: vec!["Fit".into()],
            warnings: vec!["The category is unknown.".into()],
        };
        let problem = Problem::from(error).to_json();
        assert_eq!(problem["missing"], json!(["Fit"]));
        assert_eq!(problem["warnings"], json!(["The category is unknown."]));
    }

    #[test]
    fn errors_have_the_status_that_fits() {
        let address: ObjectAddress = "s3://bucket/key".parse().unwrap();
        let endpoint = || "blip2".to_owned();
        let attributes = |error| DescribeError::Attributes {
            error,
            missing: vec!["Fit".into()],
        };
        for (error, status) in [
            (DescribeError::Photo(PhotoError::Empty), 422),
            (
                DescribeError::Photo(PhotoError::CannotFit { max_bytes: 3 }),
                502,
            ),
            (
                StoreError::NotFound {
                    address: address.clone(),
                }
                .into(),
                404,
            ),
            (
                StoreError::AccessDenied {
                    address: address.clone(),
                    permission: "s3:GetObject",
                    said: "AccessDenied".to_owned(),
                }
                .into(),
                403,
            ),
            (
                StoreError::TooLarge {
                    address: address.clone(),
                    bytes: 9,
                    max_bytes: 8,
                }
                .into(),
                422,
            ),
            (
                StoreError::TimedOut {
                    address: address.clone(),
                }
                .into(),
                504,
            ),
            (
                StoreError::Unavailable {
                    address: address.clone(),
                    reason: String::new(),
                }
                .into(),
                502,
            ),
            (
                StoreError::Failed {
                    address,
                    reason: String::new(),
                }
                .into(),
                502,
            ),
            (
                attributes(AskError::InvalidPhoto {
                    reason: "cut".into(),
                }),
                422,
            ),
            (
                attributes(AskError::TimedOut {
                    endpoint: endpoint(),
                }),
                504,
            ),
            (
                attributes(AskError::Refused {
                    endpoint: endpoint(),
                    reason: String::new(),
                }),
                502,
            ),
            (
                attributes(AskError::Unavailable {
                    endpoint: endpoint(),
                    attempts: 3,
                    reason: String::new(),
                }),
                502,
            ),
            (
                DescribeError::NothingCertain {
                    findings: Box::default(),
                },
                502,
            ),
            (
                DescribeError::NothingRecognised {
                    missing: vec!["Fit".into()],
                    warnings: Vec::new(),
                },
                502,
            ),
        ] {
            assert_eq!(
                Problem::from(error.clone()).kind.status(),
                status,
                "{error:?}"
            );
        }
        for error in [
            DescriberError::Throttled {
                model: "m".into(),
                attempts: 9,
                reason: "slow".into(),
            },
            DescriberError::NoModelAvailable {
                reasons: vec![("m".into(), "gone".into())],
            },
            DescriberError::Unreadable {
                model: "m".into(),
                reason: "no JSON".into(),
                usage: usage(),
            },
            DescriberError::Refused {
                model: "m".into(),
                reason: "no".into(),
                usage: None,
            },
        ] {
            assert_eq!(description_error(error).kind.status(), 502);
        }
    }
}
