//! How many prompts go through the model at one time.
//!
//! The answer to a prompt is the same alone and in any batch, so a request is
//! cut where one batch would take too much memory.

use std::ops::Range;

/// Rows of one batch, beams counted: each has its own key/value cache.
const MAX_ROWS: usize = 64;

/// Characters of one batch, every row padded to the longest prompt.
const MAX_CHARACTERS: usize = 8_192;

/// Cuts prompts into batches of neighbours, each within the bounds or one
/// prompt alone.
pub(super) fn batches(prompts: &[String], num_beams: usize) -> Vec<Range<usize>> {
    let num_beams = num_beams.max(1);
    let mut batches = Vec::new();
    let (mut start, mut longest) = (0, 0);
    for (index, prompt) in prompts.iter().enumerate() {
        let rows = (index - start + 1) * num_beams;
        longest = longest.max(prompt.chars().count());
        if index > start && (rows > MAX_ROWS || rows * longest > MAX_CHARACTERS) {
            batches.push(start..index);
            (start, longest) = (index, prompt.chars().count());
        }
    }
    if start < prompts.len() {
        batches.push(start..prompts.len());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompts(lengths: &[usize]) -> Vec<String> {
        lengths.iter().map(|&length| "é".repeat(length)).collect()
    }

    #[test]
    fn ordinary_questions_are_one_batch() {
        assert_eq!(batches(&prompts(&[70; 64]), 1), vec![0..64]);
        assert_eq!(batches(&prompts(&[70; 8]), 8), vec![0..8]);
    }

    #[test]
    fn beams_count_as_rows() {
        assert_eq!(batches(&prompts(&[70; 10]), 8), vec![0..8, 8..10]);
    }

    #[test]
    fn a_long_prompt_makes_batches_small() {
        assert_eq!(batches(&prompts(&[2_048; 9]), 1), vec![0..4, 4..8, 8..9]);
        assert_eq!(batches(&prompts(&[100_000, 3, 3]), 8), vec![0..1, 1..3]);
    }

    #[test]
    fn every_prompt_is_in_one_batch_in_order() {
        let lengths: Vec<usize> = (0..64).map(|index| (index * 397) % 2_048 + 1).collect();
        let batches = batches(&prompts(&lengths), 2);
        let indices: Vec<usize> = batches.into_iter().flatten().collect();
        assert_eq!(indices, (0..64).collect::<Vec<_>>());
    }

    #[test]
    fn nothing_to_do_is_no_batch() {
        assert!(batches(&[], 1).is_empty());
    }
}
