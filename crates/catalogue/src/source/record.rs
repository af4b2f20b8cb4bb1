//! Product records as the shop's API gave them over the years: `styles/<id>.json`.
//!
//! What is asked for lies under `data`, or at the top in records of another age.
//! Any field may be missing, null, or of another type than usual; an empty table
//! may be written as a list, a number as a text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::COLOUR_FIELD;

/// What is read of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct StyleRecord {
    pub id: Option<String>,
    pub title: Option<String>,
    pub brand: Option<String>,
    /// The brand's number of the article.
    pub article: Option<String>,
    /// Names and values of `articleAttributes`, then of the fields that are
    /// attributes as well.
    pub facts: Vec<(String, String)>,
    /// Ids of the same style in other colours.
    pub siblings: Vec<String>,
    data: Option<Box<StyleRecord>>,
}

/// Fields beside `articleAttributes` whose value may be that of an attribute.
const FACTS: [&str; 5] = [COLOUR_FIELD, "season", "usage", "gender", "fashionType"];

impl StyleRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// Why it is none, in few words.
    pub(super) fn parse(bytes: &[u8]) -> Result<StyleRecord, &'static str> {
        let mut record: StyleRecord =
            serde_json::from_slice(bytes).map_err(|error| match error.classify() {
                serde_json::error::Category::Eof => "its record ends early",
                serde_json::error::Category::Data => "its record is no JSON object",
                _ => "its record is no valid JSON",
            })?;
        if let Some(data) = record.data.take() {
            record = *data;
        }
        if record.id.is_none() && record.title.is_none() && record.facts.is_empty() {
            return Err("its record says nothing about a product");
        }
        Ok(record)
    }

    fn set(&mut self, key: &str, value: &Value) {
        match key {
            "id" => self.id = text(value),
            "productDisplayName" => self.title = text(value),
            "brandName" => self.brand = text(value),
            "articleNumber" => self.article = text(value),
            "articleAttributes" => {
                let table = value.as_object().into_iter().flatten();
                let given = table.filter_map(|(name, value)| Some((name.clone(), text(value)?)));
                // Before what the other fields say, wherever it stands.
                self.facts.splice(0..0, given);
            }
            "colours" => {
                let others = value.get("colors").and_then(Value::as_object);
                self.siblings = others
                    .into_iter()
                    .flatten()
                    .map(|(id, _)| id.clone())
                    .collect();
            }
            _ => self
                .facts
                .extend(text(value).map(|value| (key.to_owned(), value))),
        }
    }
}

/// A text, or a number as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for StyleRecord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StyleRecord, D::Error> {
        deserializer.deserialize_any(Fields)
    }
}

/// Keeps the few fields that are read and passes over the many others. A field
/// that stands there twice counts as it stands last.
struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = StyleRecord;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_unit<E>(self) -> Result<StyleRecord, E> {
        Ok(StyleRecord::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StyleRecord, A::Error> {
        let mut record = StyleRecord::default();
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            match key.as_ref() {
                "data" => record.data = Some(map.next_value()?),
                "id" | "productDisplayName" | "brandName" | "articleNumber"
                | "articleAttributes" | "colours" => {
                    record.set(&key, &map.next_value()?);
                }
                other if FACTS.contains(&other) => record.set(&key, &map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(facts: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        facts.iter().map(owned).collect()
    }

    #[test]
    fn records_of_every_age_are_read() {
        let expected = pairs(&[("Fabric", "Cotton"), ("baseColour", "Blue")]);
        for text in [
            r#"{"meta": {"code": 200}, "data": {"id": 7, "baseColour": "Blue",
                "articleAttributes": {"Fabric": "Cotton", "Fit": null, "Neck": ""}}}"#,
            r#"{"id": "7", "articleAttributes": {"Fabric": " Cotton "}, "baseColour": "Blue"}"#,
            r#"{"data": {"id": 7, "id": 7, "baseColour": "Blue", "styleImages": [[{}]],
                "articleAttributes": {"Fabric": "Cotton", "Sizes": ["S", "M"]}}}"#,
        ] {
            let record = StyleRecord::parse(text.as_bytes()).unwrap();
            assert_eq!(record.id.as_deref(), Some("7"), "{text}");
            assert_eq!(record.facts, expected, "{text}");
        }
    }

    #[test]
    fn attributes_may_be_missing_null_or_a_list() {
        for attributes in [
            "",
            r#""articleAttributes": null,"#,
            r#""articleAttributes": [],"#,
        ] {
            let text = format!(r#"{{"data": {{{attributes} "id": 7, "colours": null}}}}"#);
            let record = StyleRecord::parse(text.as_bytes()).unwrap();
            assert_eq!((record.facts, record.siblings), (vec![], vec![]), "{text}");
        }
    }

    #[test]
    fn the_other_colours_of_a_style_are_siblings() {
        let text = r#"{"data": {"id": 2, "colours": {"colors": {"11833": {}, "11835": {}}}}}"#;
        let record = StyleRecord::parse(text.as_bytes()).unwrap();
        assert_eq!(record.siblings, ["11833", "11835"]);
    }

    #[test]
    fn what_is_no_record_says_why() {
        for (text, reason) in [
            ("", "ends early"),
            (r#"{"data": {"id": 2, "art"#, "ends early"),
            ("<html>", "no valid JSON"),
            ("[1]", "no JSON object"),
            (r#"{"data": null}"#, "says nothing"),
            (r#"{"meta": {"code": 404}}"#, "says nothing"),
        ] {
            let error = StyleRecord::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
