//! Phrases, found in a text from each of its words on.

use std::cell::Cell;
use std::collections::HashMap;

use crate::pattern::{Class, Piece};
use crate::token::{Gap, Token};

/// The most words that a `_` or a `*` of a pattern stands for.
const ADJECTIVES: usize = 2;
const WORDS: usize = 5;

/// Phrases, each with what it means.
#[derive(Clone, Debug)]
pub(crate) struct Trie<T> {
    nodes: Vec<Node<T>>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    words: HashMap<String, usize>,
    classes: Vec<(Class, usize)>,
    adjectives: Option<usize>,
    gap: Option<usize>,
    /// What a phrase that ends here means.
    senses: Vec<T>,
}

/// A phrase that was found.
#[derive(Clone, Debug)]
pub(crate) struct Match<T> {
    /// The tokens of its words, in order, without those in gaps.
    pub tokens: Vec<usize>,
    pub senses: Vec<T>,
}

impl<T> Match<T> {
    pub fn first(&self) -> usize {
        self.tokens.first().copied().unwrap_or_default()
    }

    pub fn last(&self) -> usize {
        self.tokens.last().copied().unwrap_or_default()
    }
}

/// Counts what was done, so that a test can tell that it is bounded.
#[derive(Debug, Default)]
pub(crate) struct Steps(Cell<u64>);

impl Steps {
    pub fn tick(&self) {
        self.0.set(self.0.get().wrapping_add(1));
    }

    #[cfg(test)]
    pub fn count(&self) -> u64 {
        self.0.get()
    }
}

impl<T> Default for Trie<T> {
    fn default() -> Trie<T> {
        Trie {
            nodes: vec![Node::new()],
        }
    }
}

impl<T> Node<T> {
    fn new() -> Node<T> {
        Node {
            words: HashMap::new(),
            classes: Vec::new(),
            adjectives: None,
            gap: None,
            senses: Vec::new(),
        }
    }
}

impl<T: Clone + PartialEq> Trie<T> {
    /// Adds a phrase. Without a word it is none.
    pub fn add(&mut self, pieces: &[Piece], sense: T) {
        if pieces.is_empty() {
            return;
        }
        let mut at = 0;
        for piece in pieces {
            at = self.next_or_new(at, piece);
        }
        let senses = &mut self.nodes[at].senses;
        if !senses.contains(&sense) {
            senses.push(sense);
        }
    }

    fn next_or_new(&mut self, at: usize, piece: &Piece) -> usize {
        let new = self.nodes.len();
        let node = &mut self.nodes[at];
        let next = match piece {
            Piece::Word(key) => *node.words.entry(key.clone()).or_insert(new),
            Piece::Adjectives => *node.adjectives.get_or_insert(new),
            Piece::Words => *node.gap.get_or_insert(new),
            Piece::Class(class) => match node.classes.iter().find(|(own, _)| own == class) {
                Some(&(_, next)) => next,
                None => {
                    node.classes.push((class.clone(), new));
                    new
                }
            },
        };
        if next == new {
            self.nodes.push(Node::new());
        }
        next
    }

    /// All phrases that are found in `tokens`.
    pub fn find(
        &self,
        tokens: &[Token],
        is: &dyn Fn(&Class, usize) -> bool,
        steps: &Steps,
    ) -> Vec<Match<T>> {
        let mut walk = Walk {
            trie: self,
            tokens,
            is,
            steps,
            path: Vec::new(),
            found: Vec::new(),
        };
        for start in 0..tokens.len() {
            walk.from(0, start);
        }
        walk.found
    }
}

/// One search. The depth and the number of branches are those of the patterns.
struct Walk<'a, T> {
    trie: &'a Trie<T>,
    tokens: &'a [Token],
    is: &'a dyn Fn(&Class, usize) -> bool,
    steps: &'a Steps,
    path: Vec<usize>,
    found: Vec<Match<T>>,
}

