//! The signs by which a text is no plain prose for shoppers. Each looks through the text once
//! and gives the byte where the sign begins.

/// What parts turns of a conversation in the forms that models know, in small letters.
const TURN_SIGNS: [&str; 6] = ["<|", "|>", "[inst]", "[/inst]", "<<sys>>", "<</sys>>"];
/// Who speaks in a conversation.
const ROLES: [&str; 4] = ["human:", "assistant:", "system:", "user:"];
/// Signs before the points of a list, with a space behind them.
const POINTS: [char; 10] = ['-', '*', '•', '◦', '▪', '‣', '·', '–', '✓', '✔'];

/// Tags, entities, Markdown, placeholders of templates, JSON.
pub(super) fn markup(text: &str) -> Option<usize> {
    let mut before = None;
    for (at, c) in text.char_indices() {
        let mut rest = text[at + c.len_utf8()..].chars();
        let next = rest.next();
        let is_next = |signs: &str| next.is_some_and(|next| signs.contains(next));
        let letter_next = next.is_some_and(char::is_alphanumeric);
        let found = match c {
            '<' => next.is_some_and(char::is_alphabetic) || is_next("/!?%"),
            '&' => is_entity(&text[at + 1..]),
            '*' => letter_next || is_next("*"),
            '_' => is_next("_") || letter_next && !before.is_some_and(char::is_alphanumeric),
            '`' => true,
            '~' => is_next("~"),
            ']' => is_next("(["),
            '!' => is_next("["),
            '{' => true,
            '$' => is_next("{("),
            _ => false,
        };
        if found {
            return Some(at);
        }
        before = Some(c);
    }
    let heading = lines(text).find(|(_, line)| is_markdown_line(line));
    let whole = text.trim_start();
    let json = whole.starts_with("[\"");
    heading
        .map(|(at, _)| at)
        .or_else(|| json.then(|| text.len() - whole.len()))
}

/// Headings, quotes, tables and rules.
fn is_markdown_line(line: &str) -> bool {
    let behind_signs = line.trim_start_matches('#');
    let is_heading = behind_signs.len() < line.len() && behind_signs.starts_with(' ');
    let is_rule = |sign: char| line.len() >= 3 && line.chars().all(|c| c == sign);
    is_heading
        || line.starts_with("> ")
        || line.starts_with('|')
        || ['-', '=', '_'].map(is_rule).contains(&true)
}

/// Whether an entity stands behind an ampersand: "lt;", "#101;".
fn is_entity(rest: &str) -> bool {
    let name = |c: char| c.is_ascii_alphanumeric() || c == '#';
    let length = rest.chars().take(32).take_while(|c| name(*c)).count();
    length >= 2 && rest[length..].starts_with(';')
}

/// Turns of a conversation.
pub(super) fn turn(text: &str) -> Option<usize> {
    let small = text.to_ascii_lowercase();
    let sign = TURN_SIGNS.iter().filter_map(|sign| small.find(sign)).min();
    sign.or_else(|| {
        let roles = ROLES.iter().flat_map(|role| small.match_indices(role));
        let begins = |(at, _): (usize, &str)| {
            let before = &text[..at];
            let line = before.trim_end_matches(|c: char| c != '\n' && !c.is_alphanumeric());
            let opens = line.is_empty() || line.ends_with('\n');
            // In a text of one line the breaks before turns are spaces.
            let apart = before.ends_with(char::is_whitespace);
            let capital = text[at..].starts_with(char::is_uppercase);
            (opens || apart && capital).then_some(at)
        };
        roles.filter_map(begins).min()
    })
}

/// A line that is a point of a list.
pub(super) fn list_line(text: &str) -> Option<usize> {
    let is_point = |line: &str| {
        let behind = line.trim_start_matches(|c: char| c.is_ascii_digit());
        let numbered = matches!(line.len() - behind.len(), 1..=2)
            && (behind.starts_with(". ") || behind.starts_with(") "));
        numbered
            || line
                .strip_prefix(POINTS)
                .is_some_and(|rest| rest.starts_with(' '))
    };
    lines(text)
        .find(|(_, line)| is_point(line))
        .map(|(at, _)| at)
}

/// The lines of a text without the spaces around them, each with the byte where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = at + line.len() - line.trim_start().len();
        at += line.len();
        (start, line.trim())
    })
}

/// The byte where the word begins that holds the byte `at`.
pub(super) fn start_of_word(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or_default();
    let word = before.rsplit(char::is_whitespace).next();
    at - word.map_or(0, str::len)
}
