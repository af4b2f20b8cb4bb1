//! What the photo's model said, as attributes.

use attributes::{Answer, AttributeSet};
use indexmap::IndexMap;

use super::{AskError, ModelAnswer, Question};

/// What is known of a product before it is described.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Name to value, in the order of the attribute set.
    pub attributes: IndexMap<String, String>,
    /// Name to the probability of the answer in [0, 1], where the endpoint
    /// gives one.
    pub confidence: IndexMap<String, f64>,
    /// The attributes that were asked about without an answer to the point.
    pub missing: Vec<String>,
    /// Sentences about what is unusual in this result.
    pub warnings: Vec<String>,
}

impl Findings {
    /// Reads one answer a question. An answer about another attribute, or about
    /// none, is no answer.
    pub fn read(
        set: &AttributeSet,
        questions: &[Question],
        answers: Vec<Result<ModelAnswer, AskError>>,
    ) -> Findings {
        let mut findings = Findings::default();
        let mut failures: Vec<AskError> = Vec::new();
        let mut answers = answers.into_iter();
        for question in questions {
            let name = &question.attribute.name;
            let answer = match answers.next() {
                Some(Ok(answer)) => answer,
                Some(Err(error)) => {
                    findings.missing.push(name.clone());
                    if !failures.contains(&error) {
                        failures.push(error);
                    }
                    continue;
                }
                None => {
                    findings.missing.push(name.clone());
                    continue;
                }
            };
            match set.interpret(&question.attribute, &answer.text) {
                Answer::Value(value) => {
                    findings.attributes.insert(name.clone(), value);
                    if let Some(confidence) = answer.confidence {
                        findings.confidence.insert(name.clone(), confidence);
                    }
                }
                Answer::OtherAttribute { .. } | Answer::Nothing => {
                    findings.missing.push(name.clone());
                }
            }
        }
        findings.warnings = failures
            .iter()
            .map(|error| format!("Some questions were not answered: {error}."))
            .collect();
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DescribeRequest, PhotoSource, QuestionPlan};
    use bytes::Bytes;

    fn questions(names: &[&str]) -> Vec<Question> {
        let request = DescribeRequest {
            product_id: None,
            photo: PhotoSource::Bytes(Bytes::new()),
            category: None,
            attributes: Some(names.iter().map(|name| (*name).to_owned()).collect()),
            format: None,
        };
        QuestionPlan::new(&AttributeSet::embedded(), "shirt", &request)
            .unwrap()
            .questions
    }

    fn answer(text: &str, confidence: Option<f64>) -> Result<ModelAnswer, AskError> {
        Ok(ModelAnswer {
            text: text.to_owned(),
            confidence,
        })
    }

    #[test]
    fn answers_become_attributes_and_the_rest_is_missing() {
        let findings = Findings::read(
            &AttributeSet::embedded(),
            &questions(&["Fabric", "Sleeve Length", "Neck", "Colour"]),
            vec![
                answer("Fabric: Cotton", Some(0.93)),
                answer("Sleeve Length: Long Sleeves", None),
                answer("Fabric: Cotton", Some(0.9)),
                answer("", Some(0.1)),
            ],
        );
        assert_eq!(findings.attributes["Fabric"], "Cotton");
        assert_eq!(findings.attributes["Sleeve Length"], "Long Sleeves");
        assert_eq!(
            findings.confidence.into_iter().collect::<Vec<_>>(),
            [("Fabric".into(), 0.93)]
        );
        assert_eq!(findings.missing, ["Neck", "Colour"]);
        assert!(findings.warnings.is_empty());
    }

    #[test]
    fn a_failed_question_is_missing_with_its_reason_named_once() {
        let failed = || {
            Err(AskError::TimedOut {
                endpoint: "blip2".into(),
            })
        };
        let findings = Findings::read(
            &AttributeSet::embedded(),
            &questions(&["Fabric", "Fit", "Collar"]),
            vec![failed(), answer("Fit: Slim Fit", None), failed()],
        );
        assert_eq!(findings.missing, ["Fabric", "Collar"]);
        assert_eq!(findings.warnings.len(), 1);
        assert!(
            findings.warnings[0].contains("in time"),
            "{:?}",
            findings.warnings
        );
    }

    #[test]
    fn fewer_answers_than_questions_leave_the_rest_missing() {
        let findings = Findings::read(
            &AttributeSet::embedded(),
            &questions(&["Fabric", "Fit"]),
            vec![answer("Fabric: Linen", None)],
        );
        assert_eq!(findings.missing, ["Fit"]);
    }
}
