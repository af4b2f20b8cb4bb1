//! What the writer's texts lack or have too much of is put right here, so that limits are
//! kept and searches find the product, whatever was written.

use indexmap::IndexMap;

use super::fields::Fields;
use super::limits::{
    ALT_TEXT, BULLETS, DESCRIPTION, Limit, META_DESCRIPTION, SEARCH_KEYWORDS, TITLE, length, width,
};
use super::search::{Searched, missing};

/// What was changed, by the members' names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The attributes whose words were added.
    pub completed: IndexMap<&'static str, Vec<String>>,
    /// The attributes for whose words there was no room.
    pub without: IndexMap<&'static str, Vec<String>>,
    /// What was longer, or more, than its limit.
    pub cut: Vec<&'static str>,
    /// What is still shorter, or less, than its limit.
    pub short: Vec<&'static str>,
}

/// Brings the texts under their limits and adds the words of `items` where they are missing
/// and searched for. Without `items` nothing is added.
pub fn settle(mut fields: Fields, items: &[Searched]) -> (Fields, Changes) {
    let mut changes = Changes::default();
    for (limit, text) in [
        (TITLE, &mut fields.title),
        (DESCRIPTION, &mut fields.description),
        (ALT_TEXT, &mut fields.alt_text),
        (META_DESCRIPTION, &mut fields.meta_description),
    ] {
        if length(text) > limit.longest {
            *text = cut_at_a_word(text, limit.longest);
            changes.cut.push(limit.name);
        }
    }
    let shortened = |text: &str| Some(cut_at_a_word(text, BULLETS.longest));
    if has_cut_list(BULLETS, &mut fields.bullets, shortened) {
        changes.cut.push(BULLETS.name);
    }
    // A part of a keyword is another keyword.
    if has_cut_list(SEARCH_KEYWORDS, &mut fields.search_keywords, |_: &str| None) {
        changes.cut.push(SEARCH_KEYWORDS.name);
    }
    if let [garment, attributes @ ..] = items {
        complete_text(Searchable::Title, &mut fields.title, items, &mut changes);
        let text = &mut fields.meta_description;
        complete_text(Searchable::MetaDescription, text, items, &mut changes);
        complete_keywords(&mut fields.search_keywords, garment, items, &mut changes);
        complete_bullets(&mut fields.bullets, attributes, &mut changes);
    }
    changes.short = fields
        .members()
        .into_iter()
        .filter(|(limit, texts)| limit.is_short(texts))
        .map(|(limit, _)| limit.name)
        .collect();
    (fields, changes)
}

/// A text that is one line of a search's results.
#[derive(Clone, Copy)]
enum Searchable {
    Title,
    MetaDescription,
}

impl Searchable {
    fn limit(self) -> Limit {
        match self {
            Searchable::Title => TITLE,
            Searchable::MetaDescription => META_DESCRIPTION,
        }
    }

    /// The text with a value more.
    fn with(self, text: &str, value: &str) -> String {
        let text = without_end(text);
        match self {
            Searchable::Title => format!("{text}, {value}"),
            Searchable::MetaDescription => format!("{text}. {value}."),
        }
    }

    /// A text of values alone.
    fn of_values(self, noun: &str, values: &[&str]) -> String {
        match self {
            Searchable::Title => format!("{} {noun}", values.join(" ")),
            Searchable::MetaDescription => format!("{noun}: {}.", values.join(", ")),
        }
    }

    /// What stands between values and other words.
    fn before_other_words(self) -> &'static str {
        match self {
            Searchable::Title => " – ",
            Searchable::MetaDescription => " ",
        }
    }
}

/// Adds what is missing to the text. Where there is no room for all of it, the text gives way
/// to one of the attributes' values, if that holds more of them; as much of it as there is room
/// for then stands behind them, where they alone would be too short.
fn complete_text(kind: Searchable, text: &mut String, items: &[Searched], changes: &mut Changes) {
    let limit = kind.limit();
    let lacks = |text: &str| missing(items, &[text.to_owned()]);
    let before = lacks(text.as_str());
    if before.is_empty() {
        return;
    }
    let mut longer = text.clone();
    for item in &before {
        let more = kind.with(&longer, &item.value);
        if length(&more) <= limit.longest {
            longer = more;
        }
    }
    let composed = composed(kind, text, items);
    let mut best = longer;
    if lacks(composed.as_str()).len() < lacks(best.as_str()).len() {
        best = composed;
    }
    let after = lacks(best.as_str());
    let added = before.iter().filter(|item| !after.contains(*item));
    let added: Vec<String> = added.map(|item| item.name.clone()).collect();
    let without: Vec<String> = after.iter().map(|item| item.name.clone()).collect();
    changes.note(limit, added, without);
    *text = best;
}

