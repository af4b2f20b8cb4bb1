//! The texts that an answer is held to, as a prefix tree of token ids.

use crate::error::Error;
use crate::t5::TreeNode;

/// Why texts cannot be the choices of a question.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ChoiceError {
    /// There are none.
    #[error("there are no choices; give at least one text")]
    None,
    /// One has no token but `</s>`.
    #[error("choice {number} is empty; give it a text or leave it out")]
    Empty {
        /// Which, counted from 1.
        number: usize,
    },
    /// Two cannot be told apart by the model.
    #[error(
        "the choices `{first}` and `{second}` have the same token ids, so that the model cannot \
         tell them apart; leave one out"
    )]
    Equal {
        /// The one that is given first.
        first: String,
        /// The other.
        second: String,
    },
}

/// The texts that an answer is held to, each ended by `</s>`, as a prefix tree
/// of token ids: what texts begin with in common is computed once.
#[derive(Debug, Clone)]
pub struct ChoiceTree {
    /// The beginnings that some text goes on from, the empty one first, in
    /// pre-order: what the decoder reads.
    nodes: Vec<TreeNode>,
    /// Every way to go on by one token, ordered by the node it goes on from.
    edges: Vec<Edge>,
    /// Of each text.
    token_counts: Vec<usize>,
}

/// How a beginning goes on.
#[derive(Debug, Clone)]
pub(super) struct Edge {
    /// The node it goes on from.
    pub(super) from: usize,
    /// The token it goes on by.
    pub(super) token: u32,
    /// The node for what is then written, if a text goes on from there.
    pub(super) to: Option<usize>,
    /// The text that is then complete.
    pub(super) text: Option<usize>,
}

impl ChoiceTree {
    /// The tree of some texts. `encode` gives a text's token ids, `</s>`
    /// included; `decoder_start` is what the decoder starts from.
    ///
    /// # Errors
    /// [`ChoiceError`] when there are no texts, one is empty, or two have the
    /// same ids; an error of `encode`.
    pub fn new(
        texts: &[String],
        decoder_start: u32,
        encode: impl Fn(&str) -> Result<Vec<u32>, Error>,
    ) -> Result<Self, Error> {
        if texts.is_empty() {
            return Err(ChoiceError::None.into());
        }
        let ids: Vec<Vec<u32>> = texts
            .iter()
            .map(|text| encode(text))
            .collect::<Result<_, _>>()?;
        let is_empty = |(text, ids): (&String, &Vec<u32>)| text.trim().is_empty() || ids.len() < 2;
        if let Some(index) = texts.iter().zip(&ids).position(is_empty) {
            return Err(ChoiceError::Empty { number: index + 1 }.into());
        }
        // In the order of their ids, texts with a common beginning stand
        // together, and going through them is going through the tree.
        let mut order: Vec<usize> = (0..texts.len()).collect();
        order.sort_by(|&a, &b| ids[a].cmp(&ids[b]));
        let mut tree = Self {
            nodes: vec![TreeNode {
                token: decoder_start,
                depth: 0,
                parent: 0,
            }],
            edges: Vec::new(),
            token_counts: ids.iter().map(Vec::len).collect(),
        };
        let mut before: Option<usize> = None;
        // The nodes of the beginnings of the text before, shortest first.
        let mut path = vec![0];
        for text in order {
            let ids_before = before.map_or(&[][..], |before| &ids[before]);
            if let Some(before) = before.filter(|_| ids_before == ids[text]) {
                // The sort is stable, so `before` was given first.
                return Err(ChoiceError::Equal {
                    first: texts[before].clone(),
                    second: texts[text].clone(),
                }
                .into());
            }
            let in_common = ids_before.iter().zip(&ids[text]);
            let in_common = in_common.take_while(|(a, b)| a == b).count();
            tree.grow(text, &ids[text], in_common, &mut path);
            before = Some(text);
        }
        tree.edges.sort_by_key(|edge| edge.from);
        Ok(tree)
    }

    /// Adds a text that has `in_common` ids with the beginning that `path`
    /// leads to; afterwards `path` leads to this text.
    fn grow(&mut self, text: usize, ids: &[u32], in_common: usize, path: &mut Vec<usize>) {
        path.truncate(in_common + 1);
        for (depth, &token) in ids.iter().enumerate().skip(path.len() - 1) {
            // Where the text before is itself a beginning of this one, the
            // edge to its end is there and leads on from now on.
            if depth >= in_common {
                self.edges.push(Edge {
                    from: path[depth],
                    token,
                    to: None,
                    text: (depth + 1 == ids.len()).then_some(text),
                });
            }
            if depth + 1 < ids.len() {
                let node = self.nodes.len();
                self.nodes.push(TreeNode {
                    token,
                    depth: depth + 1,
                    parent: path[depth],
                });
                if let Some(edge) = self.edges.last_mut() {
                    edge.to = Some(node);
                }
                path.push(node);
            }
        }
    }

