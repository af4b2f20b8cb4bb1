//! The signs by which a text is no plain prose for shoppers. Each looks through the text once
//! and gives the byte where the sign begins.

/// What parts turns of a conversation in the forms that models know, in small letters.
const TURN_SIGNS: [&str; 6] = ["<|", "|>", "[inst]", "[/inst]", "<<sys>>", "<</sys>>"];
/// Who speaks in a conversation.
const ROLES: [&str; 4] = ["human:", "assistant:", "system:", "user:"];
/// How a reply begins that is no text for a page.
const OPENINGS: [&str; 20] = [
    "sure!",
    "sure,",
    "sure thing",
    "certainly!",
    "certainly,",
    "of course!",
    "of course,",
    "absolutely!",
    "okay,",
    "ok,",
    "understood.",
    "understood,",
    "sorry,",
    "i'm sorry",
    "i’m sorry",
    "i am sorry",
    "i apologize",
    "i apologise",
    "thank you for your",
    "description:",
];
/// What presents something, where the sentence says that it is a text.
const PRESENTING: [&str; 5] = ["here is", "here's", "here’s", "here are", "below is"];
/// What is presented so.
const PRESENTED: [&str; 8] = [
    "description",
    "the text",
    "product copy",
    "listing",
    "prompt",
    "instructions",
    "poem",
    "json",
];
/// Words about the task, which no shopper is told.
const TASK: [&str; 25] = [
    "banned words",
    "system prompt",
    "my prompt",
    "my instructions",
    "your instructions",
    "previous instructions",
    "instructions above",
    "the rules i was given",
    "as an ai",
    "ai assistant",
    "language model",
    "you are an expert writer",
    "product_attributes",
    "uncertain_attributes",
    "let me know if",
    "i hope this",
    "hope this helps",
    "would you like me to",
    "as requested",
    "as you requested",
    "per your request",
    "i cannot help",
    "i can't help",
    "ignore the above",
    "ignore all previous",
];
/// The longest line, in characters, that only introduces what follows.
const LONGEST_INTRODUCTION: usize = 120;
/// Signs before the points of a list, with a space behind them.
const POINTS: [char; 10] = ['-', '*', '•', '◦', '▪', '‣', '·', '–', '✓', '✔'];
/// The fewest digits of a telephone number with a country, and of one without.
const PHONE: (usize, usize) = (7, 9);

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

/// E-mail addresses, names on networks, telephone numbers.
pub(super) fn contact(text: &str) -> Option<usize> {
    let mut signs = text.match_indices('@');
    let sign = signs.find(|(at, _)| text[at + 1..].starts_with(char::is_alphanumeric));
    sign.map(|(at, _)| start_of_word(text, at))
        .or_else(|| phone(text))
}

/// A run of digits in groups, as telephone numbers are written: none of fewer than three, or a
/// country's sign before them.
fn phone(text: &str) -> Option<usize> {
    let parts = |c: char| !(c.is_ascii_digit() || "+() -".contains(c));
    let mut at = 0;
    text.split(parts).find_map(|run| {
        let start = at;
        at += run.len();
        at += text[at..].chars().next().map_or(0, char::len_utf8);
        let groups = run.split(|c: char| !c.is_ascii_digit());
        let lengths = groups.map(str::len).filter(|length| *length > 0);
        let (mut digits, mut shortest) = (0, usize::MAX);
        for length in lengths {
            digits += length;
            shortest = shortest.min(length);
        }
        let abroad = run.contains('+') && digits >= PHONE.0;
        let found = abroad || digits >= PHONE.1 && shortest >= 3;
        found.then(|| start + run.len() - run.trim_start().len())
    })
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

/// Words to the one who asked for the text, or about the task.
pub(super) fn preamble(text: &str) -> Option<usize> {
    let small = text.to_ascii_lowercase();
    let begin = small.trim_start_matches(|c: char| c.is_whitespace() || "\"'“*#_".contains(c));
    let at = small.len() - begin.len();
    let mut rows = begin.lines().map(str::trim).filter(|row| !row.is_empty());
    let first = rows.next().unwrap_or_default();
    let introduces = first.ends_with([':', '：'])
        && first.chars().count() <= LONGEST_INTRODUCTION
        && rows.next().is_some();
    let sentence = first.split(['.', '!', '?', ':']).next().unwrap_or_default();
    let presents = PRESENTING.iter().any(|word| begin.starts_with(word))
        && PRESENTED
            .iter()
            .any(|word| phrase(sentence, word).is_some());
    let opens = OPENINGS.iter().any(|word| begin.starts_with(word));
    if introduces || presents || opens {
        return Some(at);
    }
    TASK.iter().filter_map(|words| phrase(&small, words)).min()
}

/// Where these words stand in a text of small letters, and not as a part of others.
fn phrase(text: &str, words: &str) -> Option<usize> {
    let mut places = text.match_indices(words);
    let found = places.find(|(at, words)| {
        let after = &text[at + words.len()..];
        !text[..*at].ends_with(char::is_alphanumeric) && !after.starts_with(char::is_alphanumeric)
    });
    found.map(|(at, _)| at)
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
