//! Answers as classes, where what sees learns without the words.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use attributes::parse_pair;
use blip2::training::ClassRow;

use super::data::Example;

/// The answers of the training questions. Those of one attribute are the ones
/// among which its questions choose.
#[derive(Debug)]
pub struct Classes {
    /// An answer's number, and those of its attribute's answers.
    by_answer: BTreeMap<String, (usize, Range<usize>)>,
}

impl Classes {
    /// Numbers some answers; the same text is the same class.
    #[must_use]
    pub fn of<'a>(answers: impl Iterator<Item = &'a str>) -> Self {
        let mut by_attribute: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for answer in answers {
            let attribute = parse_pair(answer).map_or_else(String::new, |(name, _)| name);
            by_attribute.entry(attribute).or_default().insert(answer);
        }
        let mut by_answer = BTreeMap::new();
        for answers in by_attribute.into_values() {
            let first = by_answer.len();
            let among = first..first + answers.len();
            for (class, answer) in (first..).zip(answers) {
                by_answer.insert(answer.to_owned(), (class, among.clone()));
            }
        }
        Self { by_answer }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.by_answer.len()
    }

    /// Whether an answer is one of them.
    #[must_use]
    pub fn has(&self, answer: &str) -> bool {
        self.by_answer.contains_key(answer)
    }

    /// Questions whose photographs are at `places`, as the model learns them;
    /// those whose answer is no class are left out.
    #[must_use]
    pub fn rows<'a>(
        &self,
        questions: impl Iterator<Item = &'a Example>,
        places: &[usize],
    ) -> Vec<ClassRow> {
        let row = |(question, &image): (&Example, &usize)| {
            let (class, among) = self.by_answer.get(&question.answer)?;
            Some(ClassRow {
                image,
                class: *class,
                among: among.clone(),
            })
        };
        questions.zip(places).filter_map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_one_attribute_are_chosen_among() {
        let answers = [
            "Fit: Slim Fit",
            "Neck: V-Neck",
            "yes",
            "Fit: Regular Fit",
            "Fit: Slim Fit",
            "no",
        ];
        let classes = Classes::of(answers.into_iter());
        assert_eq!(classes.count(), 5);
        assert!(classes.has("yes") && !classes.has("Fit: Loose Fit"));
        let example = |answer: &str| Example {
            photo: 9,
            question: String::new(),
            answer: answer.to_owned(),
            prompt_ids: vec![],
            answer_ids: vec![],
        };
        let questions = ["Fit: Slim Fit", "Fit: Loose Fit", "Neck: V-Neck", "yes"].map(example);
        let row = |image, class, among| ClassRow {
            image,
            class,
            among,
        };
        // What names no attribute comes first.
        assert_eq!(
            classes.rows(questions.iter(), &[0, 0, 0, 1]),
            [row(0, 3, 2..4), row(0, 4, 4..5), row(1, 1, 0..2)]
        );
    }
}
