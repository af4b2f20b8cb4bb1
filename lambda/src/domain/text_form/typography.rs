//! What nobody sees and careful typography needs all the same: soft hyphens within words, and
//! the marks by which texts of scripts from right to left keep a Latin word or a number in its
//! place. They hide nothing where they stand as they should, and everything else is looked for
//! as if they were not there.

use std::borrow::Cow;

/// Where a word may be parted at the end of a line.
const SOFT_HYPHEN: char = '\u{AD}';
/// The fewest letters of a word that anybody parts so.
const LONG_WORD: usize = 9;
/// Open an embedding, which [`POP`] closes.
const EMBEDDINGS: [char; 2] = ['\u{202A}', '\u{202B}'];
const POP: char = '\u{202C}';
/// Open an isolate, which [`POP_ISOLATE`] closes.
const ISOLATES: std::ops::RangeInclusive<char> = '\u{2066}'..='\u{2068}';
const POP_ISOLATE: char = '\u{2069}';

/// The text without the marks that stand as they should. Any other stays, to be found: two in a
/// row, a soft hyphen beside a word or in a short one, a mark of direction in a text of one
/// direction, what is opened and not closed in its line. What turns a text around (an override)
/// is always another.
pub(super) fn without_marks(text: &str) -> Cow<'_, str> {
    let is_mark = |c: char| {
        matches!(c, SOFT_HYPHEN | POP | POP_ISOLATE)
            || is_direction(c)
            || EMBEDDINGS.contains(&c)
            || ISOLATES.contains(&c)
    };
    if !text.contains(is_mark) {
        return Cow::Borrowed(text);
    }
    let two_directions = text.chars().any(is_right_to_left);
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let nests = nests(line);
        let mut chars = line.char_indices().peekable();
        let mut before = None;
        // Whether the word at hand is long, and where it ends.
        let (mut is_long, mut end) = (false, 0);
        while let Some((at, c)) = chars.next() {
            let after = chars.peek().map(|&(_, next)| next);
            if at >= end && (c.is_alphabetic() || c == SOFT_HYPHEN) {
                (is_long, end) = word(line, at);
            }
            let repeated = before == Some(c) || before.is_some_and(is_direction) && is_direction(c);
            let needed = if c == SOFT_HYPHEN {
                let within = before.is_some_and(char::is_alphabetic);
                is_long && within && after.is_some_and(char::is_alphabetic)
            } else {
                two_directions && (is_direction(c) && !repeated || nests && pairs(c))
            };
            if !(is_mark(c) && needed) {
                out.push(c);
            }
            before = Some(c);
        }
    }
    Cow::Owned(out)
}

/// Whether the word that begins at the byte `start` is long enough to be parted, and where it
/// ends.
fn word(line: &str, start: usize) -> (bool, usize) {
    let rest = line.get(start..).unwrap_or_default();
    let is_outside = |c: char| !(c.is_alphabetic() || c == SOFT_HYPHEN);
    let word = rest.split(is_outside).next().unwrap_or_default();
    let letters = word.chars().filter(|c| *c != SOFT_HYPHEN).count();
    (letters >= LONG_WORD, start + word.len())
}

/// Marks of a direction that stand alone.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{61C}')
}

/// Marks that open or close.
fn pairs(c: char) -> bool {
    matches!(c, POP | POP_ISOLATE) || EMBEDDINGS.contains(&c) || ISOLATES.contains(&c)
}

/// Whether each mark of a line that opens is closed by one of its kind, the last opened first.
fn nests(line: &str) -> bool {
    let mut open = Vec::new();
    for c in line.chars() {
        if EMBEDDINGS.contains(&c) {
            open.push(POP);
        } else if ISOLATES.contains(&c) {
            open.push(POP_ISOLATE);
        } else if matches!(c, POP | POP_ISOLATE) && open.pop() != Some(c) {
            return false;
        }
    }
    open.is_empty()
}

/// Letters of Hebrew, Arabic and their neighbours.
fn is_right_to_left(c: char) -> bool {
    let letters = matches!(
        c,
        '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
    );
    letters && c.is_alphabetic()
}
