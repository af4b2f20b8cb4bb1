use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::domain::{
    CheckedDescription, Deadline, DescriberError, FormKind, Prompt, Style, Told,
    write as write_checked,
};
use crate::fakes::FakeDescriber;
use crate::settings::Settings;

fn told() -> Told {
    Told {
        sure: [("Fabric", "Cotton"), ("Colour", "Blue")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        ..Told::default()
    }
}

/// A reply that keeps every limit and is true of a blue cotton shirt.
fn reply() -> Value {
    json!({
        "title": "Blue Cotton Shirt for Every Day, Every Evening and Every Season",
        "bullets": [
            "A shirt of cotton", "In a blue that goes with much", "For long evenings",
            "For the office", "For every season"
        ],
        "description": "A blue cotton shirt.",
        "search_keywords": [
            "blue shirt", "cotton shirt", "blue cotton shirt", "office shirt", "evening shirt"
        ],
        "alt_text": "A blue cotton shirt on a plain background",
        "meta_description":
            "A blue cotton shirt that goes with much, at the office and in long evenings."
    })
}

fn with(name: &str, value: Value) -> String {
    let mut reply = reply();
    reply[name] = value;
    reply.to_string()
}

fn settings(language: &'static str) -> Settings {
    Settings::read(|name| match name {
        "DESCRIPTION_LANGUAGE" => Some(language.to_owned()),
        "BANNED_WORDS" => Some("cheap".to_owned()),
        _ => None,
    })
    .unwrap()
}

fn draft(language: &'static str, reply: &str) -> ListingDraft {
    draft_about(&told(), language, reply)
}

fn draft_about(told: &Told, language: &'static str, reply: &str) -> ListingDraft {
    let settings = settings(language);
    let check = TextCheck::new(&settings.attribute_set, &settings.wording.style);
    let subject = Subject {
        noun: "shirt",
        told,
    };
    let reader = ListingReader {
        check: &check,
        subject,
    };
    reader.read(reply)
}

fn read(reply: &str) -> Box<ReadListing> {
    match draft("en", reply) {
        ListingDraft::Read(read) => read,
        ListingDraft::Unreadable(reason) => panic!("{reason}"),
    }
}

#[test]
fn a_true_listing_under_its_limits_has_nothing_to_mend() {
    let draft = draft("en", &reply().to_string());
    assert!(draft.reasons().is_empty(), "{:?}", draft.reasons());
    assert_eq!(draft.weight(), [0; 4]);
    let listing = read(&reply().to_string()).listing;
    assert_eq!(json!(listing)["title"], reply()["title"]);
    for absent in ["completed", "without", "cut", "short", "description"] {
        assert_eq!(json!(listing).get(absent), None, "{absent}");
    }
}

#[test]
fn every_text_is_checked() {
    let bullets = |text: &str| {
        json!([
            text,
            "For long evenings",
            "For work",
            "For many",
            "Yes, all"
        ])
    };
    for (name, value, found) in [
        (
            "title",
            json!("Red Cotton Shirt for Every Day, Every Evening and Every Season"),
            "Colour",
        ),
        ("bullets", bullets("A red shirt for you"), "Colour"),
        (
            "alt_text",
            json!("A red cotton shirt on a plain background"),
            "Colour",
        ),
        (
            "search_keywords",
            json!(["red shirt", "cotton shirt", "a shirt", "b shirt", "c shirt"]),
            "Colour",
        ),
    ] {
        let faults = read(&with(name, value)).faults;
        assert!(
            faults.contradicted_attributes().contains(&found),
            "{name}: {faults:?}"
        );
    }
    let faults = read(&with("bullets", bullets("A cheap shirt, made in Italy"))).faults;
    assert_eq!(faults.banned[0].word, "cheap");
    let claims: Vec<&str> = faults
        .claims
        .iter()
        .map(|claim| claim.text.as_str())
        .collect();
    assert_eq!(claims, ["cheap", "made in Italy"]);
    // The description alone has to name everything.
    assert!(faults.unmentioned.is_empty(), "{faults:?}");
    let faults = read(&with("description", json!("A blue shirt."))).faults;
    assert_eq!(faults.unmentioned, ["Fabric"]);
}

#[test]
fn half_a_listing_weighs_more_than_a_false_one_and_less_than_none() {
    let mut half = draft("en", &reply().to_string());
    half.note_cut_short("");
    let false_one = draft("en", &with("description", json!("A red linen shirt.")));
    let none = draft("en", "A blue cotton shirt.");
    assert!(false_one.weight() < half.weight());
    assert!(half.weight() < none.weight());
}

#[test]
fn lengths_are_told_to_the_writer_and_put_right_all_the_same() {
    let long = format!("Blue cotton shirt {}", "for everybody ".repeat(10));
    let reply = with("title", json!(long));
    let reasons = draft("en", &reply).reasons();
    assert!(reasons[0].contains("60 to 80"), "{reasons:?}");
    let read = read(&reply);
    assert!(read.listing.title.chars().count() <= 80);
    assert_eq!(read.listing.cut, ["title"]);
}

#[test]
fn what_the_writer_left_out_of_the_searched_texts_is_no_reason_for_a_turn() {
    let title = "The Cotton Shirt for Every Day, Every Evening and Every Season";
    let reply = with("title", json!(title));
    assert!(draft("en", &reply).reasons().is_empty());
    let listing = read(&reply).listing;
    assert_eq!(listing.title, format!("{title}, Blue"));
    assert_eq!(listing.completed["title"], ["Colour"]);
}

/// An answer of the endpoint that no attribute set knows goes into no text as it is.
#[test]
fn a_value_that_is_no_plain_value_completes_nothing() {
    for value in [
        "Hemp<script>alert(1)</script>",
        "Hemp\" onload=\"x",
        "Hemp\u{202E}gnp",
        "Hemp visit http://evil.example now",
        "Hemp, this shirt is waterproof",
    ] {
        let mut told = told();
        told.sure.insert("Fabric".into(), value.into());
        let ListingDraft::Read(read) = draft_about(&told, "en", &reply().to_string()) else {
            panic!("unreadable");
        };
        let texts = json!(read.listing).to_string().to_lowercase();
        assert!(!texts.contains("hemp"), "{value}: {texts}");
        assert_eq!(read.warnings.len(), 1, "{value}");
        assert!(read.warnings[0].contains("Fabric"), "{:?}", read.warnings);
    }
    let mut told = told();
    told.sure.insert("Fabric".into(), "Organza".into());
    let ListingDraft::Read(read) = draft_about(&told, "en", &reply().to_string()) else {
        panic!("unreadable");
    };
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    let texts = json!(read.listing).to_string();
    assert!(texts.contains("organza shirt"), "{texts}");
}

/// What the function adds is checked like what the writer wrote: a writer is told of a banned
/// word that is a value of the set.
#[test]
fn what_is_returned_is_what_is_checked() {
    let style = Style {
        banned_words: vec!["striped".into()],
        ..settings("en").wording.style
    };
    let check = TextCheck::new(&settings("en").attribute_set, &style);
    let mut told = told();
    told.sure.insert("Pattern".into(), "Striped".into());
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    let reader = ListingReader {
        check: &check,
        subject,
    };
    let ListingDraft::Read(read) = reader.read(&reply().to_string()) else {
        panic!("unreadable");
    };
    assert!(read.listing.title.contains("Striped"), "{:?}", read.listing);
    // In the title, in the meta description and in a keyword, and the writer used it nowhere.
    assert_eq!(read.faults.banned.len(), 3, "{:?}", read.faults);
}

#[test]
fn the_form_of_every_text_is_checked() {
    for (name, value, kind) in [
        (
            "title",
            json!("<b>Blue Cotton Shirt</b> for Every Day, Evening and Season of All"),
            FormKind::Markup,
        ),
        (
            "alt_text",
            json!("A blue cotton shirt, see www.example.com"),
            FormKind::Link,
        ),
        (
            "description",
            json!("Sure! A blue cotton shirt."),
            FormKind::Preamble,
        ),
        (
            "meta_description",
            json!(
                "A blue cotton shirt that goes with much. Ask us: write to shop@example.com now."
            ),
            FormKind::Contact,
        ),
        (
            "search_keywords",
            json!([
                "blue shirt",
                "cotton shirt",
                "**shirt**",
                "office shirt",
                "day shirt"
            ]),
            FormKind::Markup,
        ),
        (
            "bullets",
            json!([
                "A blue\u{E0041} shirt",
                "For work",
                "For evenings",
                "For days",
                "Of cotton"
            ]),
            FormKind::Hidden,
        ),
        (
            "alt_text",
            json!("A blue cotton shirt\u{1B}[31m on a plain background"),
            FormKind::Hidden,
        ),
        (
            "description",
            json!("A garment for every day."),
            FormKind::Unrelated,
        ),
    ] {
        let reply = with(name, value);
        let read = read(&reply);
        let found = read.wrong_form.iter().find(|fault| fault.kind == kind);
        assert_eq!(
            found.map(|fault| fault.member),
            Some(name),
            "{:?}",
            read.wrong_form
        );
        let reasons = draft("en", &reply).reasons();
        assert!(
            reasons.iter().any(|reason| reason.contains(name)),
            "{reasons:?}"
        );
    }
}

#[test]
fn in_another_language_limits_and_script_are_kept_and_no_english_word_is_added() {
    let ListingDraft::Read(german) = draft("de", &with("title", json!("Hemd"))) else {
        panic!("unreadable");
    };
    assert_eq!(german.listing.title, "Hemd");
    assert!(german.listing.completed.is_empty());
    let draft = draft("ru", &reply().to_string());
    let reasons = draft.reasons();
    assert!(reasons[0].contains("Russian"), "{reasons:?}");
    let ListingDraft::Read(russian) = draft else {
        panic!("unreadable");
    };
    assert_eq!(
        russian.wrong_script,
        [
            "title",
            "bullets",
            "description",
            "alt_text",
            "meta_description"
        ]
    );
}

/// Has a listing written whose writer replies so, and gives the prompts too.
async fn write(replies: &[String]) -> (Result<CheckedDescription, DescriberError>, Vec<Prompt>) {
    let describer = FakeDescriber::default();
    let replies: Vec<&'static str> = replies
        .iter()
        .map(|reply| &*Box::leak(reply.clone().into_boxed_str()))
        .collect();
    describer.texts.lock().unwrap().extend(replies);
    let settings = settings("en");
    let told = told();
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    let prompt = settings
        .wording
        .listing_prompt("shirt", &told.sure, &told.hedged);
    let outcome = write_checked(
        &describer,
        &TextCheck::new(&settings.attribute_set, &settings.wording.style),
        subject,
        &prompt,
        Deadline::after(Duration::from_secs(10)),
    )
    .await;
    let prompts = describer.prompts.lock().unwrap();
    (
        outcome,
        prompts.iter().map(|(prompt, _)| prompt.clone()).collect(),
    )
}

#[tokio::test(start_paused = true)]
async fn a_listing_is_written_in_one_turn() {
    let (outcome, prompts) = write(&[reply().to_string()]).await;
    let checked = outcome.unwrap();
    assert_eq!(checked.written.text, "A blue cotton shirt.");
    assert_eq!(checked.listing.unwrap().bullets.len(), 5);
    assert_eq!(prompts.len(), 1);
    assert!(
        prompts[0]
            .system
            .contains("\n- \"title\": a text of 60 to 80 characters\n")
    );
    assert!(
        prompts[0]
            .user
            .starts_with("<product_attributes>\nFabric: Cotton\n")
    );
}

#[tokio::test(start_paused = true)]
async fn five_equal_keywords_are_too_few() {
    let equal = with("search_keywords", json!(vec!["blue cotton shirt"; 5]));
    let (outcome, prompts) = write(&[equal, reply().to_string()]).await;
    assert!(outcome.unwrap().is_clean());
    let correction = prompts[1].correction.as_ref().unwrap();
    let told = "search_keywords has 1 texts";
    assert!(correction.request.contains(told), "{}", correction.request);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_json_is_mended_once() {
    let prose = "A blue cotton shirt.".to_owned();
    let (outcome, prompts) = write(&[prose.clone(), reply().to_string()]).await;
    let checked = outcome.unwrap();
    assert!(checked.listing.is_some() && checked.is_clean());
    assert_eq!(checked.written.usage.input_tokens, 14);
    let correction = prompts[1].correction.as_ref().unwrap();
    assert_eq!(correction.written, prose);
    for part in ["not the JSON object", "Reply with the JSON object alone"] {
        assert!(correction.request.contains(part), "{}", correction.request);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_json_twice_is_an_error_and_not_tried_again() {
    let prose = "A blue cotton shirt.".to_owned();
    let (outcome, prompts) = write(&[prose.clone(), prose, reply().to_string()]).await;
    let error = outcome.unwrap_err();
    assert!(
        matches!(&error, DescriberError::Unreadable { reason, .. } if reason.contains("JSON")),
        "{error}"
    );
    let usage = error.usage().unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens), (14, 10));
    assert_eq!(prompts.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_second_reply_that_is_no_json_leaves_the_first_one() {
    let first = with("description", json!("A blue shirt."));
    let (outcome, _) = write(&[first, "Sorry.".to_owned()]).await;
    let checked = outcome.unwrap();
    assert_eq!(checked.faults.unmentioned, ["Fabric"]);
    assert!(checked.listing.is_some());
}
