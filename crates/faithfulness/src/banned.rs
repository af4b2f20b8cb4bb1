//! The merchant's banned words in a text.

use std::collections::HashMap;

use crate::findings::{BannedWord, Span};
use crate::token::{self, Gap, Tokens};
use crate::words::Words;

/// Where the text holds a banned word, in its order. Case and a plural's ending
/// do not count; a part of another word is not the word. A phrase's words stand
/// side by side, whatever separates them within a clause, on two lines too, or are
/// written as one.
pub(crate) fn banned(
    banned: &[String],
    text: &str,
    tokens: &Tokens,
    words: &Words,
) -> Vec<BannedWord> {
    let mut by_first: HashMap<String, Vec<(&String, Vec<String>)>> = HashMap::new();
    let mut found = Vec::new();
    for word in banned {
        if word.chars().any(is_unspaced) {
            found.extend(within(word, text));
            continue;
        }
        let keys = token::tokenise(word, words).list.into_iter();
        let keys: Vec<String> = keys.map(|token| words.singular(&token.word)).collect();
        let as_one = (keys.len() > 1).then(|| vec![words.singular(&keys.concat())]);
        for keys in std::iter::once(keys).chain(as_one) {
            let Some(first) = keys.first() else { continue };
            let same = by_first.entry(first.clone()).or_default();
            if !same.iter().any(|(_, other)| *other == keys) {
                same.push((word, keys));
            }
        }
    }
    let singulars: Vec<String> = tokens
        .list
        .iter()
        .map(|token| words.singular(&token.word))
        .collect();
    for (start, singular) in singulars.iter().enumerate() {
        for (word, keys) in by_first.get(singular).into_iter().flatten() {
            let end = start + keys.len();
            let same = singulars.get(start..end) == Some(keys.as_slice());
            if same && (start + 1..end).all(|at| is_side_by_side(text, tokens, at)) {
                found.push(BannedWord {
                    word: (*word).clone(),
                    span: tokens.span(start, end - 1),
                });
            }
        }
    }
    found.sort_by_key(|word| (word.span.start, word.span.end));
    found
}

/// Whether no more than a comma stands before the token at `at`, or the end of a line alone.
fn is_side_by_side(text: &str, tokens: &Tokens, at: usize) -> bool {
    let token = tokens.list.get(at);
    let before = at.checked_sub(1).and_then(|at| tokens.list.get(at));
    let (Some(before), Some(token)) = (before, token) else {
        return false;
    };
    let between = text.get(before.span.end..token.span.start);
    token.gap < Gap::Break
        || between.is_some_and(|between| between.chars().all(char::is_whitespace))
}

/// Scripts that write no spaces have no words that could be told apart.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{E00}'..='\u{EFF}' | '\u{1780}'..='\u{17FF}' | '\u{3040}'..='\u{30FF}')
        || matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}')
}

fn within(word: &str, text: &str) -> Vec<BannedWord> {
    text.match_indices(word)
        .map(|(start, part)| BannedWord {
            word: word.to_owned(),
            span: Span {
                start,
                end: start + part.len(),
            },
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexicon::Lexicon;

    fn found(list: &[&str], text: &str) -> Vec<String> {
        let lexicon = Lexicon::english();
        let words = Words::new(&lexicon.inflection, &lexicon.structure.stops);
        let tokens = token::tokenise(text, &words);
        let list: Vec<String> = list.iter().map(|word| (*word).to_owned()).collect();
        banned(&list, text, &tokens, &words)
            .iter()
            .map(|word| word.span.of(text).to_owned())
            .collect()
    }

    #[test]
    fn case_and_plural_do_not_count() {
        assert_eq!(
            found(&["bargain"], "Bargains! A BARGAIN."),
            ["Bargains", "BARGAIN"]
        );
        assert_eq!(found(&["dresses"], "a dress"), ["dress"]);
    }

    #[test]
    fn a_part_of_a_word_is_not_the_word() {
        assert!(found(&["cheap", "art"], "cheaply made, smart").is_empty());
        assert_eq!(found(&["cheap"], "a cheap-looking shirt"), ["cheap"]);
    }

    #[test]
    fn phrases_stand_together() {
        assert_eq!(
            found(&["must have"], "a must-have; must I have"),
            ["must-have"]
        );
        assert!(found(&["must have"], "you must. Have it").is_empty());
        assert_eq!(found(&["sexy", "Sexy"], "sexy"), ["sexy"]);
        assert_eq!(
            found(&["must have"], "a musthave, a\nMUST\nHAVE."),
            ["musthave", "MUST\nHAVE"]
        );
        assert!(found(&["must have"], "a must:\n- have it; mustard").is_empty());
    }

    #[test]
    fn a_word_in_other_letters_is_the_word() {
        for text in [
            "ch\u{435}ap",
            "c h e a p",
            "a c h e a p shirt",
            "I: a C H E A P one",
            "ｃｈｅａｐ",
            "**che**ap",
            "che\u{200b}ap",
            "CHE\u{E0100}AP",
        ] {
            assert_eq!(found(&["cheap"], text).len(), 1, "{text}");
        }
        assert_eq!(
            found(&["amazing"], "a m a z i n g, A A M A Z I N G"),
            ["a m a z i n g", "A M A Z I N G"]
        );
    }

    #[test]
    fn scripts_without_spaces_are_searched() {
        assert_eq!(found(&["安い"], "とても安いシャツ"), ["安い"]);
        assert!(found(&["", " - "], "a text").is_empty());
    }
}
