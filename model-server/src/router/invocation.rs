//! One request for answers: the JSON of a body, or of a header beside an image.

use blip2::GenerationParameters;
use blip2::unique_json::{self, JsonError};
use bytes::Bytes;
use serde_json::{Map, Value};

use super::adapter::adapter;
use super::field::{Field, describe};
use super::image_field::decode_image;
use super::json_size::{MAX_JSON_VALUES, is_small};
use super::parameters::{InvocationParameters, is_parameter, parse_parameters};
use super::{ApiError, ErrorCode};

/// A request as it was sent, its types right but its content not yet checked
/// against any limit.
#[derive(Debug, PartialEq)]
pub(super) struct Invocation {
    /// The bytes of an image file.
    pub(super) image: Bytes,
    pub(super) prompts: Vec<String>,
    /// Whether it asked with `prompts`, and so gets an array.
    pub(super) wants_array: bool,
    pub(super) parameters: InvocationParameters,
    /// The name of the adapter that is to answer.
    pub(super) adapter: Option<String>,
}

/// Where the JSON of a request stands.
struct Place {
    name: &'static str,
    fields: &'static [&'static str],
    wanted: &'static str,
}

const BODY: Place = Place {
    name: "the body",
    fields: &["image", "prompt", "prompts", "parameters", "adapter"],
    wanted: "send an object with `image` and `prompt` or `prompts`",
};

const LINE: Place = Place {
    name: "the line",
    ..BODY
};

const HEADER: Place = Place {
    name: "the header X-Amzn-SageMaker-Custom-Attributes",
    fields: &["prompt", "prompts", "parameters", "adapter"],
    wanted: "send an object with `prompt` or `prompts`; the image is the body",
};

/// In UTF-8. RFC 8259 lets a parser pass over it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Invocation {
    /// Reads a body of JSON; `defaults` hold for the parameters that it does
    /// not set.
    pub(super) fn parse(
        body: &[u8],
        defaults: &GenerationParameters,
    ) -> Result<Invocation, ApiError> {
        Invocation::with_all(object(body, &BODY)?, defaults)
    }

    /// The same for a line of a body.
    pub(super) fn parse_line(
        line: &[u8],
        defaults: &GenerationParameters,
    ) -> Result<Invocation, ApiError> {
        Invocation::with_all(object(line, &LINE)?, defaults)
    }

    fn with_all(
        mut fields: Map<String, Value>,
        defaults: &GenerationParameters,
    ) -> Result<Invocation, ApiError> {
        // Cheap fields first: a wrong parameter is known before the image is
        // decoded.
        let parameters = parameters(&mut fields, defaults)?;
        let (prompts, wants_array) = prompts(&fields)?;
        let adapter = adapter(&fields)?;
        let image = decode_image(image(&fields)?)?.into();
        Ok(Invocation {
            image,
            prompts,
            wants_array,
            parameters,
            adapter,
        })
    }

    /// The request whose body is `image` and whose other fields are the JSON
    /// of `header`.
    pub(super) fn with_image(
        image: Bytes,
        header: &str,
        defaults: &GenerationParameters,
    ) -> Result<Invocation, ApiError> {
        let mut fields = object(header.as_bytes(), &HEADER)?;
        let parameters = parameters(&mut fields, defaults)?;
        let (prompts, wants_array) = prompts(&fields)?;
        let adapter = adapter(&fields)?;
        Ok(Invocation {
            image,
            prompts,
            wants_array,
            parameters,
            adapter,
        })
    }
}

