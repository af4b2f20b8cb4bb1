//! JSON in which no object has a key twice.
//!
//! RFC 8259 leaves it open what such an object means, and parsers take the last or the
//! first value: whichever it is, another program may have meant the other.

use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Why a text is not taken.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// It is no JSON, or not of the type that is read.
    #[error("{0}")]
    Malformed(serde_json::Error),
    /// An object in it has this key twice.
    #[error("an object in it has the key `{0}` twice: keep one of them")]
    Repeated(String),
}

/// Reads a text of settings.
///
/// # Errors
/// As [`parse`], and when it is not of the type.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    parse(text.as_bytes())?;
    // From the text once more, so that an error says where in it.
    serde_json::from_str(text).map_err(JsonError::Malformed)
}

/// Reads a text.
///
/// # Errors
/// When it is no JSON, and else when an object has a key twice; it is the first one.
pub fn parse(text: &[u8]) -> Result<Value, JsonError> {
    let mut repeated = None;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let whole = Unique(&mut repeated)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(JsonError::Malformed)?;
    match repeated {
        Some(key) => Err(JsonError::Repeated(key)),
        None => Ok(whole),
    }
}

/// Reads a value and notes the first key that an object in it has twice.
struct Unique<'a>(&'a mut Option<String>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(Unique(&mut *self.0))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.0.is_none() && values.contains_key(&key) {
                *self.0 = Some(key.clone());
            }
            let value = entries.next_value_seed(Unique(&mut *self.0))?;
            values.insert(key, value);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_value_is_read_as_serde_json_reads_it() {
        for text in [
            "null",
            "true",
            "-7",
            "18446744073709551615",
            "-0.0",
            "1e300",
            "123456789012345678901234567890",
            r#""a\u00e9\n""#,
            "[]",
            r#" [1, "b", [null, {}], {"a": [{"a": 1}], "b": {"a": 2}}] "#,
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            let read = parse(text.as_bytes()).unwrap();
            assert_eq!(read.to_string(), expected.to_string(), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_has_the_words_of_serde_json() {
        let deep = "[".repeat(1_000);
        for text in [
            "",
            "{",
            "{'a': 1}",
            r#"{"a": 1e999}"#,
            "1 2",
            "{\"a\"",
            &deep,
        ] {
            let expected = serde_json::from_str::<Value>(text).unwrap_err();
            let Err(JsonError::Malformed(error)) = parse(text.as_bytes()) else {
                panic!("{text} is read");
            };
            assert_eq!(error.to_string(), expected.to_string(), "{text}");
        }
        // Also after a key that is there twice.
        let both = parse(br#"{"a": 1, "a": 2"#);
        assert!(matches!(both, Err(JsonError::Malformed(_))), "{both:?}");
    }

    #[test]
    fn a_key_twice_in_one_object_is_named() {
        for (text, key) in [
            (r#"{"a": 1, "b": 2, "a": 1}"#, "a"),
            (r#"{"a": {"b": [{"c": 1, "\u0063": 2}]}, "d": 3}"#, "c"),
            (r#"{"a": {"b": 1, "b": 2}, "a": 3}"#, "b"),
            (r#"{"": 1, "": 2}"#, ""),
        ] {
            let Err(JsonError::Repeated(found)) = parse(text.as_bytes()) else {
                panic!("{text} is read");
            };
            assert_eq!(found, key, "{text}");
        }
    }

    #[test]
    fn settings_are_read_into_their_type_or_the_place_of_the_mistake_is_said() {
        #[derive(Debug, serde::Deserialize)]
        struct Settings {
            sides: Vec<u32>,
        }
        let settings: Settings = read(r#"{"sides": [4, 3], "unknown": null}"#).unwrap();
        assert_eq!(settings.sides, [4, 3]);
        for (text, said) in [
            ("{\n\"sides\": [4, -3]\n}", "at line 2 column"),
            (
                r#"{"sides": [], "unknown": {"a": 1, "a": 2}}"#,
                "the key `a` twice",
            ),
        ] {
            let error = read::<Settings>(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
