//! A product described by the function in the account: one synchronous invocation.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use describe_product::domain::{Photo, fit};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Trouble, Wanted};
use crate::aws_error;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::photographs::Photograph;

/// The most bytes of the payload of a synchronous invocation.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const MAX_PAYLOAD_BYTES: usize = 6 * 1024 * 1024;

/// What Lambda gives in the place of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionError {
    error_type: Option<String>,
    error_message: Option<String>,
}

/// Has the function `name` describe the product of one photograph. A file goes into the
/// invocation, scaled down where it is too large for one; the function reads objects itself.
///
/// # Errors
/// Why there is no description, with what is known all the same.
pub async fn describe(
    client: &Client,
    name: &str,
    photograph: &Photograph,
    wanted: &Wanted,
    context: &Context,
) -> Result<Value, Trouble> {
    let image = match photograph {
        Photograph::Object(address) => json!({"s3_uri": address.to_string()}),
        Photograph::File(_) => {
            let bytes = photograph.read(context).await?;
            let most = max_photo_bytes(photograph, wanted);
            let photo = fitted(photograph, bytes, most, context).await?;
            json!({"base64": STANDARD.encode(&photo.bytes)})
        }
    };
    let payload = request(photograph, image, wanted).to_string();
    let answer = client
        .invoke()
        .function_name(name)
        .payload(Blob::new(payload))
        .send()
        .await
        .map_err(|error| not_invoked(aws_error::failure(&format!("Invoke {name}"), &error)))?;
    let payload = answer.payload().map(Blob::as_ref).unwrap_or_default();
    read(name, answer.function_error().is_some(), payload)
}

fn not_invoked(failure: Failure) -> Trouble {
    if failure.exit == Exit::NotFound {
        return failure
            .next("the stack's output FunctionName is its name: give it as --function")
            .into();
    }
    failure.into()
}

/// The event of a direct invocation (`events/README.md`).
fn request(photograph: &Photograph, image: Value, wanted: &Wanted) -> Value {
    let mut members = Map::new();
    if let Some(product_id) = photograph.product_id() {
        members.insert("product_id".to_owned(), json!(product_id));
    }
    members.insert("image".to_owned(), image);
    if let Some(category) = &wanted.category {
        members.insert("category".to_owned(), json!(category));
    }
    if let Some(attributes) = &wanted.attributes {
        members.insert("attributes".to_owned(), json!(attributes));
    }
    if let Some(format) = wanted.format {
        members.insert("format".to_owned(), json!(format.name()));
    }
    Value::Object(members)
}

/// What base64 leaves to a photograph in a payload.
fn max_photo_bytes(photograph: &Photograph, wanted: &Wanted) -> usize {
    let around = request(photograph, json!({"base64": ""}), wanted).to_string();
    MAX_PAYLOAD_BYTES.saturating_sub(around.len()) / 4 * 3
}

/// The photograph as it fits into the invocation.
async fn fitted(
    photograph: &Photograph,
    bytes: Bytes,
    most: usize,
    context: &Context,
) -> Outcome<Photo> {
    let wrong = |error: &dyn std::fmt::Display| Failure::usage(format!("{photograph}: {error}"));
    let photo = Photo::read(bytes).map_err(|error| wrong(&error))?;
    let fitted = tokio::task::spawn_blocking(move || fit(photo, most))
        .await
        .map_err(|error| wrong(&error))?
        .map_err(|error| wrong(&error))?;
    if fitted.warning.is_some() {
        context.terminal.say(format!(
            "{photograph} goes to the function scaled to {} × {} pixels: an invocation takes \
             {MAX_PAYLOAD_BYTES} bytes",
            fitted.photo.width, fitted.photo.height
        ));
    }
    Ok(fitted.photo)
}

/// What the function's answer says.
fn read(name: &str, failed: bool, payload: &[u8]) -> Result<Value, Trouble> {
    if failed {
        return Err(read_error(name, payload));
    }
    match serde_json::from_slice::<Value>(payload) {
        Ok(value) if value.get("attributes").is_some() => Ok(value),
        _ => {
            let detail = format!(
                "the function {name} does not answer with a description, but with {}",
                shortened(payload)
            );
            Err(Trouble {
                next: Some("name the function describe-product of your stack as --function".into()),
                ..Trouble::new("not-a-description", detail, Exit::Failed)
            })
        }
    }
}

