//! Questions as the model takes them together: each photograph once.

use std::borrow::Borrow;

use blip2::training::Row;

use super::data::Example;

/// The photographs of some questions, each once, and where each question's is.
pub fn numbered(photos: impl Iterator<Item = usize>) -> (Vec<usize>, Vec<usize>) {
    let mut numbers: Vec<usize> = Vec::new();
    let places = photos.map(|photo| {
        let known = numbers.iter().position(|&number| number == photo);
        known.unwrap_or_else(|| {
            numbers.push(photo);
            numbers.len() - 1
        })
    });
    let places = places.collect();
    (numbers, places)
}

/// A row for each question, whose photograph is at its place.
pub fn rows<'a, E: Borrow<Example>>(questions: &'a [E], places: &[usize]) -> Vec<Row<'a>> {
    let row = |(question, &image): (&'a E, &usize)| {
        let Example {
            prompt_ids,
            answer_ids,
            ..
        } = question.borrow();
        Row {
            image,
            prompt: prompt_ids,
            answer: answer_ids,
        }
    };
    questions.iter().zip(places).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_photograph_is_there_once_and_every_question_finds_it() {
        assert_eq!(
            numbered([5, 5, 3, 5].into_iter()),
            (vec![5, 3], vec![0, 0, 1, 0])
        );
    }
}
