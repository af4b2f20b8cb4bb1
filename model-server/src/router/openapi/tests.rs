//! The document against the code that it describes.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::*;
use crate::router::ROUTES;
use crate::router::adapter::ADAPTER;
use crate::router::custom_attributes::{CUSTOM_ATTRIBUTES, MAX_CHARACTERS};
use crate::router::image_cache::IMAGE_CACHE;
use crate::router::invocation::Invocation;
use crate::router::media_type::{IMAGES, JSON, JSON_LINES};
use crate::router::request_id::REQUEST_ID;

fn whole() -> Value {
    document(&GenerationParameters::default(), &Limits::default()).unwrap()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

#[test]
fn it_has_every_route_and_no_other() {
    let mut described = BTreeSet::new();
    for (path, operations) in whole()["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let routes = ROUTES.map(|route| format!("{} {}", route.method, route.path));
    assert_eq!(described, BTreeSet::from(routes));
}

#[test]
fn every_reference_leads_somewhere_and_everything_is_referred_to() {
    fn collect(value: &Value, references: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    references.insert(reference.clone());
                }
                fields.values().for_each(|field| collect(field, references));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
            _ => {}
        }
    }
    let document = whole();
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    let mut components = BTreeSet::new();
    for (kind, members) in document["components"].as_object().unwrap() {
        for name in members.as_object().unwrap().keys() {
            components.insert(format!("#/components/{kind}/{name}"));
        }
    }
    assert_eq!(references, components);
}

#[test]
fn every_parameter_appears_with_its_default() {
    let defaults = GenerationParameters {
        num_beams: 5,
        ..Default::default()
    };
    let document = document(&defaults, &Limits::default()).unwrap();
    let properties = &document["components"]["schemas"]["Parameters"]["properties"];
    assert_eq!(
        keys(properties),
        BTreeSet::from(PARAMETERS.map(|known| known.name.to_owned()))
    );
    assert_eq!(properties["num_beams"]["default"], 5);
    assert_eq!(properties["max_new_tokens"]["maximum"], 256);
    for (name, schema) in properties.as_object().unwrap() {
        assert!(schema.get("default").is_some(), "{name}");
        assert!(
            schema["description"].as_str().unwrap().ends_with('.'),
            "{name}"
        );
    }
}

#[test]
fn the_limits_of_a_request_stand_where_its_author_looks() {
    let limits = Limits::default();
    let document = whole();
    let choices = &document["components"]["schemas"]["Parameters"]["properties"]["choices"];
    let description = choices["description"].as_str().unwrap();
    assert!(description.starts_with("The texts that"), "{description}");
    let together = format!("up to {} together", limits.max_choices_per_request);
    let values = format!("up to {MAX_JSON_VALUES} JSON values");
    for part in [&together, &values] {
        assert!(description.contains(part), "{part}: {description}");
    }

    let grouped = |number: usize| match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    };
    let sentence = format!(
        "A request may have up to {} questions, {} choices a question and {} choices together, \
         and {} JSON values in all",
        grouped(limits.max_prompts),
        grouped(limits.max_choices),
        grouped(limits.max_choices_per_request),
        grouped(MAX_JSON_VALUES)
    );
    let readme = include_str!("../../../../README.md");
    let readme: Vec<&str> = readme.split_whitespace().collect();
    assert!(readme.join(" ").contains(&sentence), "{sentence}");
    // A request at all of these limits is one that is parsed.
    assert!(limits.max_prompts + limits.max_choices_per_request < MAX_JSON_VALUES);
}

/// In other number types they differ within what `blip2`'s tests state.
#[test]
fn equality_in_any_company_is_promised_for_f32() {
    let document = whole();
    let description = document["info"]["description"].as_str().unwrap();
    assert!(description.contains("in f32 an answer is the same alone and in any company"));
}

#[test]
fn bodies_and_answers_are_of_the_kinds_that_are_read_and_written() {
    let components = &whole()["components"];
    let mut read = set(IMAGES);
    read.extend(set([JSON, JSON_LINES[0]]));
    let body = &components["requestBodies"]["Invocation"]["content"];
    assert_eq!(keys(body), read);
    let lines = body[JSON_LINES[0]]["schema"]["description"]
        .as_str()
        .unwrap();
    assert!(
        JSON_LINES[1..].iter().all(|name| lines.contains(name)),
        "{lines}"
    );
    let answers = &components["responses"]["Answers"];
    assert_eq!(keys(&answers["content"]), set([JSON, JSON_LINES[0]]));

    let headers: BTreeSet<String> = keys(&answers["headers"])
        .iter()
        .map(|name| name.to_lowercase())
        .collect();
    let written =
        [REQUEST_ID, IMAGE_CACHE, ADAPTER, CUSTOM_ATTRIBUTES].map(|name| name.to_string());
    assert_eq!(headers, BTreeSet::from(written));
}

#[test]
fn every_error_of_an_invocation_is_described() {
    let document = whole();
    let described = keys(&document["paths"]["/invocations"]["post"]["responses"]);
    let mut expected = set(["200"]);
    for code in ErrorCode::ALL {
        // These are answered where there is no such route.
        if !matches!(code, ErrorCode::NotFound | ErrorCode::MethodNotAllowed) {
            expected.insert(code.contract().0.as_str().to_owned());
        }
    }
    assert_eq!(described, expected);
    let code = &document["components"]["schemas"]["Error"]["properties"]["error"]["properties"];
    let codes = code["code"]["enum"].as_array().unwrap();
    assert!(codes.contains(&json!("invalid_parameter")) && codes.len() == ErrorCode::ALL.len());
}

#[test]
fn its_examples_are_requests() {
    let components = &whole()["components"];
    let defaults = GenerationParameters::default();
    let content = &components["requestBodies"]["Invocation"]["content"];
    let lines = content[JSON_LINES[0]]["example"].as_str().unwrap();
    for body in [&content[JSON]["example"].to_string(), lines] {
        let invocation = Invocation::parse(body.as_bytes(), &defaults).unwrap();
        invocation.parameters.questions(invocation.prompts).unwrap();
    }
    let header = &components["parameters"]["CustomAttributes"];
    let text = header["content"][JSON]["example"].to_string();
    assert!(text.len() <= MAX_CHARACTERS);
    let invocation = Invocation::with_image(Bytes::new(), &text, &defaults).unwrap();
    assert!(invocation.parameters.details);
    let name = &components["schemas"]["Adapter"]["examples"][0];
    let body = json!({"image": "AAAA", "prompt": "a", "adapter": name}).to_string();
    let invocation = Invocation::parse(body.as_bytes(), &defaults).unwrap();
    assert_eq!(invocation.adapter.as_deref(), name.as_str());
}
