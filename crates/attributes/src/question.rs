//! The wording of questions.

use crate::set::Attribute;

const QUESTION: &str = "Question:";
const ANSWER: &str = "Answer:";

/// The question about one attribute: "What is the sleeve length of the shirt in
/// this picture?". `noun` is what the garment's category calls it.
#[must_use]
pub fn question(attribute: &Attribute, noun: &str) -> String {
    format!(
        "What is the {} of the {noun} in this picture?",
        attribute.words
    )
}

/// The prompt in the form that the model is trained on,
/// "Question: … Answer: ", with one space at its end.
///
/// A prompt that has both labels is left alone but for white space around it,
/// also where text follows the last "Answer:" for the model to go on from. One
/// that has only one of the labels gets the other. Case does not count.
#[must_use]
pub fn wrap_question(prompt: &str) -> String {
    let prompt = prompt.trim();
    let start = if starts_with_label(prompt, QUESTION) {
        ""
    } else {
        "Question: "
    };
    if ends_with_label(prompt, ANSWER) {
        return format!("{start}{prompt} ");
    }
    if start.is_empty() && contains_label(prompt, ANSWER) {
        return prompt.to_owned();
    }
    format!("{start}{prompt} Answer: ")
}

fn starts_with_label(text: &str, label: &str) -> bool {
    text.as_bytes()
        .get(..label.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(label.as_bytes()))
}

/// Whether `label` ends the text as a word of its own.
fn ends_with_label(text: &str, label: &str) -> bool {
    let Some(before) = text.len().checked_sub(label.len()) else {
        return false;
    };
    label_at(text, before, label)
}

fn contains_label(text: &str, label: &str) -> bool {
    (0..text.len()).any(|at| label_at(text, at, label))
}

fn label_at(text: &str, at: usize, label: &str) -> bool {
    let bytes = text.as_bytes();
    let begins_word = at == 0 || bytes[at - 1].is_ascii_whitespace();
    begins_word
        && bytes
            .get(at..at + label.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(label.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::{question, wrap_question};
    use crate::AttributeSet;

    #[test]
    fn questions_of_the_default_set() {
        let set = AttributeSet::embedded();
        let asked: Vec<String> = set
            .attributes()
            .iter()
            .map(|attribute| question(attribute, "shirt"))
            .collect();
        assert_eq!(
            asked,
            [
                "What is the fabric of the shirt in this picture?",
                "What is the fit of the shirt in this picture?",
                "What is the collar of the shirt in this picture?",
                "What is the pattern of the shirt in this picture?",
                "What is the sleeve length of the shirt in this picture?",
                "What is the neck type of the shirt in this picture?",
                "What is the sleeve styling of the shirt in this picture?",
                "What is the colour of the shirt in this picture?",
            ]
        );
    }

    #[test]
    fn a_bare_question_is_wrapped() {
        let wrapped = "Question: What is the fit of the top in this picture? Answer: ";
        assert_eq!(
            wrap_question("What is the fit of the top in this picture?"),
            wrapped
        );
        assert_eq!(
            wrap_question("  What is the fit of the top in this picture?\n"),
            wrapped
        );
    }

    #[test]
    fn a_wrapped_prompt_is_left_alone() {
        for prompt in [
            "Question: Is it red? Answer: ",
            "question: Is it red? ANSWER: ",
        ] {
            assert_eq!(wrap_question(prompt), prompt);
            assert_eq!(wrap_question(&wrap_question(prompt)), prompt);
        }
        for prompt in [
            "Question: a? Answer: b. Question: c? Answer: ",
            "Question: a? Answer: It",
        ] {
            assert_eq!(wrap_question(prompt), prompt);
        }
    }

    #[test]
    fn the_trailing_space_is_normalised() {
        for end in ["", " ", "   ", "\n", "\t \n"] {
            assert_eq!(
                wrap_question(&format!("Question: Is it red? Answer:{end}")),
                "Question: Is it red? Answer: "
            );
        }
    }

    #[test]
    fn half_wrapped_prompts_are_completed() {
        assert_eq!(
            wrap_question("Question: Is it red?"),
            "Question: Is it red? Answer: "
        );
        assert_eq!(
            wrap_question("Is it red? Answer:"),
            "Question: Is it red? Answer: "
        );
        assert_eq!(
            wrap_question("Does FinalAnswer: count?"),
            "Question: Does FinalAnswer: count? Answer: "
        );
    }

    #[test]
    fn prompts_of_other_scripts_and_of_any_length() {
        assert_eq!(wrap_question(""), "Question:  Answer: ");
        assert_eq!(wrap_question("यह क्या है?"), "Question: यह क्या है? Answer: ");
        assert_eq!(wrap_question("é"), "Question: é Answer: ");
        let long = "ä answer".repeat(200_000);
        assert_eq!(
            wrap_question(&long).len(),
            long.len() + "Question:  Answer: ".len()
        );
    }
}
