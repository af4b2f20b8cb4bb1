//! The records of Bedrock's batch inference: the bodies of InvokeModel, one a line.
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html>

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::messages;
use crate::domain::{Format, Prompt, WrittenDescription};
use crate::settings::Settings;

/// The record that has a text written, without the end of its line. `id` has letters and
/// digits alone.
pub fn record(id: &str, prompt: &Prompt, settings: &Settings) -> Bytes {
    let max_tokens = match prompt.format {
        Format::Description => settings.max_tokens,
        Format::Listing => settings.listing_max_tokens,
    };
    let body = messages::request(prompt, max_tokens, settings.temperature);
    // What was just written is JSON.
    let input: Value = serde_json::from_slice(&body).unwrap_or_default();
    json!({"recordId": id, "modelInput": input})
        .to_string()
        .into()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    record_id: String,
    /// The answer of InvokeModel; absent where there is an error.
    #[serde(default)]
    model_output: Option<Value>,
}

/// The id and the text of a line of the output. Nothing where there is no whole text: a
/// product is then described as any other. What batch inference costs is in no table, so
/// the text has no price.
pub fn read(line: &str, model: &str) -> Option<(String, WrittenDescription)> {
    let output: Output = serde_json::from_str(line).ok()?;
    let body = output.model_output?.to_string();
    let written = messages::read(body.as_bytes()).ok()?;
    if written.cut_short {
        return None;
    }
    let described = WrittenDescription {
        text: written.text,
        model: model.to_owned(),
        usage: written.usage,
        warnings: Vec::new(),
        is_cut_short: false,
    };
    Some((output.record_id, described))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings::read(|_| None).unwrap()
    }

    fn prompt(format: Format) -> Prompt {
        Prompt {
            system: "Write.".into(),
            user: "<a>\n\"b\"</a>".into(),
            format,
            correction: None,
        }
    }

    #[test]
    fn a_record_is_a_line_with_the_body_of_a_call() {
        for (format, max_tokens) in [(Format::Description, 400), (Format::Listing, 1200)] {
            let line = record("00001a", &prompt(format), &settings());
            assert!(!line.contains(&b'\n'));
            let record: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!(record["recordId"], "00001a");
            let input = &record["modelInput"];
            assert_eq!(input["max_tokens"], max_tokens);
            assert_eq!(input["system"], "Write.");
            assert_eq!(input["messages"][0]["content"][0]["text"], "<a>\n\"b\"</a>");
        }
    }

    #[test]
    fn the_text_of_an_output_is_read_with_its_id() {
        let line = json!({
            "recordId": "00001a",
            "modelInput": {"max_tokens": 400},
            "modelOutput": {
                "content": [{"type": "text", "text": " A shirt.\n"}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 180, "output_tokens": 96}
            }
        });
        let (id, written) = read(&line.to_string(), "claude").unwrap();
        assert_eq!(id, "00001a");
        assert_eq!(written.text, "A shirt.");
        assert_eq!(written.model, "claude");
        assert_eq!(written.usage.input_tokens, 180);
        assert_eq!(written.usage.cost, None);
    }

    #[test]
    fn what_has_no_whole_text_is_nothing() {
        let with_output = |output: Value| json!({"recordId": "1", "modelOutput": output});
        for line in [
            json!({"recordId": "1", "error": {"errorCode": 400, "errorMessage": "no"}}),
            with_output(json!({"content": [], "stop_reason": "end_turn"})),
            with_output(json!({
                "content": [{"type": "text", "text": "A"}], "stop_reason": "max_tokens"
            })),
            json!("text"),
        ] {
            assert_eq!(read(&line.to_string(), "claude"), None, "{line}");
        }
    }
}
