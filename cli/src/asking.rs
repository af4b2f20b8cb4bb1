//! What an endpoint is asked about a photograph, and what its answers say.

use attributes::{Answer, Attribute, AttributeSet, parse_pair};
use bytes::Bytes;
use describe_product::domain::{AskError, DescribeRequest, ModelAnswer, PhotoSource, QuestionPlan};
use serde::Serialize;

use crate::failure::{Failure, Outcome};
use crate::terminal::table;

/// A question.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its words.
    pub question: String,
    /// The attribute of the set that it is about; nothing for a question of one's own.
    pub attribute: Option<Attribute>,
}

/// One question of a photograph and its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The question.
    pub question: String,
    /// What the answer is about: the attribute that was asked about, else the name in the
    /// answer.
    pub attribute: Option<String>,
    /// Its value, by its name in the set where the set knows it.
    pub value: Option<String>,
    /// The probability of the answer, in [0, 1], where the endpoint gives it.
    pub confidence: Option<f64>,
    /// The answer as the model phrased it.
    pub text: Option<String>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The questions, never none.
    pub asked: Vec<Asked>,
    /// A sentence for the user where the category is not known.
    pub warning: Option<String>,
}

/// Those of the category's attributes, if `all`, then the user's own.
///
/// # Errors
/// When there is no question.
pub fn plan(set: &AttributeSet, category: &str, all: bool, own: &[String]) -> Outcome<Plan> {
    let mut asked = Vec::new();
    let mut warning = None;
    if all {
        let request = DescribeRequest {
            product_id: None,
            photo: PhotoSource::Bytes(Bytes::new()),
            category: Some(category.to_owned()),
            attributes: None,
            format: None,
        };
        let plan = QuestionPlan::new(set, category, &request)
            .map_err(|error| Failure::usage(error.to_string()))?;
        warning = plan.warning;
        asked.extend(plan.questions.into_iter().map(|question| Asked {
            question: question.text,
            attribute: Some(question.attribute),
        }));
    }
    for question in own {
        let question = question.trim();
        if question.is_empty() {
            return Err(Failure::usage("--question is empty: give it words"));
        }
        asked.push(Asked {
            question: question.to_owned(),
            attribute: None,
        });
    }
    if asked.is_empty() {
        return Err(Failure::usage("there is nothing to ask")
            .next("give --question \"…\", or --all for the attributes of the category"));
    }
    Ok(Plan { asked, warning })
}

/// What the answers say, one row a question.
pub fn rows(
    set: &AttributeSet,
    asked: &[Asked],
    answers: Vec<Result<ModelAnswer, AskError>>,
) -> Vec<Row> {
    let mut answers = answers.into_iter();
    let row = |asked: &Asked| match answers.next() {
        Some(Ok(answer)) => answered(set, asked, answer),
        Some(Err(error)) => unanswered(asked, error.to_string()),
        None => unanswered(asked, "the endpoint gave no answer to it".to_owned()),
    };
    asked.iter().map(row).collect()
}

fn answered(set: &AttributeSet, asked: &Asked, answer: ModelAnswer) -> Row {
    let (attribute, value) = match &asked.attribute {
        Some(attribute) => {
            let value = match set.interpret(attribute, &answer.text) {
                Answer::Value(value) => Some(value),
                Answer::OtherAttribute { .. } | Answer::Nothing => None,
            };
            (Some(attribute.name.clone()), value)
        }
        None => match parse_pair(&answer.text) {
            Some((name, value)) => (Some(name), Some(value)),
            None => (
                None,
                Some(answer.text.clone()).filter(|text| !text.is_empty()),
            ),
        },
    };
    Row {
        question: asked.question.clone(),
        attribute,
        value,
        confidence: answer.confidence,
        text: Some(answer.text),
        error: None,
    }
}

fn unanswered(asked: &Asked, error: String) -> Row {
    Row {
        question: asked.question.clone(),
        attribute: asked
            .attribute
            .as_ref()
            .map(|attribute| attribute.name.clone()),
        value: None,
        confidence: None,
        text: None,
        error: Some(error),
    }
}

