//! Phrases, found in a text from each of its words on.

use std::cell::Cell;

use crate::pattern::{Class, Part, Piece};
use crate::quick_hash::QuickMap;
use crate::token::{Gap, Token};

/// The most words that a `_` or a `*` of a pattern stands for.
const ADJECTIVES: usize = 2;
const WORDS: usize = 5;

/// Phrases, each with what it means. English has tens of thousands: words are
/// numbers in here, and their edges lie in one table.
#[derive(Clone, Debug)]
pub(crate) struct Trie<T> {
    nodes: Vec<Node<T>>,
    /// The number of each word.
    numbers: QuickMap<Box<str>, u32>,
    /// From a node by a word to the next, by [`edge`].
    words: QuickMap<u64, u32>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    classes: Vec<(Class, u32)>,
    adjectives: Option<u32>,
    gap: Option<u32>,
    /// What a phrase that ends here means.
    senses: Vec<T>,
}

/// The edge from a node by the word of this number.
fn edge(node: u32, word: u32) -> u64 {
    (u64::from(node) << 32) | u64::from(word)
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
            numbers: QuickMap::default(),
            words: QuickMap::default(),
        }
    }
}

impl<T> Node<T> {
    fn new() -> Node<T> {
        Node {
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
        self.ends_at(at, &sense);
    }

    /// Adds every phrase that a pattern stands for.
    pub fn add_pattern(&mut self, parts: &[Part], sense: &T) {
        self.grow(0, parts, sense);
    }

    fn grow(&mut self, at: u32, parts: &[Part], sense: &T) {
        let Some((choices, rest)) = parts.split_first() else {
            self.ends_at(at, sense);
            return;
        };
        for choice in choices {
            let mut next = at;
            for piece in choice {
                next = self.next_or_new(next, piece);
            }
            self.grow(next, rest, sense);
        }
    }

    fn ends_at(&mut self, at: u32, sense: &T) {
        let senses = &mut self.nodes[at as usize].senses;
        if !senses.contains(sense) {
            // As a rule there is no other.
            senses.reserve_exact(1);
            senses.push(sense.clone());
        }
    }

    fn next_or_new(&mut self, at: u32, piece: &Piece) -> u32 {
        let new = number_of(self.nodes.len());
        let node = &mut self.nodes[at as usize];
        let next = match piece {
            Piece::Word(key) => {
                let word = match self.numbers.get(key.as_str()) {
                    Some(&word) => word,
                    None => {
                        let word = number_of(self.numbers.len());
                        self.numbers.insert(key.as_str().into(), word);
                        word
                    }
                };
                *self.words.entry(edge(at, word)).or_insert(new)
            }
            Piece::Adjectives => *node.adjectives.get_or_insert(new),
            Piece::Words => *node.gap.get_or_insert(new),
            Piece::Class(class) => match node.classes.iter().find(|(own, _)| own == class) {
                Some(&(_, next)) => next,
                None => {
                    node.classes.push((*class, new));
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
        let number = |token: &Token| self.numbers.get(token.key.as_str()).copied();
        let mut walk = Walk {
            trie: self,
            tokens,
            words: tokens.iter().map(number).collect(),
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

/// A place as a number. There are fewer than 2^32: so large a lexicon fits into no memory.
fn number_of(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// One search. The depth and the number of branches are those of the patterns.
struct Walk<'a, T> {
    trie: &'a Trie<T>,
    tokens: &'a [Token],
    /// The numbers of the tokens' words; nothing for a word of no phrase.
    words: Vec<Option<u32>>,
    is: &'a dyn Fn(&Class, usize) -> bool,
    steps: &'a Steps,
    path: Vec<usize>,
    found: Vec<Match<T>>,
}

impl<T: Clone> Walk<'_, T> {
    fn from(&mut self, place: u32, at: usize) {
        self.steps.tick();
        let trie = self.trie;
        let node = &trie.nodes[place as usize];
        if !node.senses.is_empty() {
            self.found.push(Match {
                tokens: self.path.clone(),
                senses: node.senses.clone(),
            });
        }
        if !self.goes_on(at) {
            return;
        }
        if let Some(word) = self.words[at]
            && let Some(&next) = trie.words.get(&edge(place, word))
        {
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

    fn take(&mut self, next: u32, at: usize) {
        self.path.push(at);
        self.from(next, at + 1);
        self.path.pop();
    }

    fn skip(&mut self, next: u32, at: usize, most: usize, adjectives: bool) {
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
    fn a_pattern_adds_every_phrase_that_it_stands_for() {
        let words = Words::default();
        for pattern in [
            "in|of (a) check",
            "one+two|three four",
            "sleeve _ (very) short|long",
        ] {
            let mut one_by_one = Trie::default();
            for pieces in crate::pattern::expand(pattern, &words).unwrap() {
                one_by_one.add(&pieces, 1);
            }
            let mut at_once = Trie::default();
            at_once.add_pattern(&crate::pattern::parts(pattern, &words).unwrap(), &1);
            let text = "in a check of check, one two four three four, sleeve cut very short long";
            let tokens = tokenise(text, &words).list;
            let found = |trie: &Trie<u8>| -> Vec<Vec<usize>> {
                let found = trie.find(&tokens, &|_, _| false, &Steps::default());
                found.into_iter().map(|found| found.tokens).collect()
            };
            assert!(!found(&at_once).is_empty(), "{pattern}");
            assert_eq!(found(&at_once), found(&one_by_one), "{pattern}");
        }
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
        assert!(found(&patterns, "sleeve one two three four five six wrist").is_empty());
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
