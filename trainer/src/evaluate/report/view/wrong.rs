//! Wrong answers with their photo.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::Value;
use serde::Serialize;

use crate::evaluate::data::read_photo;
use crate::evaluate::report::format::percent;
use crate::evaluate::report::thumbnail;
use crate::evaluate::wrong::Wrong;

#[derive(Serialize)]
pub(super) struct WrongCard {
    id: String,
    attribute: String,
    question: String,
    truth: String,
    answer: String,
    confidence: String,
    held: Option<String>,
    held_confidence: String,
    photo: Option<Value>,
}

pub(super) fn wrong_cards(wrong: &[Wrong], images: &Path) -> Vec<WrongCard> {
    let mut photos: BTreeMap<&str, Option<String>> = BTreeMap::new();
    wrong
        .iter()
        .map(|wrong| {
            let photo = photos
                .entry(&wrong.id)
                .or_insert_with(|| thumbnail::data_uri(&read_photo(images, &wrong.id).ok()?));
            WrongCard {
                id: wrong.id.clone(),
                attribute: wrong.attribute.clone(),
                question: wrong.question.clone(),
                truth: wrong.truth.clone(),
                answer: wrong.answer.clone(),
                confidence: percent(Some(wrong.confidence)),
                held: wrong.held.clone(),
                held_confidence: percent(wrong.held_confidence),
                // Base64 of our own making; escaping would blow up every slash.
                photo: photo.clone().map(Value::from_safe_string),
            }
        })
        .collect()
}
