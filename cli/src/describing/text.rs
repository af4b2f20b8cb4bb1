//! Descriptions for people.

use serde_json::Value;

use super::{Described, Trouble};
use crate::asking::confidence;
use crate::terminal::table;

/// How wide texts are, in characters.
const WIDTH: usize = 80;

/// The lists of an answer that say what is unusual, and what they are called.
const REMARKS: [(&str, &str); 9] = [
    ("missing", "not found out"),
    ("left_out", "not sure enough for the text"),
    ("hedged", "told as not sure"),
    ("unmentioned", "not in the text"),
    ("contradicted", "contradicted by the text"),
    ("claims", "claimed beyond what is known"),
    ("banned_words", "banned words in the text"),
    ("wrong_form", "not the form of a text for a page"),
    ("warnings", "to know"),
];

/// The members of a listing with one text each.
const LISTING: [&str; 3] = ["title", "alt_text", "meta_description"];

/// What came of one photograph.
#[must_use]
pub fn text(described: &Described) -> String {
    let mut lines = vec![described.image.clone()];
    match (&described.result, &described.problem) {
        (Some(result), _) => add_result(&mut lines, result),
        (None, Some(trouble)) => add_trouble(&mut lines, trouble),
        (None, None) => {}
    }
    lines.join("\n") + "\n"
}

fn add_trouble(lines: &mut Vec<String>, trouble: &Trouble) {
    lines.push(wrapped(&format!(
        "Not described ({}): {}",
        trouble.kind, trouble.detail
    )));
    if let Some(step) = &trouble.next {
        lines.push(wrapped(&format!("Next: {step}")));
    }
    let known = Value::Object((*trouble.members).clone());
    lines.extend(attributes(&known));
}

fn add_result(lines: &mut Vec<String>, result: &Value) {
    lines.extend(attributes(result));
    for (member, words) in REMARKS {
        if let Some(list) = listed(&result[member]) {
            lines.push(wrapped(&format!("{words}: {list}")));
        }
    }
    let description = &result["description"];
    let (description, listing) = match description.as_str() {
        Some(description) => (Some(description), &result["listing"]),
        None => (result["held_description"].as_str(), &result["held_listing"]),
    };
    if result["held_description"].is_string() {
        lines.push("\nheld for a person to look at:".to_owned());
    }
    for member in LISTING {
        if let Some(text) = listing[member].as_str() {
            lines.push(wrapped(&format!("\n{member}: {text}")));
        }
    }
    for bullet in listing["bullets"].as_array().into_iter().flatten() {
        lines.push(wrapped(&format!("• {}", plain(bullet))));
    }
    if let Some(words) = listed(&listing["search_keywords"]) {
        lines.push(wrapped(&format!("search_keywords: {words}")));
    }
    if let Some(description) = description {
        lines.push(String::new());
        lines.extend(description.lines().map(wrapped));
    }
    lines.push(format!("\n{}", took(result)));
}

/// The table of attributes, where there are any.
fn attributes(result: &Value) -> Option<String> {
    let known = result["attributes"].as_object()?;
    let rows: Vec<[String; 3]> = known
        .iter()
        .map(|(name, value)| {
            let sure = result["confidence"][name].as_f64();
            [name.clone(), plain(value), confidence(sure)]
        })
        .collect();
    if rows.is_empty() {
        return None;
    }
    Some(
        table(["attribute", "value", "confidence"], &rows)
            .trim_end()
            .to_owned(),
    )
}

/// Who answered, and what it took.
fn took(result: &Value) -> String {
    let usage = &result["usage"];
    let cost = match usage["cost_usd"].as_f64() {
        Some(usd) => format!(", ${usd:.5}"),
        None => String::new(),
    };
    format!(
        "attributes by {}, text by {}: {} tokens read, {} written{cost}",
        plain(&result["models"]["attributes"]),
        plain(&result["models"]["description"]),
        usage["input_tokens"].as_u64().unwrap_or_default(),
        usage["output_tokens"].as_u64().unwrap_or_default(),
    )
}