/// The object that `text` is, all of its fields known.
fn object(text: &[u8], place: &Place) -> Result<Map<String, Value>, ApiError> {
    let Place { name, wanted, .. } = place;
    // Some editors and spreadsheets begin a file with it; it says nothing.
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.iter().all(u8::is_ascii_whitespace) {
        let message = format!("{name} is empty: {wanted}");
        return Err(ApiError::new(ErrorCode::InvalidJson, message));
    }
    if !is_small(text) {
        let message = format!(
            "{name} has more than {MAX_JSON_VALUES} JSON values, prompts and choices included: \
             send several requests with fewer of them; {wanted}"
        );
        return Err(ApiError::new(ErrorCode::InvalidRequest, message));
    }
    let fields = match unique_json::parse(text) {
        Ok(Value::Object(fields)) => fields,
        Ok(other) => {
            let message = format!("{name} is {}: {wanted}", describe(&other));
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        Err(JsonError::Malformed(error)) => {
            let message = format!("{name} is no JSON: {error}; {wanted}");
            return Err(ApiError::new(ErrorCode::InvalidJson, message));
        }
        Err(JsonError::Repeated(key)) => {
            let message = format!(
                "{name} has an object with the key `{key}` twice, and which of the values is \
                 meant cannot be told: keep one of them"
            );
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
    };
    let is_known = |field: &String| place.fields.contains(&field.as_str());
    match fields.keys().find(|field| !is_known(field)) {
        Some(unknown) => Err(unknown_field(unknown, place)),
        None => Ok(fields),
    }
}

fn parameters(
    fields: &mut Map<String, Value>,
    defaults: &GenerationParameters,
) -> Result<InvocationParameters, ApiError> {
    let parameters = fields.remove("parameters").unwrap_or_default();
    parse_parameters(&parameters, defaults)
}

fn image(fields: &Map<String, Value>) -> Result<&str, ApiError> {
    const EXPECTED: &str = "a string: the bytes of a JPEG, PNG or WebP as base64";
    let value = fields.get("image").ok_or_else(|| {
        ApiError::new(
            ErrorCode::InvalidRequest,
            format!("`image` is missing; it must be {EXPECTED}"),
        )
    })?;
    Field::new("image", value, ErrorCode::InvalidRequest).text(EXPECTED)
}

/// The questions, and whether they were asked with `prompts`.
fn prompts(fields: &Map<String, Value>) -> Result<(Vec<String>, bool), ApiError> {
    let given = |name: &'static str| {
        fields
            .get(name)
            .filter(|value| !value.is_null())
            .map(|value| Field::new(name, value, ErrorCode::InvalidRequest))
    };
    match (given("prompt"), given("prompts")) {
        (Some(prompt), None) => {
            let prompt = prompt.text("a string; several questions go into `prompts`")?;
            Ok((vec![prompt.to_owned()], false))
        }
        (None, Some(prompts)) => {
            let prompts = prompts
                .items("an array of strings; one question goes into `prompt`")?
                .iter()
                .map(|prompt| prompt.text("a string").map(str::to_owned))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((prompts, true))
        }
        (Some(_), Some(_)) => Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "both `prompt` and `prompts` are given: keep one of them",
        )),
        (None, None) => Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "no question is given: add `prompt` (a string) or `prompts` (an array of strings)",
        )),
    }
}

