//! Addresses and numbers by which somebody is reached or paid.

use super::signs::start_of_word;

/// The fewest digits of a telephone number with a country, and of one without.
const PHONE: (usize, usize) = (7, 9);
/// The digits from 0 on as words, in the languages that hold most Latin texts. Two words for one
/// digit are parted by a bar.
const DIGITS: [[&str; 10]; 6] = [
    [
        "zero|oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ],
    [
        "null", "eins", "zwei|zwo", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
    ],
    [
        "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf",
    ],
    [
        "cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve",
    ],
    [
        "zero", "uno", "due", "tre", "quattro", "cinque", "sei", "sette", "otto", "nove",
    ],
    [
        "zero",
        "um",
        "dois",
        "três",
        "quatro",
        "cinco|meia",
        "seis",
        "sete",
        "oito",
        "nove",
    ],
];
/// Say several digits.
const SEVERAL: [&str; 4] = ["double", "triple", "hundred", "thousand"];
/// The letters and digits of an IBAN.
const IBAN: std::ops::RangeInclusive<usize> = 15..=34;

/// E-mail addresses, names on networks, telephone numbers, numbers of accounts.
pub(super) fn contact(text: &str) -> Option<usize> {
    let mut signs = text.match_indices('@');
    let sign = signs.find(|(at, _)| text[at + 1..].starts_with(char::is_alphanumeric));
    sign.map(|(at, _)| start_of_word(text, at))
        .or_else(|| iban(text))
        .or_else(|| phone(text))
        .or_else(|| spelled_phone(text))
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

/// A telephone number in words of one language: so many digits in a row, and no counting up.
fn spelled_phone(text: &str) -> Option<usize> {
    DIGITS
        .iter()
        .filter_map(|digits| spelled_phone_in(text, digits))
        .min()
}

fn spelled_phone_in(text: &str, digits: &[&str; 10]) -> Option<usize> {
    let digit = |word: &str| {
        let word = word.to_lowercase();
        let mut digits = digits.iter();
        digits.position(|names| names.split('|').any(|name| name == word))
    };
    let parts = |c: char| !c.is_alphabetic();
    let (mut at, mut start, mut count, mut counts_up) = (0, 0, 0, true);
    let mut last: Option<usize> = None;
    for word in text.split(parts) {
        let here = at;
        at += word.len();
        let between = text[at..].chars().next();
        at += between.map_or(0, char::len_utf8);
        if word.is_empty() {
            // Two signs between words, as in "one, two", part nothing but sentences.
            if between.is_some_and(|c| !(c.is_whitespace() || "-–,.()/".contains(c))) {
                (count, last) = (0, None);
            }
            continue;
        }
        let several = SEVERAL.iter().any(|name| word.eq_ignore_ascii_case(name));
        if let Some(value) = digit(word) {
            if count == 0 {
                (start, counts_up) = (here, true);
            }
            counts_up &= last.is_none_or(|last| value == last + 1);
            (count, last) = (count + 1, Some(value));
            if count >= PHONE.0 && !counts_up {
                return Some(start);
            }
        } else if !(several && count > 0) {
            (count, last) = (0, None);
        }
    }
    None
}

/// The number of an account: a country, two digits and more letters and digits, of which the
/// check (ISO 7064, modulo 97) is right.
fn iban(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let begins = |&at: &usize| {
        let inside = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let is = |steps: usize, test: fn(&u8) -> bool| bytes.get(at + steps).is_some_and(test);
        !inside
            && is(0, u8::is_ascii_uppercase)
            && is(1, u8::is_ascii_uppercase)
            && is(2, u8::is_ascii_digit)
            && is(3, u8::is_ascii_digit)
    };
    (0..bytes.len())
        .filter(begins)
        .find(|&at| is_iban(&bytes[at..]))
}

/// Whether bytes begin with the number of an account, in groups or in one.
fn is_iban(bytes: &[u8]) -> bool {
    let mut signs = Vec::new();
    for (place, &byte) in bytes.iter().enumerate() {
        if byte.is_ascii_uppercase() || byte.is_ascii_digit() {
            signs.push(byte);
            if signs.len() > *IBAN.end() {
                return false;
            }
        } else if !matches!(byte, b' ' | b'-') {
            return false;
        }
        let next = bytes.get(place + 1);
        let ends = next.is_none_or(|next| !next.is_ascii_alphanumeric());
        if ends && IBAN.contains(&signs.len()) && has_right_check(&signs) {
            return true;
        }
    }
    false
}

/// Whether letters and digits, their first four moved to the end and letters read as 10 to 35,
/// are a number that leaves 1 when divided by 97.
fn has_right_check(signs: &[u8]) -> bool {
    let moved = signs.iter().skip(4).chain(signs.iter().take(4));
    let rest = moved.fold(0_u32, |rest, &sign| {
        let value = char::from(sign).to_digit(36).unwrap_or_default();
        let shift = if value > 9 { 100 } else { 10 };
        (rest * shift + value) % 97
    });
    rest == 1
}
