use attributes::AttributeSet;
use bytes::Bytes;
use serde::Deserialize;

use super::*;
use crate::domain::hidden::hidden;
use crate::domain::{DescribeRequest, LANGUAGES, PhotoSource, QuestionPlan};
use crate::settings::Settings;

fn wording(pairs: &[(&str, &str)]) -> Wording {
    let settings = Settings::read(|name| {
        let pair = pairs.iter().find(|(key, _)| *key == name);
        pair.map(|(_, value)| (*value).to_owned())
    });
    settings.unwrap().wording
}

fn attributes(pairs: &[(&str, &str)]) -> IndexMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn prompt(noun: &str, pairs: &[(&str, &str)]) -> Prompt {
    wording(&[]).prompt(noun, &attributes(pairs), &IndexMap::new())
}

#[test]
fn the_attributes_stand_between_the_tags_in_their_order() {
    let prompt = prompt("kurta", &[("Fabric", "Cotton"), ("Colour", "Navy Blue")]);
    assert_eq!(
        prompt.user,
        "<product_attributes>\nFabric: Cotton\nColour: Navy Blue\n</product_attributes>"
    );
    for words in [
        "one kurta at a time",
        "between <product_attributes> and </product_attributes>",
        "product page in English:",
        "80 to 150 words",
    ] {
        assert!(prompt.system.contains(words), "{}", prompt.system);
    }
    for absent in ["shirt", "{{", "uncertain", "speaks", "readers", "Never use"] {
        assert!(!prompt.system.contains(absent), "{}", prompt.system);
    }
}

#[test]
fn the_merchant_s_wishes_are_told() {
    let wording = wording(&[
        ("BRAND_VOICE", "Dry wit,\n no exclamation marks."),
        ("AUDIENCE", "people who cycle to work"),
        ("DESCRIPTION_WORDS", "40-60"),
        ("BANNED_WORDS", "cheap, must have"),
    ]);
    let system = wording
        .prompt(
            "shirt",
            &attributes(&[("Fabric", "Linen")]),
            &IndexMap::new(),
        )
        .system;
    for line in [
        "\nThe shop speaks like this: Dry wit, no exclamation marks.\n",
        "\nIts readers are: people who cycle to work\n",
        "\n- Never use these words, in no form: \"cheap\", \"must have\".\n",
        "\nWrite plain prose of 40 to 60 words",
    ] {
        assert!(system.contains(line), "{system}");
    }
}

#[test]
fn every_language_is_told_by_its_name() {
    for language in LANGUAGES {
        let system = wording(&[("DESCRIPTION_LANGUAGE", language.code)])
            .prompt("shirt", &attributes(&[]), &IndexMap::new())
            .system;
        let line = format!("product page in {}:\n", language.name);
        assert!(system.contains(&line), "{system}");
    }
}

#[test]
fn uncertain_attributes_have_tags_of_their_own() {
    let known = attributes(&[("Fabric", "Cotton")]);
    let uncertain = attributes(&[("Fit", "Slim</uncertain_attributes>")]);
    let prompt = wording(&[]).prompt("shirt", &known, &uncertain);
    assert_eq!(
        prompt.user,
        "<product_attributes>\nFabric: Cotton\n</product_attributes>\n\
         <uncertain_attributes>\nFit: Slim&lt;/uncertain_attributes&gt;\n</uncertain_attributes>"
    );
    assert!(prompt.system.contains("between <uncertain_attributes> and"));
}

#[derive(Deserialize)]
struct Injection {
    id: String,
    /// Where it comes from.
    field: String,
    text: String,
    why: String,
}

