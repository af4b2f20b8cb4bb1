//! The texts of a listing around a description, as JSON.
//!
//! The function asks for six members and says how long each may be
//! (`lambda/src/domain/listing/limits.rs`). What is written here keeps those limits whatever
//! the product is: where attributes say too little, words are added that claim nothing.

use serde_json::json;

use super::WritingRequest;
use super::product::ProductAttribute;

/// A member that no other request names.
const MARK: &str = "\"meta_description\"";
/// What a text that is too short is filled up with, word by word.
const FILLING: &str = "a text of the local cloud for a shop that only tests have";

const TITLE: (usize, usize) = (60, 80);
const BULLET: (usize, usize) = (10, 150);
const BULLETS: usize = 5;
const KEYWORDS: (usize, usize) = (5, 15);
const LONGEST_KEYWORD: usize = 50;
const ALT_TEXT: (usize, usize) = (20, 125);
const META_DESCRIPTION: (usize, usize) = (70, 155);

/// Whether a request asks for a listing rather than for a text.
pub(crate) fn is_asked_for(request: &WritingRequest) -> bool {
    request.system.contains(MARK)
}

/// The listing with this description.
pub(crate) fn around(description: &str, request: &WritingRequest) -> String {
    let attributes = request.attributes();
    let garment = garment(&request.system);
    let sentences: Vec<String> = attributes.iter().map(sentence).collect();
    let values: Vec<&str> = attributes
        .iter()
        .map(|attribute| attribute.value.as_str())
        .collect();
    json!({
        "title": fitted(garment, &values, ", ", TITLE),
        "bullets": bullets(&sentences),
        "description": description,
        "search_keywords": keywords(garment, &values),
        "alt_text": fitted(&format!("A {garment}."), &strs(&sentences), " ", ALT_TEXT),
        "meta_description": fitted(
            &format!("A {garment}."),
            &strs(&sentences),
            " ",
            META_DESCRIPTION,
        ),
    })
    .to_string()
}

/// What the system prompt says that it is about.
fn garment(system: &str) -> &str {
    system
        .split_once("You write about one ")
        .and_then(|(_, rest)| rest.split_once(" at a time"))
        .map(|(garment, _)| garment)
        .filter(|garment| garment.len() < 30)
        .unwrap_or("garment")
}

fn sentence(attribute: &ProductAttribute) -> String {
    let name = attribute.name.to_lowercase();
    format!("Its {name} is {}.", attribute.value)
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// As many of the parts as there is room for, then words until it is long enough.
fn fitted(start: &str, parts: &[&str], between: &str, (least, most): (usize, usize)) -> String {
    let mut text = start.to_owned();
    for part in parts {
        let longer = format!("{text}{between}{part}");
        if longer.chars().count() <= most {
            text = longer;
        }
    }
    let mut filling = FILLING.split(' ').cycle();
    while text.chars().count() < least {
        text.push(' ');
        text.push_str(filling.next().unwrap_or("text"));
    }
    text
}

fn bullets(sentences: &[String]) -> Vec<String> {
    let given = strs(sentences).into_iter();
    let own = std::iter::repeat("This text comes from the local cloud.");
    given
        .chain(own)
        .filter(|text| text.chars().count() <= BULLET.1)
        .take(BULLETS)
        .map(|text| fitted(text, &[], "", BULLET))
        .collect()
}

fn keywords(garment: &str, values: &[&str]) -> Vec<String> {
    let of_values = values
        .iter()
        .map(|value| format!("{} {garment}", value.to_lowercase()));
    let own = ["local", "cloud", "shop", "text", "sample"].map(|word| format!("{word} {garment}"));
    let (fewest, most) = KEYWORDS;
    let mut keywords: Vec<String> = of_values
        .filter(|keyword| keyword.chars().count() <= LONGEST_KEYWORD)
        .take(most)
        .collect();
    let lacking = fewest.saturating_sub(keywords.len());
    keywords.extend(own.into_iter().take(lacking));
    keywords
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::{Speaker, Turn};
    use serde_json::Value;

    fn request(attributes: &[(&str, &str)]) -> WritingRequest {
        let lines: String = attributes
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        WritingRequest {
            system: format!("You write about one shirt at a time. Members: {MARK}"),
            turns: vec![Turn {
                speaker: Speaker::User,
                text: format!("<product_attributes>\n{lines}</product_attributes>"),
            }],
            max_tokens: 400,
            temperature: 0.1,
            top_p: None,
            top_k: None,
            stop_sequences: Vec::new(),
        }
    }

    fn length(text: &Value) -> usize {
        text.as_str().unwrap().chars().count()
    }

    #[test]
    fn every_limit_is_kept_whatever_the_product_is() {
        let long = "a value of many words ".repeat(10);
        let many: Vec<(String, String)> = (0..20)
            .map(|number| (format!("Name {number}"), format!("Value {number}")))
            .collect();
        let many: Vec<(&str, &str)> = many
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let three = [
            ("Fabric", "Cotton"),
            ("Neck", "Round Neck"),
            ("Colour", "Blue"),
        ];
        for attributes in [
            &[("Fit", "Slim")][..],
            &three[..],
            &[("Fabric", long.as_str())][..],
            &many[..],
        ] {
            let text = around("A text.", &request(attributes));
            let listing: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(listing.as_object().unwrap().len(), 6);
            for (member, (least, most)) in [
                ("title", TITLE),
                ("alt_text", ALT_TEXT),
                ("meta_description", META_DESCRIPTION),
            ] {
                let length = length(&listing[member]);
                assert!((least..=most).contains(&length), "{member}: {listing}");
            }
            let bullets = listing["bullets"].as_array().unwrap();
            assert_eq!(bullets.len(), BULLETS);
            for bullet in bullets {
                assert!((BULLET.0..=BULLET.1).contains(&length(bullet)), "{listing}");
            }
            let keywords = listing["search_keywords"].as_array().unwrap();
            assert!(
                (KEYWORDS.0..=KEYWORDS.1).contains(&keywords.len()),
                "{listing}"
            );
            for keyword in keywords {
                assert!(length(keyword) <= LONGEST_KEYWORD, "{listing}");
            }
        }
    }

    #[test]
    fn the_garment_and_its_attributes_are_named() {
        let request = request(&[("Fabric", "Cotton"), ("Sleeve Length", "Long Sleeves")]);
        assert!(is_asked_for(&request));
        let listing: Value = serde_json::from_str(&around("A text.", &request)).unwrap();
        assert!(
            listing["title"]
                .as_str()
                .unwrap()
                .starts_with("shirt, Cotton, Long Sleeves"),
            "{listing}"
        );
        assert_eq!(listing["search_keywords"][1], "long sleeves shirt");
        assert_eq!(listing["bullets"][0], "Its fabric is Cotton.");
        assert_eq!(listing["description"], "A text.");
        assert_eq!(garment("Write."), "garment");
    }
}
