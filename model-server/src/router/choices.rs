//! `parameters.choices`: the texts that answers are held to.
//!
//! A choice is a bare value ("Cotton"), to which the attribute that the
//! question asks about gives the name, or a whole answer ("Fabric: Cotton").

use std::collections::HashMap;
use std::sync::LazyLock;

use attributes::{AttributeSet, parse_pair};

use super::field::Field;
use super::{ApiError, ErrorCode};
use crate::core::Choices;

/// The attributes that questions are recognised by.
static ATTRIBUTES: LazyLock<AttributeSet> = LazyLock::new(AttributeSet::embedded);

/// `choices` as they were sent.
#[derive(Clone, Debug, PartialEq)]
pub enum ChoicesForm {
    /// Of the one question that there is.
    OfOne(Vec<String>),
    /// One entry a question, in order; nothing where the answer is free.
    ByPrompt(Vec<Option<Vec<String>>>),
    /// By the name of the attribute that is asked about.
    ByAttribute(Vec<(String, Option<Vec<String>>)>),
}

const EXPECTED: &str = "an array of values for one question; for several, an object by attribute \
                        name or an array with an array or null for each";
const VALUES: &str = "an array of strings, or null for a free answer";
const VALUE: &str = "a string: a value such as \"Cotton\", or a whole answer, \"Fabric: Cotton\"";

impl ChoicesForm {
    /// Reads the field; what it means is known only beside the questions.
    pub(super) fn read(field: &Field<'_>) -> Result<ChoicesForm, ApiError> {
        if let Some(entries) = field.entries() {
            let read =
                |(name, values): (&str, Field<'_>)| Ok((name.to_owned(), read_values(&values)?));
            let entries = entries
                .into_iter()
                .map(read)
                .collect::<Result<_, ApiError>>()?;
            return Ok(ChoicesForm::ByAttribute(entries));
        }
        let items = field.items(EXPECTED)?;
        if items.iter().any(Field::is_array_or_null) {
            let entries = items.iter().map(read_values).collect::<Result<_, _>>()?;
            return Ok(ChoicesForm::ByPrompt(entries));
        }
        read_texts(&items).map(ChoicesForm::OfOne)
    }

    /// The choices of each of the questions, nothing where its answer is free.
    pub(super) fn of_questions(
        &self,
        prompts: &[String],
        abstain_below: Option<f64>,
    ) -> Result<Vec<Option<Choices>>, ApiError> {
        let by_prompt: Vec<Option<&[String]>> = match self {
            ChoicesForm::OfOne(values) => match prompts.len() {
                1 => vec![Some(values)],
                count => return Err(several(count)),
            },
            ChoicesForm::ByPrompt(entries) if entries.len() == prompts.len() => {
                entries.iter().map(Option::as_deref).collect()
            }
            ChoicesForm::ByPrompt(entries) => {
                let (entries, prompts) = (entries.len(), prompts.len());
                return Err(invalid(format!(
                    "`parameters.choices` has {entries} entries for {prompts} questions: give \
                     each question its values, or null for a free answer"
                )));
            }
            ChoicesForm::ByAttribute(entries) => by_attribute(entries, prompts)?,
        };
        let resolve = |((number, prompt), values): ((usize, &String), Option<&[String]>)| {
            let choices = values.map(|values| choices(number, prompt, values, abstain_below));
            choices.transpose()
        };
        (1..).zip(prompts).zip(by_prompt).map(resolve).collect()
    }
}

fn read_values(field: &Field<'_>) -> Result<Option<Vec<String>>, ApiError> {
    if field.is_null() {
        return Ok(None);
    }
    read_texts(&field.items(VALUES)?).map(Some)
}

fn read_texts(items: &[Field<'_>]) -> Result<Vec<String>, ApiError> {
    let text = |item: &Field<'_>| item.text(VALUE).map(str::to_owned);
    items.iter().map(text).collect()
}

/// Which of the entries is for which question: every entry for at least one.
fn by_attribute<'a>(
    entries: &'a [(String, Option<Vec<String>>)],
    prompts: &[String],
) -> Result<Vec<Option<&'a [String]>>, ApiError> {
    let asked: Vec<Option<String>> = prompts
        .iter()
        .map(|prompt| ATTRIBUTES.name_asked(prompt))
        .collect();
    let mut owners: HashMap<&str, &str> = HashMap::new();
    let mut by_prompt = vec![None; prompts.len()];
    for (key, values) in entries {
        let known = ATTRIBUTES.attribute(key);
        let name = known.map_or(key.as_str(), |attribute| &attribute.name);
        let is_asked = |of: &&String| of.eq_ignore_ascii_case(name.trim());
        let Some(name) = asked.iter().flatten().find(is_asked) else {
            return Err(invalid(format!(
                "`parameters.choices` has `{key}`, which no question asks about in words like \
                 \"What is the fabric of the shirt in this picture?\": take it out, or give \
                 `choices` as an array with an entry for each question"
            )));
        };
        if let Some(other) = owners.insert(name, key) {
            return Err(invalid(format!(
                "`parameters.choices` has `{other}` and `{key}`, which are one attribute: keep \
                 one of them"
            )));
        }
        for (place, of) in by_prompt.iter_mut().zip(&asked) {
            if of.as_ref() == Some(name) {
                *place = values.as_deref();
            }
        }
    }
    Ok(by_prompt)
}