/// The rows as a table for people.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let cells: Vec<[String; 3]> = rows
        .iter()
        .map(|row| {
            let name = row.attribute.as_ref().unwrap_or(&row.question);
            [name.clone(), said(row), confidence(row.confidence)]
        })
        .collect();
    table(["attribute", "value", "confidence"], &cells)
}

/// The value, or what was said in its place.
fn said(row: &Row) -> String {
    if let Some(value) = &row.value {
        return value.clone();
    }
    match (&row.error, row.text.as_deref()) {
        (Some(error), _) => format!("– ({error})"),
        (None, Some(text)) if !text.is_empty() => format!("– (it says {text:?})"),
        (None, _) => "–".to_owned(),
    }
}

/// A probability with as many digits as tell one answer from another.
#[must_use]
pub fn confidence(confidence: Option<f64>) -> String {
    confidence.map_or_else(|| "–".to_owned(), |confidence| format!("{confidence:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Exit;

    fn set() -> AttributeSet {
        AttributeSet::embedded()
    }

    fn answer(text: &str, confidence: Option<f64>) -> Result<ModelAnswer, AskError> {
        Ok(ModelAnswer {
            text: text.to_owned(),
            confidence,
        })
    }

    #[test]
    fn a_category_is_asked_about_what_applies_to_it_then_ones_own_questions() {
        let plan = plan(&set(), "dress", true, &["Is it lined?".to_owned()]).unwrap();
        assert_eq!(plan.warning, None);
        let asked = plan.asked;
        let names: Vec<Option<&str>> = asked
            .iter()
            .map(|asked| {
                asked
                    .attribute
                    .as_ref()
                    .map(|attribute| attribute.name.as_str())
            })
            .collect();
        assert_eq!(names.first(), Some(&Some("Fabric")));
        assert!(!names.contains(&Some("Collar")), "{names:?}");
        assert_eq!(names.last(), Some(&None));
        assert!(asked[0].question.contains("dress"), "{}", asked[0].question);
        assert_eq!(asked.last().unwrap().question, "Is it lined?");
    }

    #[test]
    fn an_unknown_category_is_told_where_it_is_asked_about() {
        let own = ["Is it lined?".to_owned()];
        let warning = plan(&set(), "shirtt", true, &own).unwrap().warning.unwrap();
        assert!(warning.contains("\"shirtt\""), "{warning}");
        assert_eq!(plan(&set(), "shirtt", false, &own).unwrap().warning, None);
    }

    #[test]
    fn no_question_is_a_wrong_command_line() {
        for own in [Vec::new(), vec![" ".to_owned()]] {
            let failure = plan(&set(), "shirt", false, &own).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.to_string().contains("--question"), "{failure}");
        }
    }

    #[test]
    fn answers_become_rows_whatever_they_say() {
        let mut asked = plan(&set(), "shirt", true, &[]).unwrap().asked;
        asked.truncate(3);
        let own = plan(&set(), "shirt", false, &["One?".into(), "Two?".into()]).unwrap();
        asked.extend(own.asked);
        let late = AskError::TimedOut {
            endpoint: "blip2".into(),
        };
        let rows = rows(
            &set(),
            &asked,
            vec![
                answer("Fabric: cotton", Some(0.931)),
                answer("Pattern: Solid", Some(0.5)),
                Err(late),
                answer("Occasion: Casual", None),
                answer("yes", Some(1.0)),
            ],
        );
        let values: Vec<Option<&str>> = rows.iter().map(|row| row.value.as_deref()).collect();
        assert_eq!(
            values,
            [Some("Cotton"), None, None, Some("Casual"), Some("yes")]
        );
        assert_eq!(rows[3].attribute.as_deref(), Some("Occasion"));
        assert_eq!(rows[4].attribute, None);
        assert!(rows[2].error.as_ref().unwrap().contains("in time"));
        let text = text(&rows);
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines[1].starts_with("Fabric") && lines[1].ends_with("0.93"),
            "{text}"
        );
        assert!(lines[2].contains("(it says \"Pattern: Solid\")"), "{text}");
        assert!(lines[3].contains("did not answer in time"), "{text}");
        assert!(
            lines[5].starts_with("Two?") && lines[5].contains("yes"),
            "{text}"
        );
    }
}