/// The entries of a list with commas between; nothing where there are none.
fn listed(list: &Value) -> Option<String> {
    let entries = list.as_array().filter(|entries| !entries.is_empty())?;
    let words: Vec<String> = entries
        .iter()
        .map(|entry| entry.get("text").map_or_else(|| plain(entry), plain))
        .collect();
    Some(words.join(", "))
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Lines of at most [`WIDTH`] characters, broken between words.
fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut width = 0;
    for (index, word) in text.split(' ').enumerate() {
        let length = word.chars().count();
        if index > 0 {
            if width + 1 + length > WIDTH {
                out.push('\n');
                width = 0;
            } else {
                out.push(' ');
                width += 1;
            }
        }
        out.push_str(word);
        width += length;
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_description_shows_what_is_known_what_is_missing_and_what_it_took() {
        let result = json!({
            "product_id": "1",
            "attributes": {"Fabric": "Cotton", "Fit": "Slim Fit"},
            "confidence": {"Fabric": 0.934},
            "description": "A shirt.\nFor every day.",
            "unmentioned": [], "missing": ["Neck", "Collar"],
            "claims": [{"kind": "origin", "text": "made in Italy"}],
            "wrong_form": [{"member": "description", "kind": "link", "text": "example.com"}],
            "warnings": [],
            "models": {"attributes": "blip2", "description": "claude"},
            "usage": {"input_tokens": 180, "output_tokens": 96, "cost_usd": 0.00198}
        });
        let text = text(&Described::new("a.jpg", Ok(result)));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "a.jpg");
        assert_eq!(lines[2], "Fabric     Cotton    0.93");
        assert_eq!(lines[3], "Fit        Slim Fit  –");
        for line in [
            "not found out: Neck, Collar",
            "claimed beyond what is known: made in Italy",
            "not the form of a text for a page: example.com",
            "A shirt.",
            "For every day.",
            "attributes by blip2, text by claude: 180 tokens read, 96 written, $0.00198",
        ] {
            assert!(lines.contains(&line), "{line} in {text}");
        }
        assert!(!text.contains("not in the text"), "{text}");
    }

    #[test]
    fn a_listing_shows_all_its_texts_and_a_held_one_says_so() {
        let listing = json!({
            "title": "A title", "bullets": ["One", "Two"], "search_keywords": ["shirt", "top"],
            "alt_text": "A shirt", "meta_description": "Shirts"
        });
        let text_of = |description: &str, listing_member: &str| {
            let mut result = json!({"attributes": {}, "models": {}, "usage": {}});
            result[description] = json!("The text.");
            result[listing_member] = listing.clone();
            text(&Described::new("a.jpg", Ok(result)))
        };
        let shown = text_of("description", "listing");
        for part in [
            "title: A title",
            "• One",
            "search_keywords: shirt, top",
            "The text.",
        ] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.contains("held"), "{shown}");
        let held = text_of("held_description", "held_listing");
        assert!(
            held.contains("held for a person") && held.contains("• Two"),
            "{held}"
        );
    }

    #[test]
    fn a_problem_shows_what_is_known_all_the_same() {
        let mut trouble = Trouble::new("description-timed-out", "late", Exit::Unavailable);
        trouble
            .members
            .insert("attributes".into(), json!({"Fabric": "Cotton"}));
        let text = text(&Described::new("a.jpg", Err(trouble)));
        assert!(
            text.contains("Not described (description-timed-out): late"),
            "{text}"
        );
        assert!(text.contains("Fabric     Cotton"), "{text}");
    }

    #[test]
    fn long_texts_are_broken_between_words() {
        let text = "word ".repeat(40);
        let broken = wrapped(text.trim_end());
        assert!(broken.lines().all(|line| line.chars().count() <= WIDTH));
        assert_eq!(broken.replace('\n', " "), text.trim_end());
        assert_eq!(wrapped(&"x".repeat(100)).lines().count(), 1);
    }
}
