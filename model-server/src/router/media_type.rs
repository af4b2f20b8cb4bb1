//! The kinds of bodies that are read and written.

/// One request or answer.
pub(super) const JSON: &str = "application/json";

/// One request or answer a line; the first name is the one that answers carry.
pub(super) const JSON_LINES: [&str; 4] = [
    "application/jsonlines",
    "application/x-jsonlines",
    "application/jsonl",
    "application/x-ndjson",
];

/// An image file, the rest of the request in a header.
pub(super) const IMAGES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];

/// A media type without its parameters, and those.
pub(super) fn split_parameters(text: &str) -> (&str, impl Iterator<Item = &str>) {
    let mut parts = text.split(';').map(str::trim);
    (parts.next().unwrap_or_default(), parts)
}

/// Whether `name` is one of `names`; case does not count.
pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}
