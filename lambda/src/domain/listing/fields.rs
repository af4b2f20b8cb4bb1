//! The JSON that the writer of a listing replies with.

use std::collections::HashSet;

use attributes::fold;
use serde::Deserialize;

use super::limits::{
    ALT_TEXT, BULLETS, DESCRIPTION, Limit, META_DESCRIPTION, SEARCH_KEYWORDS, TITLE,
};

/// What may stand before a text and is no part of it.
const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// The texts of a listing: every member has to be there, and no other. It is text, not the
/// arguments of a tool, because guardrails do not look at those
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-use-converse-api.html>)
/// and models of every maker can write it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    pub title: String,
    pub bullets: Vec<String>,
    pub description: String,
    pub search_keywords: Vec<String>,
    pub alt_text: String,
    pub meta_description: String,
}

impl Fields {
    /// Reads a reply, which is the object alone, or the object in a fence of markup. The
    /// error is a sentence for the writer.
    pub fn read(reply: &str) -> Result<Fields, String> {
        let fields: Fields = serde_json::from_str(without_fence(reply)).map_err(|error| {
            format!("The reply is not the JSON object that was asked for: {error}.")
        })?;
        Ok(fields.tidied())
    }

    /// Each text on one line, but for the paragraphs of the description.
    fn tidied(self) -> Fields {
        let all = |texts: Vec<String>| -> Vec<String> {
            let lines = texts.iter().map(|text| one_line(text));
            lines.filter(|text| !text.is_empty()).collect()
        };
        let paragraphs: Vec<String> = self
            .description
            .lines()
            .map(one_line)
            .filter(|line| !line.is_empty())
            .collect();
        Fields {
            title: one_line(&self.title),
            bullets: all(self.bullets),
            description: paragraphs.join("\n\n"),
            search_keywords: distinct(all(self.search_keywords)),
            alt_text: one_line(&self.alt_text),
            meta_description: one_line(&self.meta_description),
        }
    }

    /// Every member with its limit.
    pub fn members(&self) -> [(Limit, &[String]); 6] {
        use std::slice::from_ref;
        [
            (TITLE, from_ref(&self.title)),
            (BULLETS, self.bullets.as_slice()),
            (DESCRIPTION, from_ref(&self.description)),
            (SEARCH_KEYWORDS, self.search_keywords.as_slice()),
            (ALT_TEXT, from_ref(&self.alt_text)),
            (META_DESCRIPTION, from_ref(&self.meta_description)),
        ]
    }
}

/// Each text once: what differs in its case, its spaces or its hyphens alone is one search.
fn distinct(texts: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    let texts = texts.into_iter();
    texts.filter(|text| seen.insert(fold(text))).collect()
}

/// The text between the lines of a fence, where there is one around everything.
fn without_fence(reply: &str) -> &str {
    let reply = reply
        .trim()
        .trim_start_matches(BYTE_ORDER_MARK)
        .trim_start();
    let fenced = reply
        .strip_prefix("```")
        .and_then(|rest| rest.strip_suffix("```"));
    match fenced {
        Some(inner) => inner.strip_prefix("json").unwrap_or(inner),
        None => reply,
    }
}

/// A text on one line. Characters that control stay, so that they are found.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn reply() -> Value {
        json!({
            "title": " A  shirt\n",
            "bullets": ["One", " ", "Two"],
            "description": "First.\n\n\nSecond,\tgoes on.",
            "search_keywords": ["cotton shirt"],
            "alt_text": "A shirt",
            "meta_description": "A shirt."
        })
    }

    #[test]
    fn a_reply_is_read_and_tidied() {
        let text = reply().to_string();
        for reply in [
            text.clone(),
            format!("\n{text} "),
            format!("```json\n{text}\n```"),
            format!("```\n{text}```"),
            format!("\u{FEFF}{text}"),
            format!(" \u{FEFF}\n```json\n{text}\n```"),
        ] {
            let fields = Fields::read(&reply).unwrap();
            assert_eq!(fields.title, "A shirt");
            assert_eq!(fields.bullets, ["One", "Two"]);
            assert_eq!(fields.description, "First.\n\nSecond, goes on.");
            assert_eq!(fields.members()[3].1, ["cotton shirt"]);
        }
    }

    #[test]
    fn equal_keywords_are_one() {
        let mut reply = reply();
        reply["search_keywords"] = json!([
            "Cotton T-shirt",
            "cotton t shirt",
            "blue shirt",
            " COTTON TSHIRT",
            "Blue shirt"
        ]);
        let fields = Fields::read(&reply.to_string()).unwrap();
        assert_eq!(fields.search_keywords, ["Cotton T-shirt", "blue shirt"]);
    }

    #[test]
    fn what_is_not_exactly_the_object_is_refused_with_a_reason() {
        let with = |name: &str, value: Value| {
            let mut reply = reply();
            reply[name] = value;
            reply.to_string()
        };
        let mut without = reply();
        without.as_object_mut().unwrap().remove("alt_text");
        let whole = reply().to_string();
        for (reply, word) in [
            (String::new(), "EOF"),
            ("A fine shirt.".to_owned(), "expected value"),
            (format!("Here it is: {whole}"), "expected value"),
            (format!("{whole} I hope you like it."), "trailing"),
            (whole[..whole.len() - 5].to_owned(), "EOF"),
            (without.to_string(), "alt_text"),
            (with("price", json!(3)), "price"),
            (with("title", json!(["a"])), "string"),
            (with("bullets", json!("a")), "sequence"),
            (whole.replacen('{', "{\"title\": \"b\",", 1), "duplicate"),
        ] {
            let reason = Fields::read(&reply).unwrap_err();
            assert!(reason.contains(word), "{reply}: {reason}");
        }
    }
}