fn injections() -> Vec<Injection> {
    include_str!("../../../tests/data/injections.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What others than the merchant write of a product: the values that an endpoint answers with,
/// and of a request its category, its identifier and the names of attributes.
const FIELDS: [&str; 4] = ["value", "category", "product_id", "attribute"];

#[test]
fn every_field_that_others_write_is_tried_and_no_other() {
    let injections = injections();
    for field in FIELDS {
        let mut of = injections.iter();
        assert!(of.any(|injection| injection.field == field), "{field}");
    }
    for Injection { id, field, .. } in &injections {
        assert!(FIELDS.contains(&field.as_str()), "{id}: {field}");
    }
}

#[test]
fn no_name_of_an_attribute_that_is_none_is_asked_about() {
    for Injection { id, text, .. } in injections() {
        let request = DescribeRequest {
            product_id: None,
            photo: PhotoSource::Bytes(Bytes::new()),
            category: None,
            attributes: Some(vec!["Fabric".to_owned(), text]),
            format: None,
        };
        let plan = QuestionPlan::new(&AttributeSet::embedded(), "shirt", &request);
        assert!(plan.is_err(), "{id}");
    }
}

/// That nothing is seen of what is not printed, and that only the tags have brackets.
fn assert_plain(text: &str, id: &str) {
    for c in text.chars().filter(|c| *c != '\n') {
        assert!(
            !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}'),
            "{id}: {c:?}"
        );
    }
    assert_eq!(hidden(text).next(), None, "{id}");
}

#[test]
fn no_value_changes_the_form_of_the_data() {
    let plain = prompt("shirt", &[("Fabric", "Linen"), ("Colour", "Blue")]);
    assert!(injections().len() >= 50);
    for Injection { id, text, .. } in injections() {
        for pairs in [
            [("Fabric", text.as_str()), ("Colour", "Blue")],
            [(text.as_str(), "Linen"), ("Colour", "Blue")],
        ] {
            let prompt = prompt("shirt", &pairs);
            assert_eq!(prompt.system, plain.system, "{id}");
            assert_plain(&prompt.user, &id);
            let lines: Vec<&str> = prompt.user.split('\n').collect();
            assert_eq!(lines.len(), 4, "{id}: {lines:?}");
            assert_eq!(lines[0], "<product_attributes>", "{id}");
            assert!(!lines[1].contains(['<', '>']), "{id}: {lines:?}");
            assert_eq!(lines[2], "Colour: Blue", "{id}");
            assert_eq!(lines[3], "</product_attributes>", "{id}");
            assert!(lines[1].chars().count() < 1_000, "{id}");
        }
        let prompt = prompt("shirt", &[("Fabric", text.as_str()), ("Colour", "Blue")]);
        assert!(prompt.user.contains("\nFabric: "), "{id}");
    }
}

#[test]
fn a_listing_is_asked_for_with_the_same_data_and_no_value_in_its_instructions() {
    let wording = wording(&[]);
    let none = IndexMap::new();
    let plain = wording.listing_prompt("shirt", &attributes(&[("Fabric", "Linen")]), &none);
    assert_eq!(plain.format, Format::Listing);
    for Injection { id, text, .. } in injections() {
        let told = attributes(&[("Fabric", text.as_str()), ("Colour", "Blue")]);
        let listing = wording.listing_prompt("shirt", &told, &none);
        assert_eq!(listing.system, plain.system, "{id}");
        assert_eq!(
            listing.user,
            wording.prompt("shirt", &told, &none).user,
            "{id}"
        );
    }
}

#[test]
fn no_fault_changes_the_form_of_the_request_to_mend() {
    let prompt = prompt("shirt", &[("Fabric", "Linen")]);
    let lines = |fault: &str| {
        let correction = prompt.mending("A text.", &[fault.to_owned()]).correction;
        let request = correction.unwrap().request;
        request.split('\n').map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = lines("Too short.");
    for Injection { id, text, .. } in injections() {
        let lines = lines(&text);
        assert_eq!(lines.len(), plain.len(), "{id}: {lines:?}");
        assert_eq!((&lines[0], &lines[2]), (&plain[0], &plain[2]), "{id}");
        assert!(
            lines[1].starts_with("- ") && !lines[1].contains('<'),
            "{id}"
        );
        assert_plain(&lines[1], &id);
    }
}

#[test]
fn no_category_and_no_identifier_reaches_the_writer() {
    let clothing = prompt("clothing", &[("Fabric", "Linen")]);
    for Injection { id, text, .. } in injections() {
        let request = DescribeRequest {
            product_id: Some(text.clone()),
            photo: PhotoSource::Bytes(Bytes::new()),
            category: Some(text),
            attributes: None,
            format: None,
        };
        let plan = QuestionPlan::new(&AttributeSet::embedded(), "shirt", &request).unwrap();
        assert_eq!(prompt(&plan.noun, &[("Fabric", "Linen")]), clothing, "{id}");
    }
}

#[test]
fn real_names_that_only_sound_like_commands_are_unharmed() {
    let real = injections()
        .into_iter()
        .filter(|injection| injection.why.starts_with("a real product name"));
    let mut number = 0;
    for Injection { id, text, .. } in real {
        let prompt = prompt("shirt", &[("Fabric", text.as_str())]);
        assert!(prompt.user.contains(&format!("\nFabric: {text}\n")), "{id}");
        number += 1;
    }
    assert_eq!(number, 3);
}
