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
/// The dot of a domain in brackets, as those write it who do not want it found.
const BRACKETED: [&str; 6] = ["[.]", "(.)", "[dot]", "(dot)", "[punkt]", "(punkt)"];
/// The dot of a domain as a word.
const SPOKEN: [&str; 5] = [" dot ", " punkt ", " punto ", " ponto ", " точка "];
/// Ends of domains that are said behind it, and are no words with which a dot goes on ("polka
/// dot top", "dot net").
const SPOKEN_ENDS: [&str; 6] = ["com", "org", "biz", "io", "ru", "рф"];
/// Before a dot that is said no domain's name.
const NO_NAMES: [&str; 6] = ["a", "an", "the", "this", "that", "of"];
/// What is behind "dot com" where it is a time.
const TIMES: [&str; 6] = ["era", "boom", "bubble", "years", "days", "crash"];
/// What sends a reader to the place that is named next.
const SENDING: [&str; 3] = ["visit", "via", "see"];
/// How long the end of a domain is.
const END: std::ops::RangeInclusive<usize> = 2..=24;
/// From a full-width sign to the plain one.
const WIDTH: u32 = 0xFEE0;

/// Where a link or the name of a domain begins, also in full-width or mathematical letters.
pub(super) fn link(text: &str) -> Option<usize> {
    let found = |text: &str| link_in(text).or_else(|| spelled_out(text));
    if text.is_ascii() {
        return found(text);
    }
    let (mut plain, mut starts) = (String::new(), Vec::new());
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        let is_latin = |c: char| shown(c).is_ascii_alphanumeric();
        let within =
            before.is_some_and(is_latin) && chars.peek().is_some_and(|&(_, next)| is_latin(next));
        before = Some(c);
        // Browsers take an ideographic full stop for a dot.
        let is_dot = within && matches!(c, '。' | '｡');
        let c = if is_dot { '.' } else { shown(c) };
        plain.push(c);
        starts.extend(std::iter::repeat_n(start, c.len_utf8()));
    }
    found(&plain).and_then(|at| starts.get(at).copied())
}

/// Where the name of a domain begins whose dot is in brackets or a word: "evil[.]com",
/// "evil dot com".
fn spelled_out(text: &str) -> Option<usize> {
    let small = text.to_lowercase();
    // Places are those of the text; few letters change their length with their case.
    let small = if small.len() == text.len() {
        small
    } else {
        text.to_ascii_lowercase()
    };
    let name_of = |at: usize, dot: &str, ends: &[&str]| {
        let before = small[..at].trim_end_matches(' ');
        let in_name = |c: char| c.is_alphanumeric() || c == '-';
        let name = before.rsplit(|c| !in_name(c)).next().unwrap_or_default();
        let after = small[at + dot.len()..].trim_start_matches(' ');
        let mut words = after.split(|c: char| !c.is_alphanumeric());
        let is_end = words.next().is_some_and(|end| ends.contains(&end));
        let is_time = words.next().is_some_and(|next| TIMES.contains(&next));
        let named = !name.is_empty() && !NO_NAMES.contains(&name);
        (named && is_end && !is_time).then(|| before.len() - name.len())
    };
    let places = |dots: &[&'static str], ends: &'static [&'static str]| {
        let dots = dots.iter().flat_map(|dot| small.match_indices(*dot));
        dots.filter_map(|(at, dot)| name_of(at, dot, ends)).min()
    };
    let found = [places(&BRACKETED, &DOMAINS), places(&SPOKEN, &SPOKEN_ENDS)];
    found.into_iter().flatten().min()
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
