//! The wording of questions.

use crate::fold::fold;
use crate::pair::MAX_NAME_BYTES;
use crate::set::{Attribute, AttributeSet};

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

impl AttributeSet {
    /// The attribute that `prompt` asks about, where it begins as [`question`]
    /// does: "What is the {attribute} of …". Bare or wrapped, whatever its case,
    /// its spaces and what follows "of"; the attribute may be called by its
    /// words in a question, its name or an alias.
    ///
    /// `None` for every other wording, and for a prompt that has text after its
    /// "Answer:".
    #[must_use]
    pub fn attribute_of_question(&self, prompt: &str) -> Option<&Attribute> {
        let mut words = bare_question(prompt).split_whitespace();
        for expected in ["what", "is", "the"] {
            words
                .next()
                .filter(|word| word.eq_ignore_ascii_case(expected))?;
        }
        let mut subject = String::new();
        while let Some(word) = words.next() {
            let names_what_follows =
                word.eq_ignore_ascii_case("of") && words.clone().next().is_some();
            if names_what_follows && let Some(attribute) = self.asked_as(&subject) {
                return Some(attribute);
            }
            subject.push_str(word);
            if subject.len() > MAX_NAME_BYTES {
                return None;
            }
        }
        None
    }

    /// The name that an answer to `prompt` begins with: that of the attribute
    /// that it [asks about](Self::attribute_of_question), or, where the set has
    /// none such and the whole wording is that of [`question`], what it asks
    /// about with capital letters: "Heel Height".
    #[must_use]
    pub fn name_asked(&self, prompt: &str) -> Option<String> {
        if let Some(attribute) = self.attribute_of_question(prompt) {
            return Some(attribute.name.clone());
        }
        let text = bare_question(prompt).to_lowercase();
        let words: Vec<&str> = text.split_whitespace().collect();
        let (["what", "is", "the", rest @ ..], Some(end)) =
            (words.as_slice(), words.len().checked_sub(3))
        else {
            return None;
        };
        let is_whole = words[end..].join(" ").trim_end_matches('?') == "in this picture";
        let subject: Vec<&str> = rest
            .iter()
            .copied()
            .take_while(|word| *word != "of")
            .collect();
        // Something is asked about, and something is named that has it.
        if !is_whole || subject.is_empty() || subject.len() + 5 > rest.len() {
            return None;
        }
        let name = subject.iter().map(|word| capitalised(word));
        let name = name.collect::<Vec<_>>().join(" ");
        (name.len() <= MAX_NAME_BYTES).then_some(name)
    }

    fn asked_as(&self, subject: &str) -> Option<&Attribute> {
        let key = fold(subject);
        let by_words = |attribute: &&Attribute| fold(&attribute.words) == key;
        self.attributes()
            .iter()
            .find(by_words)
            .or_else(|| self.attribute(subject))
    }
}

fn capitalised(word: &str) -> String {
    let mut characters = word.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(characters).collect()
}

/// The prompt without the labels that [`wrap_question`] gives it.
fn bare_question(prompt: &str) -> &str {
    let mut text = prompt.trim();
    if starts_with_label(text, QUESTION) {
        text = text[QUESTION.len()..].trim_start();
    }
    if ends_with_label(text, ANSWER) {
        return text[..text.len() - ANSWER.len()].trim_end();
    }
    // What follows the label is the beginning of an answer, or another question.
    if contains_label(text, ANSWER) {
        ""
    } else {
        text
    }
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
    fn every_question_of_the_set_leads_back_to_its_attribute() {
        let set = AttributeSet::embedded();
        for attribute in set.attributes() {
            for noun in ["shirt", "T-shirt", "pair of trousers", "कुर्ता"] {
                let asked = question(attribute, noun);
                for prompt in [wrap_question(&asked), asked.to_uppercase(), asked] {
                    assert_eq!(
                        set.attribute_of_question(&prompt),
                        Some(attribute),
                        "{prompt}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_attribute_is_asked_about_by_words_name_or_alias() {
        let set = AttributeSet::embedded();
        for (prompt, name) in [
            ("What is the Fit of the shirt in this picture?", "Fit"),
            ("What is the Neck of the shirt in this picture?", "Neck"),
            ("what is the neckline of it", "Neck"),
            (
                "What is the baseColour of the shirt in this picture?",
                "Colour",
            ),
            (
                "  What  is the\nsleeve-length of the top in this picture? ",
                "Sleeve Length",
            ),
            (
                "question: What is the material of this dress? ANSWER:",
                "Fabric",
            ),
            ("What is the color of the top of the pile?", "Colour"),
        ] {
            let attribute = set.attribute_of_question(prompt);
            assert_eq!(
                attribute.map(|attribute| attribute.name.as_str()),
                Some(name)
            );
        }
    }

    #[test]
    fn an_attribute_whose_words_have_an_of() {
        let set = AttributeSet::parse(
            "[[attribute]]\nname = \"Origin\"\nwords = \"country of origin\"\n",
        )
        .unwrap();
        let attribute = &set.attributes()[0];
        let asked = question(attribute, "shirt");
        assert_eq!(set.attribute_of_question(&asked), Some(attribute));
    }

    #[test]
    fn other_wordings_ask_about_no_attribute() {
        let set = AttributeSet::embedded();
        for prompt in [
            "",
            "What?",
            "Is it cotton?",
            "What is the fabric?",
            "What is the fabric of",
            "What is the occasion of the shirt in this picture?",
            "What is the of the shirt in this picture?",
            "What was the fabric of the shirt in this picture?",
            "Question: What is the fit of the shirt in this picture? Answer: Fit:",
            "Question: a? Answer: b. Question: What is the fit of it? Answer: ",
        ] {
            assert_eq!(set.attribute_of_question(prompt), None, "{prompt}");
        }
        let endless = format!("What is the {}", "of a ".repeat(1_000_000));
        assert_eq!(set.attribute_of_question(&endless), None);
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

    #[test]
    fn what_the_set_does_not_have_is_named_by_the_question() {
        let set = AttributeSet::embedded();
        let name = |prompt: &str| set.name_asked(prompt);
        for (prompt, expected) in [
            ("What is the fabric of the shirt in this picture?", "Fabric"),
            ("What is the neck type of the top in this picture?", "Neck"),
            (
                "What is the occasion of the shirt in this picture?",
                "Occasion",
            ),
            (
                "Question: what is the HEEL height of the shoe in this picture? Answer: ",
                "Heel Height",
            ),
            ("What is the season of clothing in this picture", "Season"),
        ] {
            assert_eq!(name(prompt).as_deref(), Some(expected), "{prompt}");
        }
        for prompt in [
            "",
            "What is the point of this?",
            "What is the of the shirt in this picture?",
            "What is the occasion in this picture?",
            "What is the occasion of in this picture?",
            "Would you wear it in this picture?",
        ] {
            assert_eq!(name(prompt), None, "{prompt}");
        }
    }
}
