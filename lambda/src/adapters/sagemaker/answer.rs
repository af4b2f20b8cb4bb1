//! What endpoints answer with. Our own server's answers are objects; the
//! Hugging Face container answers with a JSON string, others with bare text.

use serde_json::Value;

use crate::domain::ModelAnswer;

/// The answers to a batch: nothing unless the body is an array with one entry a
/// question.
pub fn read_batch(body: &[u8], questions: usize) -> Option<Vec<ModelAnswer>> {
    match serde_json::from_slice(body).ok()? {
        Value::Array(entries) if entries.len() == questions => {
            Some(entries.into_iter().map(read_entry).collect())
        }
        _ => None,
    }
}

/// The answer to one question.
pub fn read_one(body: &[u8]) -> ModelAnswer {
    match serde_json::from_slice(body) {
        // A Hugging Face pipeline wraps its only answer.
        Ok(Value::Array(mut entries)) if entries.len() == 1 => read_entry(entries.remove(0)),
        Ok(value) => read_entry(value),
        Err(_) => text_only(String::from_utf8_lossy(body).trim()),
    }
}

fn read_entry(entry: Value) -> ModelAnswer {
    match entry {
        Value::String(text) => text_only(text.trim()),
        Value::Number(number) => text_only(&number.to_string()),
        Value::Object(members) => match members.get("generated_text").and_then(Value::as_str) {
            Some(text) => ModelAnswer {
                text: text.to_owned(),
                confidence: members
                    .get("confidence")
                    .and_then(Value::as_f64)
                    .filter(|confidence| (0.0..=1.0).contains(confidence)),
            },
            None => match members.iter().next() {
                Some((name, Value::String(value))) if members.len() == 1 => {
                    text_only(&format!("{name}: {value}"))
                }
                _ => text_only(""),
            },
        },
        Value::Null | Value::Bool(_) | Value::Array(_) => text_only(""),
    }
}

fn text_only(text: &str) -> ModelAnswer {
    ModelAnswer {
        text: text.to_owned(),
        confidence: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_answer_is_read_in_every_form() {
        for (body, text) in [
            (r#"{"Fabric": "Cotton"}"#, "Fabric: Cotton"),
            (
                r#""Sleeve Length: Long Sleeves""#,
                "Sleeve Length: Long Sleeves",
            ),
            ("Fabric: Cotton\n", "Fabric: Cotton"),
            ("Cotton", "Cotton"),
            (r#"{"generated_text": "a shirt"}"#, "a shirt"),
            (r#"[{"generated_text": "Fit: Slim"}]"#, "Fit: Slim"),
            (r#"["Fit: Slim"]"#, "Fit: Slim"),
            ("3", "3"),
            ("null", ""),
            (r#"{"a": 1}"#, ""),
            (r#"{"a": "b", "c": "d"}"#, ""),
            ("", ""),
        ] {
            let answer = read_one(body.as_bytes());
            assert_eq!(
                answer,
                ModelAnswer {
                    text: text.into(),
                    confidence: None
                },
                "{body}"
            );
        }
    }

    #[test]
    fn details_carry_the_confidence() {
        let body = r#"{"generated_text": "Fabric: Cotton", "attribute": "Fabric",
                       "value": "Cotton", "confidence": 0.93, "generated_tokens": 4}"#;
        let answer = read_one(body.as_bytes());
        assert_eq!(answer.confidence, Some(0.93));
        let beyond = read_one(br#"{"generated_text": "x", "confidence": 1.5}"#);
        assert_eq!(beyond.confidence, None);
    }

    #[test]
    fn a_batch_has_one_entry_a_question() {
        let body = br#"[{"Fabric": "Cotton"}, "Fit: Slim"]"#;
        let texts: Vec<String> = read_batch(body, 2)
            .unwrap()
            .into_iter()
            .map(|answer| answer.text)
            .collect();
        assert_eq!(texts, ["Fabric: Cotton", "Fit: Slim"]);
        assert_eq!(read_batch(body, 3), None);
        assert_eq!(read_batch(br#""Fabric: Cotton""#, 1), None);
        assert_eq!(read_batch(b"Fabric: Cotton", 1), None);
    }
}
