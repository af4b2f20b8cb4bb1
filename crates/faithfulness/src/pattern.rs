//! The language in which the lexicon writes phrases.
//!
//! A pattern is words and, between them:
//!
//! - `a|b`: one of these; `(a|b)`: one of these or nothing; `a+b|c`: "a b" or "c";
//! - `_`: up to two words that belong to one noun phrase; `*`: up to five words
//!   of any kind; both without punctuation, and never first or last;
//! - `{number}`, `{percent}`, `{money}`: a number, "20%", a currency's sign;
//! - `{name}`: a word with a capital letter inside a sentence, or a known place;
//!   `{place}`: a known place; `{material}`: a word for a material;
//!   `{garment}`: a word for a garment; else a group of words of the lexicon.

use crate::token;
use crate::words::Words;

/// The most phrases that one pattern may stand for.
const MOST_PHRASES: usize = 1024;

/// One piece of a phrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A word, by its key.
    Word(String),
    Class(Class),
    /// `_`
    Adjectives,
    /// `*`
    Words,
}

/// A kind of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Number,
    Percent,
    Money,
    Name,
    Place,
    Material,
    Garment,
    /// A group of the lexicon, by its place.
    Group(usize),
}

impl Class {
    fn named(name: &str, words: &Words) -> Option<Class> {
        Some(match name {
            "{number}" => Class::Number,
            "{percent}" => Class::Percent,
            "{money}" => Class::Money,
            "{name}" => Class::Name,
            "{place}" => Class::Place,
            "{material}" => Class::Material,
            "{garment}" => Class::Garment,
            _ => {
                let group = name.strip_prefix('{')?.strip_suffix('}')?;
                Class::Group(words.group(group)?)
            }
        })
    }
}

/// What may stand at one place of a pattern: one of these, which may be empty.
pub(crate) type Part = Vec<Vec<Piece>>;

/// A pattern in parts, or what is wrong with it. It stands for every phrase that
/// takes one of the choices of each part.
pub(crate) fn parts(pattern: &str, words: &Words) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut phrases = 1;
    for piece in pattern.split_whitespace() {
        let choices = choices(piece, words)?;
        phrases *= choices.len();
        if phrases > MOST_PHRASES {
            return Err(format!("it stands for more than {MOST_PHRASES} phrases"));
        }
        parts.push(choices);
    }
    if !has_word_at_end(parts.iter(), |choice| choice.first())
        || !has_word_at_end(parts.iter().rev(), |choice| choice.last())
    {
        return Err("it may begin or end without a word".to_owned());
    }
    Ok(parts)
}

/// Whether every phrase has a word at one end. `parts` begins there, and `end` is
/// the piece of a choice that is nearest to it.
fn has_word_at_end<'a>(
    parts: impl Iterator<Item = &'a Part>,
    end: impl Fn(&'a Vec<Piece>) -> Option<&'a Piece>,
) -> bool {
    for choices in parts {
        let is_gap =
            |choice: &'a Vec<Piece>| matches!(end(choice), Some(Piece::Adjectives | Piece::Words));
        if choices.iter().any(is_gap) {
            return false;
        }
        if !choices.iter().any(Vec::is_empty) {
            return true;
        }
    }
    false
}

/// The phrases that a pattern stands for, or what is wrong with it.
#[cfg(test)]
pub(crate) fn expand(pattern: &str, words: &Words) -> Result<Vec<Vec<Piece>>, String> {
    let mut phrases: Vec<Vec<Piece>> = vec![Vec::new()];
    for choices in parts(pattern, words)? {
        phrases = phrases
            .iter()
            .flat_map(|phrase| {
                choices
                    .iter()
                    .map(move |choice| phrase.iter().chain(choice).cloned().collect())
            })
            .collect();
    }
    Ok(phrases)
}

fn choices(piece: &str, words: &Words) -> Result<Part, String> {
    match piece {
        "_" => return Ok(vec![vec![Piece::Adjectives]]),
        "*" => return Ok(vec![vec![Piece::Words]]),
        _ => {}
    }
    let inner = piece
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'));
    let mut choices = Vec::new();
    for choice in inner.unwrap_or(piece).split('|') {
        let pieces = if choice.starts_with('{') {
            let class = Class::named(choice, words);
            vec![Piece::Class(
                class.ok_or_else(|| format!("{choice} is no class"))?,
            )]
        } else {
            let joined = choice.split('+');
            joined.flat_map(|word| phrase(word, words)).collect()
        };
        if pieces.is_empty() {
            return Err(format!("{choice:?} is no word"));
        }
        choices.push(pieces);
    }
    if inner.is_some() {
        choices.push(Vec::new());
    }
    Ok(choices)
}

/// A plain text as a phrase.
pub(crate) fn phrase(text: &str, words: &Words) -> Vec<Piece> {
    let keys = token::keys(text, words).into_iter();
    keys.map(Piece::Word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pattern: &str) -> Result<Vec<String>, String> {
        let phrases = expand(pattern, &Words::default())?;
        let written = phrases.iter().map(|phrase| {
            let pieces = phrase.iter().map(|piece| match piece {
                Piece::Word(key) => key.clone(),
                other => format!("{other:?}"),
            });
            pieces.collect::<Vec<_>>().join(" ")
        });
        Ok(written.collect())
    }

    #[test]
    fn alternatives_and_options_are_written_out() {
        assert_eq!(written("dry clean").unwrap(), ["dry clean"]);
        assert_eq!(
            written("in|of (a) check").unwrap(),
            ["in a check", "in check", "of a check", "of check"]
        );
        assert_eq!(
            written("sleeve * t-shirt").unwrap(),
            ["sleeve Words t shirt"]
        );
        assert_eq!(written("{percent} off").unwrap(), ["Class(Percent) off"]);
        assert_eq!(written("a+b|c d").unwrap(), ["a b d", "c d"]);
    }

    #[test]
    fn what_stands_for_nothing_is_refused() {
        for pattern in [
            "",
            "* wrist",
            "wrist _",
            "(the)",
            "a {colour} b",
            "a|",
            "a | b",
        ] {
            assert!(written(pattern).is_err(), "{pattern}");
        }
        assert!(written(&"(a|b|c) ".repeat(9)).is_err());
    }
}
