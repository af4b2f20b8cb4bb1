//! Links and names of domains in a text.

use faithfulness::plain_letter;

use super::signs::start_of_word;

/// What only links hold, in small letters.
const LINKS: [&str; 7] = [
    "://",
    "www.",
    "javascript:",
    "vbscript:",
    "mailto:",
    "data:text/",
    "data:image/",
];
/// Ends of domains with which hardly a sentence begins behind a lost space.
const DOMAINS: [&str; 34] = [
    "com", "net", "org", "info", "biz", "io", "ai", "co", "uk", "de", "fr", "es", "eu", "ru", "cn",
    "jp", "ca", "au", "nl", "ch", "ly", "tv", "app", "dev", "xyz", "shop", "store", "online",
    "site", "website", "link", "club", "top", "example",
];
/// Ends of domains that are words with which a sentence begins: "a shirt.it is".
const WORDS: [&str; 10] = ["at", "be", "in", "is", "it", "me", "no", "so", "to", "us"];
/// Ends of domains in other scripts.
const OTHER_SCRIPTS: [&str; 6] = ["рф", "бел", "中国", "中國", "香港", "한국"];
/// How names of other scripts, and their ends, are written in Latin letters.
const ENCODED: &str = "xn--";
/// What sends a reader to the place that is named next.
const SENDING: [&str; 3] = ["visit", "via", "see"];
/// How long the end of a domain is.
const END: std::ops::RangeInclusive<usize> = 2..=24;
/// From a full-width sign to the plain one.
const WIDTH: u32 = 0xFEE0;

/// Where a link or the name of a domain begins, also in full-width or mathematical letters.
pub(super) fn link(text: &str) -> Option<usize> {
    if text.is_ascii() {
        return link_in(text);
    }
    let (mut plain, mut starts) = (String::new(), Vec::new());
    for (start, c) in text.char_indices() {
        let c = shown(c);
        plain.push(c);
        starts.extend(std::iter::repeat_n(start, c.len_utf8()));
    }
    link_in(&plain).and_then(|at| starts.get(at).copied())
}

/// The character that another shape of it shows.
fn shown(c: char) -> char {
    plain_letter(c)
        .or_else(|| match c {
            '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - WIDTH),
            _ => None,
        })
        .unwrap_or(c)
}

fn link_in(text: &str) -> Option<usize> {
    let small = text.to_ascii_lowercase();
    let sign = LINKS.iter().filter_map(|sign| small.find(sign)).min();
    sign.map(|at| start_of_word(text, at)).or_else(|| {
        let parts = |c: char| !(c.is_alphanumeric() || "./-".contains(c));
        let (mut at, mut before) = (0, "");
        text.split(parts).find_map(|word| {
            let start = at;
            let after = &text[start + word.len()..];
            at += word.len() + after.chars().next().map_or(0, char::len_utf8);
            let found = is_domain(before, word, after);
            if !word.is_empty() {
                before = word;
            }
            found.then_some(start)
        })
    })
}

/// Whether `word`, with or without a path, is the name of a domain; `before` is the word before
/// it, and `after` the text behind it.
fn is_domain(before: &str, word: &str, after: &str) -> bool {
    let trimmed = word.trim_matches(['.', '-']);
    let (host, path) = match trimmed.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (trimmed, None),
    };
    let Some((name, end)) = host.rsplit_once('.') else {
        return false;
    };
    let is_label =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    if !name.split('.').all(is_label) {
        return false;
    }
    if OTHER_SCRIPTS.contains(&end) || host.split('.').any(|label| label.starts_with(ENCODED)) {
        return true;
    }
    // Scripts without spaces go on right behind it.
    let end = end.split(is_unspaced).next().unwrap_or_default();
    let lower = end.chars().all(|c| c.is_ascii_lowercase());
    let upper = end.chars().all(|c| c.is_ascii_uppercase());
    if !END.contains(&end.len()) || !(lower || upper) {
        return false;
    }
    let is_one_of = |ends: &[&str]| ends.iter().any(|known| end.eq_ignore_ascii_case(known));
    let has_path =
        path.is_some_and(|path| path.is_empty() || path.starts_with(char::is_alphanumeric));
    let is_sent_to = SENDING.iter().any(|word| before.eq_ignore_ascii_case(word));
    let is_named = name.contains(char::is_alphabetic)
        && (is_sent_to || word.ends_with('.') || !goes_on(after));
    has_path || is_one_of(&DOMAINS) || is_one_of(&WORDS) && is_named
}

/// Whether a sentence goes on in the same line: "is", or "'s".
fn goes_on(after: &str) -> bool {
    let parts = |c: char| c.is_whitespace() && c != '\n' || matches!(c, '\'' | '’');
    after
        .trim_start_matches(parts)
        .starts_with(char::is_alphanumeric)
}

/// Letters of Chinese, Japanese and Korean, and of what stands among them.
fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{D7FF}')
}