/// The error of the function, which says a problem as its kind and "title: detail" with
/// further members as JSON behind, or of Lambda itself.
fn read_error(name: &str, payload: &[u8]) -> Trouble {
    let Ok(error) = serde_json::from_slice::<FunctionError>(payload) else {
        let detail = format!("the function {name} failed: {}", shortened(payload));
        return Trouble::new("function-error", detail, Exit::Failed);
    };
    let kind = error.error_type.unwrap_or_else(|| "function-error".into());
    let message = error.error_message.unwrap_or_default();
    // Lambda's own have a dot in their names: "Sandbox.Timedout".
    if kind.contains('.') {
        let next = format!("look into its log: aws logs tail /aws/lambda/{name}");
        let detail = format!("the function {name} ended: {kind}: {message}");
        return Trouble {
            next: Some(next),
            ..Trouble::new(kind, detail, Exit::Failed)
        };
    }
    let may_pass = kind.ends_with("-timed-out") || kind.ends_with("-unavailable");
    let exit = if may_pass {
        Exit::Unavailable
    } else {
        Exit::Failed
    };
    let (detail, members) = parted(&message);
    let step =
        "`lookbook doctor` looks at endpoint, models and bucket; then run the same command again";
    Trouble {
        members: Box::new(members),
        next: may_pass.then(|| step.to_owned()),
        ..Trouble::new(kind, detail, exit)
    }
}

/// A message and the JSON object that it ends with, if it does.
fn parted(message: &str) -> (&str, Map<String, Value>) {
    for (at, _) in message.match_indices(" {") {
        if let Ok(members) = serde_json::from_str(&message[at + 1..]) {
            return (&message[..at], members);
        }
    }
    (message, Map::new())
}

fn shortened(payload: &[u8]) -> String {
    const MOST: usize = 300;
    let text = String::from_utf8_lossy(payload);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use describe_product::domain::Format;

    use super::*;

    fn photograph() -> Photograph {
        "photos/38642.jpg".parse().unwrap()
    }

    #[test]
    fn the_event_is_that_of_a_direct_invocation() {
        let image = || json!({"s3_uri": "s3://bucket/a.jpg"});
        assert_eq!(
            request(&photograph(), image(), &Wanted::default()),
            json!({"product_id": "38642", "image": {"s3_uri": "s3://bucket/a.jpg"}})
        );
        let wanted = Wanted {
            category: Some("kurta".into()),
            attributes: Some(vec!["Fabric".into()]),
            format: Some(Format::Listing),
        };
        let event = request(&photograph(), image(), &wanted);
        assert_eq!(event["category"], "kurta");
        assert_eq!(event["attributes"], json!(["Fabric"]));
        assert_eq!(event["format"], "listing");
    }

    #[test]
    fn the_largest_photo_just_fits_into_an_invocation() {
        let wanted = Wanted::default();
        let most = max_photo_bytes(&photograph(), &wanted);
        let payload = |bytes: usize| {
            let image = json!({"base64": STANDARD.encode(vec![0; bytes])});
            request(&photograph(), image, &wanted).to_string().len()
        };
        assert!(payload(most) <= MAX_PAYLOAD_BYTES);
        assert!(payload(most + 3) > MAX_PAYLOAD_BYTES);
    }

    #[test]
    fn an_answer_is_a_description_or_says_what_it_is_instead() {
        let body = br#"{"attributes": {"Fabric": "Cotton"}}"#;
        assert_eq!(
            read("f", false, body).unwrap()["attributes"]["Fabric"],
            "Cotton"
        );
        for body in [&b"{\"statusCode\": 200}"[..], &b"no JSON"[..]] {
            let trouble = read("f", false, body).unwrap_err();
            assert_eq!(trouble.kind, "not-a-description");
            assert!(trouble.next.unwrap().contains("--function"));
        }
    }

    #[test]
    fn a_problem_of_the_function_keeps_what_is_known_all_the_same() {
        let message = "The description took too long: the model {x} was late \
                       {\"attributes\":{\"Fabric\":\"Cotton\"}}";
        let body = json!({"errorType": "description-timed-out", "errorMessage": message});
        let trouble = read("f", true, body.to_string().as_bytes()).unwrap_err();
        assert_eq!(trouble.kind, "description-timed-out");
        assert_eq!(trouble.exit, Exit::Unavailable);
        assert_eq!(
            trouble.detail,
            "The description took too long: the model {x} was late"
        );
        assert_eq!(trouble.members["attributes"]["Fabric"], "Cotton");
    }

    #[test]
    fn an_error_of_lambda_itself_leads_to_the_log() {
        let body = br#"{"errorType": "Sandbox.Timedout", "errorMessage": "after 60 s"}"#;
        let trouble = read("describe-product", true, body).unwrap_err();
        assert_eq!(trouble.exit, Exit::Failed);
        assert!(
            trouble
                .next
                .unwrap()
                .contains("/aws/lambda/describe-product")
        );
        assert_eq!(read_error("f", b"?").kind, "function-error");
    }
}
