//! Which of the questions that wait go into the next batch.

use tokio::time::Instant;

use super::extent::{BatchExtent, Extent};

/// A question that could be in the next batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) extent: Extent,
    /// Since when it could be answered.
    pub(super) ready_at: Instant,
    /// The request that it must be in no company but that of, because a batch
    /// of several failed.
    pub(super) alone: Option<u64>,
}

/// Questions for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gathered {
    /// Their indices, in order; at least one.
    pub(super) questions: Vec<usize>,
    /// Whether some that would go with them found no room.
    pub(super) is_full: bool,
}

/// The first question that is admitted, so that none waits for ever, and those
/// after it that go with it, up to `max_tokens`. The first is taken whatever
/// its size.
pub(super) fn gather(
    waiting: &[Candidate],
    max_tokens: usize,
    admits: impl Fn(&Extent) -> bool,
) -> Option<Gathered> {
    let is_admitted = |candidate: &Candidate| admits(&candidate.extent);
    let first_index = waiting.iter().position(is_admitted)?;
    let first = &waiting[first_index];
    let mut batch = BatchExtent::default().with(&first.extent);
    let mut gathered = Gathered {
        questions: vec![first_index],
        is_full: batch.tokens() >= max_tokens,
    };
    for (index, candidate) in waiting.iter().enumerate().skip(first_index + 1) {
        let goes_with = candidate.alone == first.alone
            && is_admitted(candidate)
            && candidate.extent.goes_with(&first.extent);
        if !goes_with {
            continue;
        }
        let larger = batch.with(&candidate.extent);
        if larger.tokens() > max_tokens {
            gathered.is_full = true;
        } else {
            batch = larger;
            gathered.questions.push(index);
        }
    }
    Some(gathered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(lengths: &[usize]) -> Vec<Candidate> {
        lengths.iter().map(|&read| candidate(read, 1)).collect()
    }

    fn candidate(read: usize, rows: usize) -> Candidate {
        Candidate {
            extent: Extent {
                rows,
                read,
                written: 20,
                nodes: 0,
            },
            ready_at: Instant::now(),
            alone: None,
        }
    }

    /// Batches until nothing waits.
    fn all_batches(mut waiting: Vec<Candidate>, max_tokens: usize) -> Vec<Vec<usize>> {
        let mut names: Vec<usize> = (0..waiting.len()).collect();
        let mut batches = Vec::new();
        while let Some(gathered) = gather(&waiting, max_tokens, |_| true) {
            batches.push(
                gathered
                    .questions
                    .iter()
                    .map(|&index| names[index])
                    .collect(),
            );
            for index in gathered.questions.into_iter().rev() {
                waiting.remove(index);
                names.remove(index);
            }
        }
        batches
    }

    #[test]
    fn ordinary_questions_are_one_batch() {
        assert_eq!(all_batches(waiting(&[50; 56]), 4_096).len(), 1);
        let gathered = gather(&waiting(&[50; 3]), 4_096, |_| true).unwrap();
        assert!(!gathered.is_full);
    }

    #[test]
    fn a_batch_is_cut_where_it_is_full() {
        let batches = all_batches(waiting(&[50; 10]), 280);
        assert_eq!(batches, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        assert!(gather(&waiting(&[50; 10]), 280, |_| true).unwrap().is_full);
    }

    #[test]
    fn beams_count_as_rows() {
        let searches = vec![candidate(50, 4); 3];
        assert_eq!(all_batches(searches, 600), [vec![0, 1], vec![2]]);
    }

    #[test]
    fn a_long_question_is_not_what_short_ones_are_padded_to() {
        assert_eq!(
            all_batches(waiting(&[50, 1_000, 52, 990, 60]), 4_096),
            [vec![0, 2, 4], vec![1, 3]]
        );
    }

    #[test]
    fn a_question_over_the_bound_is_a_batch_of_its_own() {
        assert_eq!(
            all_batches(waiting(&[1_000, 1_000]), 500),
            [vec![0], vec![1]]
        );
    }

    #[test]
    fn a_request_that_must_be_alone_is() {
        let mut mixed = waiting(&[50; 5]);
        mixed[0].alone = Some(7);
        mixed[1].alone = Some(8);
        mixed[3].alone = Some(7);
        assert_eq!(all_batches(mixed, 4_096), [vec![0, 3], vec![1], vec![2, 4]]);
    }

    #[test]
    fn what_is_not_admitted_waits_without_holding_others_up() {
        let gathered = gather(&waiting(&[90, 50, 90, 55]), 4_096, |extent| {
            extent.read < 60
        });
        assert_eq!(gathered.unwrap().questions, [1, 3]);
        assert_eq!(gather(&waiting(&[90]), 4_096, |_| false), None);
    }

    #[test]
    fn every_question_is_in_one_batch() {
        let lengths: Vec<usize> = (0..64).map(|index| (index * 397) % 1_024 + 33).collect();
        let mut all: Vec<usize> = all_batches(waiting(&lengths), 4_096).concat();
        all.sort_unstable();
        assert_eq!(all, (0..64).collect::<Vec<_>>());
    }
}