/// As many of the attributes' values as there is room for, and the garment; then the beginning
/// of `text`, if that is too short.
fn composed(kind: Searchable, text: &str, items: &[Searched]) -> String {
    let limit = kind.limit();
    let Some((garment, attributes)) = items.split_first() else {
        return String::new();
    };
    let noun = capitalised(&garment.value);
    let mut values: Vec<&str> = Vec::new();
    for item in attributes {
        values.push(&item.value);
        if length(&kind.of_values(&noun, &values)) > limit.longest {
            values.pop();
        }
    }
    let composed = kind.of_values(&noun, &values).trim().to_owned();
    let start = format!("{composed}{}", kind.before_other_words());
    match limit.longest.checked_sub(length(&start)) {
        Some(room) if length(&composed) < limit.shortest => {
            let rest = cut_at_a_word(text, room);
            if rest.is_empty() {
                composed
            } else {
                format!("{start}{rest}")
            }
        }
        Some(_) => composed,
        None => cut_at_a_word(&composed, limit.longest),
    }
}

fn complete_keywords(
    keywords: &mut Vec<String>,
    garment: &Searched,
    items: &[Searched],
    changes: &mut Changes,
) {
    let keyword = |item: &Searched| {
        let noun = garment.value.to_lowercase();
        if item == garment {
            noun
        } else {
            format!("{} {noun}", item.before_a_noun())
        }
    };
    let mut lacking = missing(items, keywords.as_slice());
    // The writer's last ones give way to those that are searched for.
    while keywords.len() + lacking.len() > SEARCH_KEYWORDS.most_texts && keywords.pop().is_some() {
        lacking = missing(items, keywords.as_slice());
    }
    let (mut added, mut without) = (Vec::new(), Vec::new());
    for item in lacking {
        let keyword = keyword(item);
        let has_room = keywords.len() < SEARCH_KEYWORDS.most_texts;
        if has_room && length(&keyword) <= SEARCH_KEYWORDS.longest {
            keywords.push(keyword);
            added.push(item.name.clone());
        } else {
            without.push(item.name.clone());
        }
    }
    changes.note(SEARCH_KEYWORDS, added, without);
}

/// Where there are too few points, attributes are points, those first that no other names.
fn complete_bullets(bullets: &mut Vec<String>, attributes: &[Searched], changes: &mut Changes) {
    let unnamed = missing(attributes, bullets.as_slice());
    let others = attributes.iter().filter(|item| !unnamed.contains(item));
    let mut added = Vec::new();
    for item in unnamed.iter().copied().chain(others) {
        if bullets.len() >= BULLETS.fewest_texts {
            break;
        }
        let bullet = format!("{}: {}", item.name, item.value);
        if length(&bullet) <= BULLETS.longest {
            bullets.push(bullet);
            added.push(item.name.clone());
        }
    }
    changes.note(BULLETS, added, Vec::new());
}

impl Changes {
    fn note(&mut self, limit: Limit, completed: Vec<String>, without: Vec<String>) {
        if !completed.is_empty() {
            self.completed.insert(limit.name, completed);
        }
        if !without.is_empty() {
            self.without.insert(limit.name, without);
        }
    }
}

/// Takes what is too much out of a list; `shortened` says what becomes of a text that is too
/// long. Whether there was anything.
fn has_cut_list(
    limit: Limit,
    texts: &mut Vec<String>,
    shortened: impl Fn(&str) -> Option<String>,
) -> bool {
    let mut has_cut = texts.len() > limit.most_texts;
    texts.truncate(limit.most_texts);
    let kept = std::mem::take(texts).into_iter().filter_map(|text| {
        if length(&text) <= limit.longest {
            return Some(text);
        }
        has_cut = true;
        shortened(&text)
    });
    *texts = kept.collect();
    has_cut
}

/// The text up to the last word that has room, or the last character where the first word
/// has none.
fn cut_at_a_word(text: &str, longest: usize) -> String {
    let (mut used, mut end, mut end_of_word) = (0, 0, 0);
    for (start, c) in text.char_indices() {
        used += width(c);
        if used > longest {
            break;
        }
        end = start + c.len_utf8();
        // In scripts without spaces there may be an end between any two characters.
        let ends_a_word = |next: char| next.is_whitespace() || width(next) == 2;
        if text[end..].chars().next().is_none_or(ends_a_word) {
            end_of_word = end;
        }
    }
    let end = if end_of_word > 0 { end_of_word } else { end };
    without_end(&text[..end]).to_owned()
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// The text without the signs at its end after which something would have to follow.
fn without_end(text: &str) -> &str {
    text.trim_end_matches(|c: char| c.is_whitespace() || ".,;:-–—(&+/".contains(c))
}

#[cfg(test)]
mod tests;