impl<T: Clone> Walk<'_, T> {
    fn from(&mut self, node: usize, at: usize) {
        self.steps.tick();
        let trie = self.trie;
        let node = &trie.nodes[node];
        if !node.senses.is_empty() {
            self.found.push(Match {
                tokens: self.path.clone(),
                senses: node.senses.clone(),
            });
        }
        if !self.goes_on(at) {
            return;
        }
        let tokens = self.tokens;
        if let Some(&next) = node.words.get(&tokens[at].key) {
            self.take(next, at);
        }
        for (class, next) in &node.classes {
            if (self.is)(class, at) {
                self.take(*next, at);
            }
        }
        if let Some(next) = node.adjectives {
            self.skip(next, at, ADJECTIVES, true);
        }
        if let Some(next) = node.gap {
            self.skip(next, at, WORDS, false);
        }
    }

    fn take(&mut self, next: usize, at: usize) {
        self.path.push(at);
        self.from(next, at + 1);
        self.path.pop();
    }

    fn skip(&mut self, next: usize, at: usize, most: usize, adjectives: bool) {
        for to in at..=at + most {
            self.from(next, to);
            if !self.goes_on(to) || adjectives && self.tokens[to].stop {
                break;
            }
        }
    }

    /// Whether a phrase may go on with the token at `at`.
    fn goes_on(&self, at: usize) -> bool {
        let Some(token) = self.tokens.get(at) else {
            return false;
        };
        self.path.is_empty() || token.gap <= Gap::Space
    }
}

/// Of matches that share words only the longest, those that `goes_first` before
/// others of their length, then the first; in the order of the text.
pub(crate) fn longest_first<T>(
    matches: Vec<Match<T>>,
    tokens: usize,
    goes_first: impl Fn(&T) -> bool,
) -> Vec<Match<T>> {
    let longest = matches.iter().map(|found| found.tokens.len()).max();
    let mut by_rank: Vec<Vec<Match<T>>> = Vec::new();
    by_rank.resize_with(2 * longest.unwrap_or_default() + 2, Vec::new);
    for found in matches {
        let first = found.senses.iter().any(&goes_first);
        by_rank[2 * found.tokens.len() + usize::from(first)].push(found);
    }
    let mut taken = vec![false; tokens];
    let mut kept: Vec<Option<Match<T>>> = Vec::new();
    kept.resize_with(tokens, || None);
    for found in by_rank.into_iter().rev().flatten() {
        if found.tokens.iter().any(|&token| taken[token]) {
            continue;
        }
        for &token in &found.tokens {
            taken[token] = true;
        }
        let first = found.first();
        if let Some(place) = kept.get_mut(first) {
            *place = Some(found);
        }
    }
    kept.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tokenise;
    use crate::words::Words;

    fn found(patterns: &[(&str, u8)], text: &str) -> Vec<(Vec<usize>, Vec<u8>)> {
        let words = Words::default();
        let mut trie = Trie::default();
        for (pattern, sense) in patterns {
            for pieces in crate::pattern::expand(pattern, &words).unwrap() {
                trie.add(&pieces, *sense);
            }
        }
        let tokens = tokenise(text, &words).list;
        let matches = trie.find(&tokens, &|_, _| false, &Steps::default());
        longest_first(matches, tokens.len(), |_| false)
            .into_iter()
            .map(|found| (found.tokens, found.senses))
            .collect()
    }

    #[test]
    fn the_longest_phrase_has_the_words() {
        let patterns = [("off white", 1), ("white", 2), ("off", 3)];
        assert_eq!(
            found(&patterns, "off white, white off"),
            [
                (vec![0, 1], vec![1]),
                (vec![2], vec![2]),
                (vec![3], vec![3])
            ]
        );
    }

    #[test]
    fn gaps_are_bounded_and_stay_in_the_clause() {
        let patterns = [("sleeve * wrist", 1)];
        assert_eq!(
            found(&patterns, "sleeve that reach the wrist"),
            [(vec![0, 4], vec![1])]
        );
        assert_eq!(found(&patterns, "sleeve wrist"), [(vec![0, 1], vec![1])]);
        assert!(found(&patterns, "sleeve, at the wrist").is_empty());
        assert!(found(&patterns, "sleeve a b c d e f wrist").is_empty());
    }

    #[test]
    fn words_in_a_gap_are_free_for_others() {
        let patterns = [("sleeve * wrist", 1), ("navy", 2)];
        assert_eq!(
            found(&patterns, "sleeve in navy to the wrist"),
            [(vec![0, 5], vec![1]), (vec![2], vec![2])]
        );
    }
}
