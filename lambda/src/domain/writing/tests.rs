use attributes::AttributeSet;
use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::domain::{FormKind, Told, Usage};
use crate::fakes::FakeDescriber;
use crate::settings::Settings;

const TRUE: &str = "A blue cotton shirt.";
const FALSE: &str = "A red cotton shirt.";
const WORSE: &str = "A red linen shirt.";

fn writer(texts: &[&'static str], turn_ms: u64) -> FakeDescriber {
    let describer = FakeDescriber::default();
    describer.texts.lock().unwrap().extend(texts);
    *describer.turn.lock().unwrap() = Duration::from_millis(turn_ms);
    describer
}

fn told() -> Told {
    Told {
        sure: [("Fabric", "Cotton"), ("Colour", "Blue")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        ..Told::default()
    }
}

/// The same, and none of it sure: each may be left out.
fn unsure() -> Told {
    Told {
        hedged: told().sure,
        ..Told::default()
    }
}

/// Has a blue cotton shirt described in ten seconds.
async fn run(describer: &FakeDescriber) -> CheckedDescription {
    run_about(describer, &check(), &told()).await
}

fn check() -> TextCheck {
    let style = Settings::read(|_| None).unwrap().wording.style;
    TextCheck::new(&AttributeSet::embedded(), &style)
}

async fn run_about(
    describer: &FakeDescriber,
    check: &TextCheck,
    told: &Told,
) -> CheckedDescription {
    let subject = Subject {
        noun: "shirt",
        told,
    };
    let wording = Settings::read(|_| None).unwrap().wording;
    write(
        describer,
        check,
        subject,
        &wording.prompt("shirt", &told.sure, &told.hedged),
        Deadline::after(Duration::from_secs(10)),
    )
    .await
    .unwrap()
}

fn turns(describer: &FakeDescriber) -> usize {
    describer.prompts.lock().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn a_text_without_faults_is_written_once() {
    let describer = writer(&[TRUE], 0);
    let description = run(&describer).await;
    assert_eq!(description.written.text, TRUE);
    assert!(description.faults.is_clean());
    assert_eq!(turns(&describer), 1);
}

#[tokio::test(start_paused = true)]
async fn a_text_with_faults_goes_back_once_with_the_reasons() {
    let describer = writer(&[FALSE, TRUE], 0);
    let description = run(&describer).await;
    assert_eq!(description.written.text, TRUE);
    assert!(description.faults.is_clean(), "{:?}", description.faults);
    assert_eq!(
        description.written.usage,
        Usage {
            input_tokens: 14,
            output_tokens: 10,
            cost: None,
        }
    );
    assert!(description.written.warnings.is_empty());
    let prompts = describer.prompts.lock().unwrap();
    assert_eq!(prompts.len(), 2);
    assert_eq!(prompts[0].0.correction, None);
    let correction = prompts[1].0.correction.as_ref().unwrap();
    assert_eq!(correction.written, FALSE);
    assert!(
        correction.request.contains("Blue"),
        "{}",
        correction.request
    );
    assert_eq!(prompts[1].0.user, prompts[0].0.user);
}

#[tokio::test(start_paused = true)]
async fn what_still_fails_is_known_and_not_tried_again() {
    let describer = writer(&[FALSE, FALSE, TRUE], 0);
    let description = run(&describer).await;
    assert_eq!(description.faults.contradicted_attributes(), ["Colour"]);
    assert_eq!(turns(&describer), 2);
}

#[tokio::test(start_paused = true)]
async fn a_text_of_another_form_is_mended_once_and_then_reported() {
    const LINK: &str = "A blue cotton shirt. Buy it at www.example.com now.";
    let describer = writer(&[LINK, TRUE], 0);
    let description = run(&describer).await;
    assert!(description.is_clean(), "{description:?}");
    let request = {
        let prompts = describer.prompts.lock().unwrap();
        prompts[1].0.correction.clone().unwrap().request
    };
    assert!(request.contains("www.example.com"), "{request}");

    let describer = writer(&[LINK, LINK, TRUE], 0);
    let description = run(&describer).await;
    assert_eq!(turns(&describer), 2);
    assert!(!description.is_clean());
    assert_eq!(
        json!(description.wrong_form),
        json!([{"member": "description", "kind": "link", "text": "www.example.com now."}])
    );
}

/// True as far as it goes.
const HALF: &str = "A blue cotton shirt. It goes well with a pair of";

#[tokio::test(start_paused = true)]
async fn half_a_text_is_mended_once_and_then_reported() {
    let describer = writer(&[HALF, TRUE], 0);
    *describer.cut_short.lock().unwrap() = 1;
    let description = run(&describer).await;
    assert_eq!(description.written.text, TRUE);
    assert!(description.is_clean(), "{description:?}");
    let request = {
        let prompts = describer.prompts.lock().unwrap();
        prompts[1].0.correction.clone().unwrap().request
    };
    assert!(request.contains("goes well with a pair of"), "{request}");

    let describer = writer(&[HALF, HALF, TRUE], 0);
    *describer.cut_short.lock().unwrap() = 2;
    let description = run(&describer).await;
    assert_eq!(turns(&describer), 2);
    assert!(!description.is_clean());
    assert_eq!(
        json!(description.wrong_form),
        json!([{"member": "description", "kind": "unfinished", "text": HALF}])
    );
}

#[tokio::test(start_paused = true)]
async fn half_a_true_text_is_worse_than_a_whole_one_with_faults() {
    let describer = writer(&[HALF, WORSE], 0);
    *describer.cut_short.lock().unwrap() = 1;
    let description = run(&describer).await;
    assert_eq!(description.written.text, WORSE);
    assert_eq!(description.faults.contradicted_attributes().len(), 2);
    assert!(!is_unfinished(&description.wrong_form), "{description:?}");
}

#[tokio::test(start_paused = true)]
async fn half_a_listing_is_mended_once_and_then_no_listing() {
    let check = check();
    let told = told();
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    let wording = Settings::read(|_| None).unwrap().wording;
    let prompt = wording.listing_prompt("shirt", &told.sure, &told.hedged);
    let whole: &'static str = Box::leak(listing(TRUE).into_boxed_str());
    let half = &whole[..whole.len() / 2];
    for (texts, cut_short) in [([half, whole], 1), ([half, half], 2), ([whole, whole], 2)] {
        let describer = writer(&texts, 0);
        *describer.cut_short.lock().unwrap() = cut_short;
        let deadline = Deadline::after(Duration::from_secs(10));
        let outcome = write(&describer, &check, subject, &prompt, deadline).await;
        assert_eq!(turns(&describer), 2);
        let prompts = describer.prompts.lock().unwrap();
        let request = &prompts[1].0.correction.as_ref().unwrap().request;
        assert!(request.contains("grew too long"), "{request}");
        match outcome {
            Ok(description) => {
                assert_ne!(texts[1], half);
                assert_eq!(description.is_clean(), cut_short == 1, "{description:?}");
            }
            Err(DescriberError::Unreadable { reason, .. }) => {
                assert_eq!(texts[1], half);
                assert!(reason.contains("grew too long"), "{reason}");
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_far_longer_than_asked_is_not_clean() {
    let long: &'static str = Box::leak(TRUE.repeat(200).into_boxed_str());
    let description = run(&writer(&[long, long], 0)).await;
    assert_eq!(description.wrong_form[0].kind, FormKind::Length);
}

#[derive(Deserialize)]
struct Injection {
    id: String,
    text: String,
    /// What a writer replies that obeys, where there is anything to obey; `{true}` stands for
    /// a true text.
    obeyed: Option<String>,
}

/// The text of each injection, and the reply to it. In nearly half of the replies a true text has
/// something added, so that what is found out is no attribute left out.
fn obeying() -> Vec<(String, String)> {
    let injections = include_str!("../../../tests/data/injections.jsonl");
    let read = |line: &str| -> Injection { serde_json::from_str(line).unwrap() };
    let obeying: Vec<(String, String)> = injections
        .lines()
        .map(read)
        .filter_map(|Injection { id, text, obeyed }| Some((format!("{id}: {text}"), obeyed?)))
        .collect();
    let added = obeying.iter().filter(|(_, reply)| adds(reply)).count();
    assert!(obeying.len() >= 80 && added >= 40, "{added} of {obeying:?}");
    obeying
}

/// Whether a reply adds to a true text.
fn adds(reply: &str) -> bool {
    reply.contains("{true}")
}

/// The attempts are data to the writer. One that takes them for instructions all the same is
/// found out, whether it replaces the text or adds to a true one, also where every attribute
/// may be left out.
#[tokio::test(start_paused = true)]
async fn no_text_of_a_writer_that_obeys_an_injection_gets_out_as_clean() {
    let check = check();
    for told in [told(), unsure()] {
        for (injection, reply) in obeying() {
            let text: &'static str = Box::leak(reply.replace("{true}", TRUE).into_boxed_str());
            let mut description = run_about(&writer(&[text, text], 0), &check, &told).await;
            if adds(&reply) {
                description.faults.unmentioned.clear();
            }
            assert!(!description.is_clean(), "{injection} gives {text}");
        }
    }
}

/// A listing that is true of a blue cotton shirt but for its description.
fn listing(description: &str) -> String {
    json!({
        "title": "Blue Cotton Shirt for Every Day, Every Evening and Every Season",
        "bullets": [
            "A shirt of cotton", "In a blue that goes with much", "For long evenings",
            "For the office", "For every season"
        ],
        "description": description,
        "search_keywords": [
            "blue shirt", "cotton shirt", "blue cotton shirt", "office shirt", "evening shirt"
        ],
        "alt_text": "A blue cotton shirt on a plain background",
        "meta_description":
            "A blue cotton shirt that goes with much, at the office and in long evenings."
    })
    .to_string()
}

/// The same for who writes listings: in the place of one, or in its description.
#[test]
fn no_listing_of_a_writer_that_obeys_an_injection_gets_out_as_clean() {
    let check = check();
    for told in [told(), unsure()] {
        let reader = ListingReader {
            check: &check,
            subject: Subject {
                noun: "shirt",
                told: &told,
            },
        };
        let reasons = reader.read(&listing(TRUE)).reasons();
        assert!(reasons.is_empty(), "{reasons:?}");
        for (injection, reply) in obeying() {
            let text = reply.replace("{true}", TRUE);
            assert!(!reader.read(&text).reasons().is_empty(), "{injection}");
            let ListingDraft::Read(mut read) = reader.read(&listing(&text)) else {
                panic!("{injection} gives what can't be read");
            };
            if adds(&reply) {
                read.faults.unmentioned.clear();
            }
            let is_clean = read.faults.is_clean()
                && read.wrong_script.is_empty()
                && read.wrong_form.is_empty();
            assert!(!is_clean, "{injection} gives {text}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_that_mending_made_worse_does_not_count() {
    let describer = writer(&[FALSE, WORSE], 0);
    let description = run(&describer).await;
    assert_eq!(description.written.text, FALSE);
    assert_eq!(description.written.usage.input_tokens, 14);
}

#[tokio::test(start_paused = true)]
async fn without_time_for_a_second_turn_there_is_none() {
    let describer = writer(&[FALSE, TRUE], 6_000);
    let description = run(&describer).await;
    assert_eq!(description.written.text, FALSE);
    assert_eq!(turns(&describer), 1);
    let warnings = description.written.warnings;
    assert!(warnings[0].contains("no time"), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn mending_leaves_time_for_what_comes_after() {
    let describer = writer(&[FALSE, TRUE], 2_000);
    run(&describer).await;
    let left = describer.prompts.lock().unwrap()[1].1.as_millis();
    assert!((6_900..=7_000).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn a_second_turn_that_fails_leaves_the_first_text() {
    let describer = writer(&[FALSE], 0);
    *describer.mending_error.lock().unwrap() = Some(DescriberError::TimedOut {
        model: "fake-model".into(),
    });
    let description = run(&describer).await;
    assert_eq!(description.written.text, FALSE);
    assert_eq!(description.written.usage.input_tokens, 7);
    let warnings = description.written.warnings;
    assert!(warnings[0].contains("not mended"), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_turn_that_gives_no_text_is_paid_for_as_well() {
    let describer = writer(&[FALSE], 0);
    *describer.mending_error.lock().unwrap() = Some(DescriberError::Refused {
        model: "fake-model".into(),
        reason: "no text".into(),
        usage: Some(Usage {
            input_tokens: 100,
            output_tokens: 50,
            cost: None,
        }),
    });
    let usage = run(&describer).await.written.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens), (107, 55));
}