fn unknown_field(field: &str, place: &Place) -> ApiError {
    let message = if is_parameter(field) {
        format!("`{field}` belongs into `parameters`")
    } else {
        let (known, wanted) = (place.fields.join(", "), place.wanted);
        format!(
            "unknown field `{field}` in {}; known are {known}: {wanted}",
            place.name
        )
    };
    ApiError::new(ErrorCode::InvalidRequest, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &[u8]) -> Result<Invocation, ApiError> {
        Invocation::parse(body, &GenerationParameters::default())
    }

    fn message(body: &str) -> String {
        parse(body.as_bytes()).unwrap_err().message().to_owned()
    }

    #[test]
    fn one_question() {
        let body = br#"{"image": "AAAA", "prompt": "What?", "prompts": null}"#;
        let invocation = parse(body).unwrap();
        assert_eq!(invocation.image, [0, 0, 0].as_slice());
        assert_eq!(invocation.prompts, ["What?"]);
        assert!(!invocation.wants_array);
        assert_eq!(invocation.parameters, InvocationParameters::default());
    }

    #[test]
    fn several_questions_and_one_in_an_array() {
        let body = br#"{"prompts": ["a", "b"], "image": "AAAA", "parameters": {"details": true}}"#;
        let invocation = parse(body).unwrap();
        assert_eq!(invocation.prompts, ["a", "b"]);
        assert!(invocation.wants_array && invocation.parameters.details);
        assert_eq!(invocation.adapter, None);
        let named = br#"{"image": "AAAA", "prompt": "a", "adapter": "dresses"}"#;
        assert_eq!(parse(named).unwrap().adapter.as_deref(), Some("dresses"));
        let one = parse(br#"{"prompts": ["a"], "image": "AAAA"}"#).unwrap();
        assert!(one.wants_array);
    }

    #[test]
    fn a_byte_order_mark_says_nothing() {
        let text = r#"{"image": "AAAA", "prompt": "a"}"#;
        let marked = format!("\u{feff}{text}");
        let plain = parse(text.as_bytes()).unwrap();
        assert_eq!(parse(marked.as_bytes()).unwrap(), plain);
        let defaults = GenerationParameters::default();
        let line = Invocation::parse_line(marked.as_bytes(), &defaults).unwrap();
        assert_eq!(line, plain);
        assert!(message("\u{feff}").contains("the body is empty"));
        assert!(message(&format!("\u{feff}{marked}")).contains("no JSON"));
    }

    #[test]
    fn every_wrong_body_says_what_to_mend() {
        for (body, part) in [
            ("", "the body is empty"),
            (" \n", "the body is empty"),
            ("{", "the body is no JSON: EOF"),
            (
                "{'image': 1}",
                "the body is no JSON: key must be a string at line 1 column 2",
            ),
            (
                r#"{"image": NaN}"#,
                "the body is no JSON: expected value at line 1 column 11",
            ),
            (r#"{"parameters": {"top_p": 1e999}}"#, "number out of range"),
            ("[]", "the body is an array: send an object"),
            ("\"x\"", "the body is a string: send an object"),
            ("{}", "no question is given"),
            (r#"{"prompt": "a"}"#, "`image` is missing"),
            (
                r#"{"image": null, "prompt": "a"}"#,
                "`image` must be a string",
            ),
            (
                r#"{"image": 5, "prompt": "a"}"#,
                "`image` must be a string: the bytes",
            ),
            (r#"{"image": ["x"], "prompt": "a"}"#, "not an array"),
            (r#"{"image": "AAAA"}"#, "no question is given"),
            (
                r#"{"image": "AAAA", "prompt": "a", "prompts": ["b"]}"#,
                "keep one of them",
            ),
            (r#"{"image": "AAAA", "prompt": ["a"]}"#, "go into `prompts`"),
            (r#"{"image": "AAAA", "prompts": "a"}"#, "goes into `prompt`"),
            (
                r#"{"image": "AAAA", "prompts": ["a", 7]}"#,
                "`prompts[1]` must be a string, not 7",
            ),
            (
                r#"{"image": "AAAA", "promt": "a"}"#,
                "unknown field `promt` in the body; known are image, prompt, prompts, parameters, adapter",
            ),
            (
                r#"{"image": "AAAA", "prompt": "a", "num_beams": 2}"#,
                "belongs into `parameters`",
            ),
            (
                r#"{"image": "AAAA", "prompt": "a", "adapter": 7}"#,
                "`adapter` must be a string",
            ),
            (r#"{"image": "!", "prompt": "a"}"#, "`image` is no base64"),
            (
                r#"{"image": "AAAA", "prompt": "a", "prompt": "b"}"#,
                "the body has an object with the key `prompt` twice",
            ),
            (
                r#"{"image": "AAAA", "prompt": "a", "parameters": {"top_k": 1, "top_k": 2}}"#,
                "`top_k` twice",
            ),
            (
                r#"{"image": "AAAA", "prompt": "a", "parameters": {"choices": {"Fit": ["Slim Fit"], "Fit": null}}}"#,
                "`Fit` twice",
            ),
        ] {
            assert!(message(body).contains(part), "{body}: {}", message(body));
        }
    }

    #[test]
    fn an_image_with_the_rest_in_a_header() {
        let image = Bytes::from_static(b"\xff\xd8");
        let read = |header| {
            let defaults = GenerationParameters::default();
            Invocation::with_image(image.clone(), header, &defaults)
        };
        let invocation =
            read(r#"{"prompts": ["a", "\u00e9?"], "parameters": {"details": true}}"#).unwrap();
        assert_eq!(invocation.image, image);
        assert_eq!(invocation.prompts, ["a", "é?"]);
        assert!(invocation.wants_array && invocation.parameters.details);
        assert!(!read(r#"{"prompt": "a"}"#).unwrap().wants_array);
        let named = read(r#"{"prompt": "a", "adapter": "dresses"}"#).unwrap();
        assert_eq!(named.adapter.as_deref(), Some("dresses"));

        for (header, part) in [
            (
                "",
                "Custom-Attributes is empty: send an object with `prompt`",
            ),
            ("trace=7", "Custom-Attributes is no JSON"),
            ("7", "Custom-Attributes is 7: send an object"),
            ("{}", "no question is given"),
            (
                r#"{"prompt": "a", "image": "AAAA"}"#,
                "the image is the body",
            ),
            (
                r#"{"prompt": "a", "top_k": 3}"#,
                "belongs into `parameters`",
            ),
            (
                r#"{"prompt": "a", "prompt": "a"}"#,
                "Custom-Attributes has an object with the key `prompt` twice",
            ),
            (
                r#"{"prompt": "a", "parameters": {"top_k": "x"}}"#,
                "`parameters.top_k` must be",
            ),
        ] {
            let error = read(header).unwrap_err();
            assert!(
                error.message().contains(part),
                "{header}: {}",
                error.message()
            );
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let body = |depth| format!(r#"{{"parameters": {}"#, "[".repeat(depth));
        assert!(message(&body(1_000)).contains("recursion limit exceeded"));
        assert!(message(&body(1_000_000)).contains("more than 10000 JSON values"));
    }

    #[test]
    fn bytes_that_are_no_text_are_an_error() {
        let error = parse(b"{\"image\": \"\xff\xfe\"}").unwrap_err();
        assert!(error.message().contains("no JSON"), "{}", error.message());
    }
}
