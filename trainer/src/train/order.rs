//! The order in which questions are learnt from.
//!
//! Every epoch has an order of its own that follows from the seed and the
//! epoch's number alone (ChaCha with 8 rounds, Fisher-Yates), so that a job that
//! goes on needs to know no more than where it was.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Batches whose questions are sorted by length together.
const SORTED_TOGETHER: usize = 50;

/// What one question is to the order.
#[derive(Debug, Clone, Copy)]
pub struct Item {
    /// The photograph it is about.
    pub photo: usize,
    /// Tokens of prompt and answer.
    pub tokens: usize,
}

/// How batches are made.
#[derive(Debug, Clone, Copy)]
pub struct Ordering {
    /// Questions of a batch.
    pub batch_size: usize,
    /// Whether the order is drawn.
    pub shuffle: bool,
    /// Whether questions of similar length share a batch. Photographs come
    /// first where both are wanted.
    pub by_length: bool,
    /// Whether a photograph's questions follow each other, so that a batch
    /// encodes few photographs.
    pub by_photo: bool,
    /// What the order is drawn from.
    pub seed: u64,
}

impl Ordering {
    /// The batches of an epoch, as indices of items; all items are in them.
    #[must_use]
    pub fn batches(&self, items: &[Item], epoch: u64) -> Vec<Vec<usize>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(epoch);
        let mut order: Vec<usize> = (0..items.len()).collect();
        if self.shuffle {
            order.shuffle(&mut rng);
        }
        if self.by_photo {
            // Photographs in the order of their first question.
            let photos = items.iter().map(|item| item.photo + 1).max().unwrap_or(0);
            let mut place = vec![usize::MAX; photos];
            for (at, &index) in order.iter().enumerate() {
                let place = &mut place[items[index].photo];
                *place = at.min(*place);
            }
            order.sort_by_key(|&index| place[items[index].photo]);
        } else if self.by_length {
            for together in order.chunks_mut(self.batch_size * SORTED_TOGETHER) {
                together.sort_by_key(|&index| items[index].tokens);
            }
        }
        let mut batches: Vec<Vec<usize>> = order
            .chunks(self.batch_size.max(1))
            .map(<[usize]>::to_vec)
            .collect();
        if self.by_length && self.shuffle {
            batches.shuffle(&mut rng);
        }
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items() -> Vec<Item> {
        (0..100)
            .map(|index| Item {
                photo: index / 4,
                tokens: 10 + index * 7 % 13,
            })
            .collect()
    }

    const PLAIN: Ordering = Ordering {
        batch_size: 8,
        shuffle: true,
        by_length: false,
        by_photo: false,
        seed: 3,
    };

    #[test]
    fn every_epoch_has_every_question_in_an_order_of_its_own() {
        for ordering in [
            PLAIN,
            Ordering {
                by_length: true,
                ..PLAIN
            },
            Ordering {
                by_photo: true,
                ..PLAIN
            },
            Ordering {
                shuffle: false,
                ..PLAIN
            },
        ] {
            let first = ordering.batches(&items(), 0);
            assert_eq!(first, ordering.batches(&items(), 0));
            assert_eq!(first == ordering.batches(&items(), 1), !ordering.shuffle);
            let mut all = first.concat();
            all.sort_unstable();
            assert_eq!(all, (0..100).collect::<Vec<_>>());
            assert_eq!(first.len(), 13);
        }
    }

    #[test]
    fn batches_have_few_photographs_or_little_padding() {
        let items = items();
        let photos = |batch: &[usize]| {
            let mut photos: Vec<usize> = batch.iter().map(|&index| items[index].photo).collect();
            photos.sort_unstable();
            photos.dedup();
            photos.len()
        };
        let by_photo = Ordering {
            by_photo: true,
            ..PLAIN
        };
        assert!(
            by_photo
                .batches(&items, 2)
                .iter()
                .all(|batch| photos(batch) <= 2)
        );
        let padding = |ordering: Ordering| -> usize {
            let batches = ordering.batches(&items, 2);
            let of_batch = |batch: &Vec<usize>| {
                let longest = batch.iter().map(|&index| items[index].tokens).max();
                batch
                    .iter()
                    .map(|&index| longest.unwrap_or(0) - items[index].tokens)
                    .sum::<usize>()
            };
            batches.iter().map(of_batch).sum()
        };
        let by_length = Ordering {
            by_length: true,
            ..PLAIN
        };
        assert!(padding(by_length) * 4 < padding(PLAIN));
    }
}
