//! Words of which each letter stands apart.

use crate::token::{Gap, Token, Tokens};
use crate::words::Words;

/// So many letters that stand apart spell a word. Fewer may be sizes or a letter's shape: "a V".
const SPELLED_OUT: usize = 3;

/// Letters that are words by themselves, and may stand before one that is spelled out.
const LETTER_WORDS: [&str; 2] = ["a", "i"];

/// The tokens, with letters in a row that stand apart as the word that they spell:
/// "S I L K". Linear in their number.
///
/// "a S I L K" may be one word or two: where nobody knows the one, it is followed by what the
/// letters behind the first spell.
pub(crate) fn spelled_out(mut tokens: Tokens, words: &Words) -> Tokens {
    let is_letter = |token: &Token| matches!(token.word.as_bytes(), [b'a'..=b'z']);
    let goes_on = |token: &Token| is_letter(token) && token.gap <= Gap::Space;
    let spells =
        |run: &[Token]| run.first().is_some_and(is_letter) && run.iter().skip(1).all(goes_on);
    if !tokens.list.windows(SPELLED_OUT).any(spells) {
        return tokens;
    }
    let list = std::mem::take(&mut tokens.list);
    let mut rest = list.as_slice();
    while let Some(first) = rest.first() {
        let more = rest.iter().skip(1).take_while(|token| goes_on(token));
        let count = if is_letter(first) {
            1 + more.count()
        } else {
            1
        };
        let (run, after) = rest.split_at(count);
        rest = after;
        if count < SPELLED_OUT {
            tokens.list.extend_from_slice(run);
            continue;
        }
        let Some(mut whole) = joined(run, words) else {
            continue;
        };
        let behind = (!words.is_known(&whole.key))
            .then(|| behind_a_word(run))
            .flatten()
            .and_then(|letters| joined(letters, words));
        // As the word that its first letter may be, it ends a noun phrase.
        whole.stop |= behind.is_some();
        tokens.list.push(whole);
        tokens.list.extend(behind);
    }
    tokens
}

/// The word that letters spell.
fn joined(letters: &[Token], words: &Words) -> Option<Token> {
    let (first, last) = (letters.first()?, letters.last()?);
    let word: String = letters.iter().map(|token| token.word.as_str()).collect();
    Some(Token {
        key: words.key(&word),
        stop: words.is_stop(&word),
        word,
        span: first.span.to(last.span),
        ..first.clone()
    })
}

/// The letters behind a first one that may be a word by itself, if they are enough to spell one.
fn behind_a_word(letters: &[Token]) -> Option<&[Token]> {
    let (first, others) = letters.split_first()?;
    let is_word = LETTER_WORDS.contains(&first.word.as_str());
    (is_word && others.len() >= SPELLED_OUT).then_some(others)
}
