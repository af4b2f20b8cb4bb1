//! Words of which each letter stands apart.

use crate::token::{Gap, Token, Tokens};
use crate::words::Words;

/// So many letters that stand apart spell a word. Fewer may be sizes or a letter's shape: "a V".
const SPELLED_OUT: usize = 3;

/// The tokens, with letters in a row that stand apart as the word that they spell:
/// "S I L K". Linear in their number.
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
        match run {
            [first, .., last] if count >= SPELLED_OUT => {
                let word: String = run.iter().map(|token| token.word.as_str()).collect();
                tokens.list.push(Token {
                    key: words.key(&word),
                    stop: words.is_stop(&word),
                    word,
                    span: first.span.to(last.span),
                    ..first.clone()
                });
            }
            _ => tokens.list.extend_from_slice(run),
        }
    }
    tokens
}
