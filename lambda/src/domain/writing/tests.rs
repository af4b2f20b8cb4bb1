use attributes::AttributeSet;

use super::*;
use crate::domain::{Told, Usage};
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

/// Has a blue cotton shirt described in ten seconds.
async fn run(describer: &FakeDescriber) -> CheckedDescription {
    let told = Told {
        sure: [("Fabric", "Cotton"), ("Colour", "Blue")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into_iter()
            .collect(),
        ..Told::default()
    };
    let subject = Subject {
        noun: "shirt",
        told: &told,
    };
    let wording = Settings::read(|_| None).unwrap().wording;
    write(
        describer,
        &TextCheck::new(&AttributeSet::embedded(), &wording.style),
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