/// The choices of question `number`, counted from 1.
fn choices(
    number: usize,
    prompt: &str,
    values: &[String],
    abstain_below: Option<f64>,
) -> Result<Choices, ApiError> {
    let name = ATTRIBUTES.name_asked(prompt);
    let text = |value: &String| match (parse_pair(value), &name) {
        (Some(_), _) => Ok(value.trim().to_owned()),
        (None, Some(name)) => Ok(format!("{name}: {}", value.trim())),
        (None, None) => Err(invalid(format!(
            "the choice `{value}` is a value alone, and which attribute it is of cannot be told \
             from the words of question {number}: write the whole answer, such as \
             \"Fabric: Cotton\""
        ))),
    };
    let texts: Vec<String> = values.iter().map(text).collect::<Result<_, _>>()?;
    let mut first = HashMap::new();
    for (text, value) in texts.iter().zip(values) {
        if let Some(other) = first.insert(text, value) {
            return Err(invalid(format!(
                "the choices `{other}` and `{value}` are both the answer `{text}`: keep one of them"
            )));
        }
    }
    Ok(Choices {
        values: values.to_vec(),
        texts,
        abstain_below,
    })
}

fn several(prompts: usize) -> ApiError {
    invalid(format!(
        "`parameters.choices` is one array of values and there are {prompts} questions: give an \
         object by attribute name, {{\"Fabric\": [\"Cotton\"]}}, or an array with an array or null \
         for each question"
    ))
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidParameter, message)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FABRIC: &str = "What is the fabric of the shirt in this picture?";
    const FIT: &str = "Question: What is the Fit of the top in this picture? Answer: ";
    const OTHER: &str = "Would you wear it?";

    fn read(value: &Value) -> Result<ChoicesForm, String> {
        ChoicesForm::read(&Field::new(
            "parameters.choices",
            value,
            ErrorCode::InvalidParameter,
        ))
        .map_err(|error| error.message().to_owned())
    }

    fn texts(value: Value, prompts: &[&str]) -> Result<Vec<Option<Vec<String>>>, String> {
        let prompts: Vec<String> = prompts.iter().map(|&prompt| prompt.to_owned()).collect();
        let choices = read(&value)?
            .of_questions(&prompts, Some(0.5))
            .map_err(|error| error.message().to_owned())?;
        Ok(choices
            .into_iter()
            .map(|choices| choices.map(|choices| choices.texts))
            .collect())
    }

    fn some(texts: &[&str]) -> Option<Vec<String>> {
        Some(texts.iter().map(|&text| text.to_owned()).collect())
    }

    #[test]
    fn one_question_takes_every_form() {
        let expected = Ok(vec![some(&["Fabric: Cotton", "Fabric: Viscose Rayon"])]);
        for value in [
            json!(["Cotton", "Viscose Rayon"]),
            json!(["Fabric: Cotton", " Viscose Rayon "]),
            json!([["Cotton", "Fabric: Viscose Rayon"]]),
            json!({"Fabric": ["Cotton", "Viscose Rayon"]}),
            json!({"material": ["Cotton", "Viscose Rayon"]}),
        ] {
            assert_eq!(texts(value.clone(), &[FABRIC]), expected, "{value}");
        }
        assert_eq!(texts(json!([null]), &[FABRIC]), Ok(vec![None]));
    }

    #[test]
    fn several_questions_take_an_object_or_an_entry_each() {
        let expected = Ok(vec![
            some(&["Fabric: Cotton"]),
            None,
            some(&["Fit: Slim Fit"]),
        ]);
        let prompts = [FABRIC, OTHER, FIT];
        for value in [
            json!({"Fit": ["Slim Fit"], "Fabric": ["Cotton"]}),
            json!([["Cotton"], null, ["Slim Fit"]]),
        ] {
            assert_eq!(texts(value.clone(), &prompts), expected, "{value}");
        }
        let twice = texts(
            json!({"Fit": ["Slim Fit"], "Fabric": null}),
            &[FIT, FABRIC, FIT],
        );
        let fit = some(&["Fit: Slim Fit"]);
        assert_eq!(twice, Ok(vec![fit.clone(), None, fit]));
    }

    #[test]
    fn an_attribute_of_no_set_is_named_by_its_question() {
        const HEEL: &str = "What is the heel height of the shoe in this picture?";
        let expected = Ok(vec![some(&["Heel Height: Flat"]), some(&["Fit: Slim Fit"])]);
        for value in [
            json!({"heel height": ["Flat"], "Fit": ["Slim Fit"]}),
            json!([["Flat"], ["Slim Fit"]]),
        ] {
            assert_eq!(texts(value.clone(), &[HEEL, FIT]), expected, "{value}");
        }
    }

    #[test]
    fn a_whole_answer_is_taken_as_it_is_whatever_the_question() {
        let value = json!(["Verdict: Yes", "Verdict: 60:40", "Colour: No"]);
        let expected = some(&["Verdict: Yes", "Verdict: 60:40", "Colour: No"]);
        assert_eq!(texts(value.clone(), &[OTHER]), Ok(vec![expected.clone()]));
        assert_eq!(texts(value, &[FABRIC]), Ok(vec![expected]));
        // What stands before the colon is no name.
        let ratio = texts(json!(["60:40"]), &[FABRIC]);
        assert_eq!(ratio, Ok(vec![some(&["Fabric: 60:40"])]));
    }

    #[test]
    fn values_stay_as_they_were_given() {
        let form = read(&json!([" Cotton", "Fabric: Silk"])).unwrap();
        let choices = form.of_questions(&[FABRIC.to_owned()], Some(0.25)).unwrap();
        let choices = choices[0].as_ref().unwrap();
        assert_eq!(choices.values, [" Cotton", "Fabric: Silk"]);
        assert_eq!(choices.abstain_below, Some(0.25));
    }

    #[test]
    fn wrong_choices_say_what_to_mend() {
        for (value, prompts, part) in [
            (
                json!("Cotton"),
                &[FABRIC][..],
                "`parameters.choices` must be an array of values",
            ),
            (
                json!([1]),
                &[FABRIC],
                "`parameters.choices[0]` must be a string: a value",
            ),
            (
                json!(["a", ["b"]]),
                &[FABRIC],
                "`parameters.choices[0]` must be an array of strings",
            ),
            (
                json!([["a", 2]]),
                &[FABRIC],
                "`parameters.choices[0][1]` must be a string",
            ),
            (
                json!({"Fit": "Slim"}),
                &[FIT],
                "`parameters.choices.Fit` must be an array of strings",
            ),
            (
                json!({"Fit": [null]}),
                &[FIT],
                "`parameters.choices.Fit[0]` must be a string",
            ),
            (
                json!(["Cotton"]),
                &[FABRIC, FIT],
                "there are 2 questions: give an object",
            ),
            (
                json!([["Cotton"]]),
                &[FABRIC, FIT],
                "has 1 entries for 2 questions",
            ),
            (
                json!([null, null]),
                &[FABRIC],
                "has 2 entries for 1 questions",
            ),
            (
                json!({"Fit": ["Slim"]}),
                &[FABRIC],
                "has `Fit`, which no question asks about",
            ),
            (
                json!({"Occasion": ["x"]}),
                &[OTHER],
                "has `Occasion`, which no question asks about",
            ),
            (
                json!({"Fabric": ["a"], "material": ["b"]}),
                &[FABRIC],
                "has `Fabric` and `material`, which are one attribute",
            ),
            (
                json!(["Yes"]),
                &[OTHER],
                "the choice `Yes` is a value alone",
            ),
            (
                json!(["Yes"]),
                &[OTHER],
                "write the whole answer, such as \"Fabric: Cotton\"",
            ),
            (
                json!(["a", "b", "a"]),
                &[FABRIC],
                "`a` and `a` are both the answer `Fabric: a`",
            ),
            (
                json!(["a", "Fabric: a"]),
                &[FABRIC],
                "`a` and `Fabric: a` are both the answer",
            ),
        ] {
            let message = texts(value.clone(), prompts).unwrap_err();
            assert!(message.contains(part), "{value}: {message}");
        }
    }
}
