//! What a question takes in a batch.

use blip2::Task;

/// An answer of up to so many tokens is short.
pub(super) const SHORT_ANSWER_TOKENS: usize = 32;

/// A prefix tree of more nodes makes the steps of its batch long: it is read
/// some hundred nodes a step, where another question reads one token.
const LARGE_TREE_NODES: usize = 1_024;

/// What a question takes in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Decoder rows: one, or one a beam.
    pub(super) rows: usize,
    /// Tokens that the encoder reads: the image's and the prompt's.
    pub(super) read: usize,
    /// Tokens that each row may write.
    pub(super) written: usize,
    /// Nodes of the tree of its choices.
    pub(super) nodes: usize,
}

impl Extent {
    pub(super) fn of(image_tokens: usize, prompt_tokens: usize, task: &Task) -> Extent {
        let read = image_tokens + prompt_tokens;
        match task {
            Task::Generate(parameters) => Extent {
                rows: parameters.num_beams.max(1),
                read,
                written: parameters.max_new_tokens,
                nodes: 0,
            },
            Task::Choose(tree) => Extent {
                rows: 1,
                read,
                written: 0,
                nodes: tree.nodes(),
            },
        }
    }

    /// Whether the steps of its batch may each take long.
    pub(super) fn is_heavy(&self) -> bool {
        self.nodes > LARGE_TREE_NODES
    }

    /// Whether its answer may take many steps, or long ones.
    pub(super) fn may_be_slow(&self) -> bool {
        self.written > SHORT_ANSWER_TOKENS || self.is_heavy()
    }

    /// Whether both may be in one batch at little cost to either: neither is
    /// padded by more than half its own length, and no light question waits
    /// for the steps of a heavy one.
    pub(super) fn goes_with(&self, other: &Extent) -> bool {
        let (short, long) = (self.read.min(other.read), self.read.max(other.read));
        2 * long <= 3 * short && self.is_heavy() == other.is_heavy()
    }
}

/// What some questions take together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BatchExtent {
    rows: usize,
    longest: usize,
    written: usize,
    nodes: usize,
}

impl BatchExtent {
    pub(super) fn with(self, extent: &Extent) -> BatchExtent {
        BatchExtent {
            rows: self.rows + extent.rows,
            longest: self.longest.max(extent.read),
            written: self.written + extent.rows * extent.written,
            nodes: self.nodes + extent.nodes,
        }
    }

    /// What the batch's memory grows with: every row's keys and values of all
    /// that was read, padded to the longest, and of what it may write.
    pub(super) fn tokens(&self) -> usize {
        self.rows * self.longest + self.written + self.nodes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use blip2::{ChoiceTree, GenerationParameters};

    use super::*;

    #[test]
    fn beams_are_rows_and_choices_are_nodes() {
        let parameters = GenerationParameters {
            num_beams: 3,
            max_new_tokens: 20,
            ..Default::default()
        };
        let search = Extent::of(32, 18, &Task::Generate(parameters));
        let texts = ["ab", "ac"].map(str::to_owned);
        let tree = ChoiceTree::new(&texts, 0, |text| {
            Ok(text.bytes().map(u32::from).chain([1]).collect())
        });
        let held = Extent::of(32, 10, &Task::Choose(Arc::new(tree.unwrap())));
        assert_eq!((search.rows, search.read, search.written), (3, 50, 20));
        assert_eq!((held.rows, held.read, held.nodes), (1, 42, 4));
        let both = BatchExtent::default().with(&search).with(&held);
        assert_eq!(both.tokens(), 4 * 50 + 3 * 20 + 4);
    }

    #[test]
    fn questions_of_similar_length_go_together() {
        let extent = |read, nodes| Extent {
            rows: 1,
            read,
            written: 20,
            nodes,
        };
        assert!(extent(50, 0).goes_with(&extent(75, 900)));
        assert!(!extent(50, 0).goes_with(&extent(76, 0)));
        assert!(!extent(50, 0).goes_with(&extent(50, 30_000)));
        assert!(extent(50, 40_000).goes_with(&extent(50, 30_000)));
    }
}