    /// How many texts there are.
    pub fn len(&self) -> usize {
        self.token_counts.len()
    }

    /// Whether there are none; there always are some.
    pub fn is_empty(&self) -> bool {
        self.token_counts.is_empty()
    }

    /// How many tokens the decoder reads to know the probability of every
    /// text: the different beginnings, the empty one included.
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    /// How many tokens each text has, `</s>` included, in the order given.
    pub fn token_counts(&self) -> &[usize] {
        &self.token_counts
    }

    pub(super) fn node_slice(&self) -> &[TreeNode] {
        &self.nodes
    }

    /// How the nodes of a range go on, ordered by node.
    pub(super) fn edges_from(&self, nodes: std::ops::Range<usize>) -> &[Edge] {
        let start = self.edges.partition_point(|edge| edge.from < nodes.start);
        let end = self.edges.partition_point(|edge| edge.from < nodes.end);
        &self.edges[start..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One id a byte, then `</s>`, here 1; `$` spells it too.
    fn tree(texts: &[&str]) -> Result<ChoiceTree, Error> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let id = |byte: u8| if byte == b'$' { 1 } else { u32::from(byte) };
        ChoiceTree::new(&texts, 0, |text| {
            Ok(text.bytes().map(id).chain([1]).collect())
        })
    }

    /// Every text as the tree has it: the tokens of the nodes above it, then
    /// that of its edge.
    fn texts(tree: &ChoiceTree) -> Vec<Vec<u32>> {
        let mut texts = vec![Vec::new(); tree.len()];
        for edge in &tree.edges {
            let mut ids = vec![edge.token];
            let mut node = edge.from;
            while node != 0 {
                ids.insert(0, tree.nodes[node].token);
                assert_eq!(
                    tree.nodes[node].depth,
                    tree.nodes[tree.nodes[node].parent].depth + 1
                );
                node = tree.nodes[node].parent;
            }
            if let Some(text) = edge.text {
                assert!(texts[text].is_empty());
                texts[text] = ids;
            }
        }
        texts
    }

    #[test]
    fn common_beginnings_are_one_path_in_pre_order() {
        let tree = tree(&["red", "blue", "re", "reed"]).unwrap();
        // "", b, bl, blu, blue, r, re, red, ree, reed
        let tokens: Vec<u32> = tree.nodes.iter().map(|node| node.token).collect();
        let expected: Vec<u32> = b"\0bluerede"
            .iter()
            .chain(b"d")
            .map(|&byte| u32::from(byte))
            .collect();
        assert_eq!((tokens, tree.nodes()), (expected, 10));
        assert_eq!(tree.token_counts(), [4, 5, 3, 5]);
        let spelled = texts(&tree);
        for (ids, text) in spelled.iter().zip(["red", "blue", "re", "reed"]) {
            assert_eq!(ids.len(), text.len() + 1);
            assert!(
                ids.iter()
                    .zip(text.bytes())
                    .all(|(&id, byte)| id == u32::from(byte))
            );
        }
        // In pre-order what is below a node follows it without a gap.
        for (index, node) in tree.nodes.iter().enumerate().skip(1) {
            let above = node.parent;
            assert!(above < index);
            assert!(
                tree.nodes[above + 1..index]
                    .iter()
                    .all(|between| between.depth >= node.depth)
            );
        }
        let of_re = tree.edges_from(6..7);
        assert_eq!(of_re.len(), 3);
        assert_eq!(of_re[0].text, Some(2));
        assert_eq!(tree.edges_from(0..tree.nodes()).len(), tree.edges.len());
    }

    #[test]
    fn a_text_that_goes_on_after_an_end_is_kept_apart() {
        let tree = tree(&["a$b", "a", "a$"]).unwrap();
        let spelled = texts(&tree);
        assert_eq!(spelled[0], [97, 1, 98, 1]);
        assert_eq!(spelled[1], [97, 1]);
        assert_eq!(spelled[2], [97, 1, 1]);
    }

    #[test]
    fn what_cannot_be_chosen_from_is_said() {
        let error = |texts: &[&str]| tree(texts).unwrap_err().to_string();
        assert!(error(&[]).contains("no choices"));
        assert!(error(&["a", ""]).contains("choice 2 is empty"));
        let equal = error(&["x$", "b", "x$"]);
        assert!(equal.contains("`x$` and `x$`"), "{equal}");
        let texts = ["Blue".to_owned(), "x".to_owned(), "blue".to_owned()];
        let lower = |text: &str| {
            Ok(text
                .to_lowercase()
                .bytes()
                .map(u32::from)
                .chain([1])
                .collect())
        };
        let equal = ChoiceTree::new(&texts, 0, lower).unwrap_err().to_string();
        assert!(
            equal.contains("`Blue`") && equal.contains("`blue`"),
            "{equal}"
        );
    }
}
