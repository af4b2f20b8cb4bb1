//! Answers that are held to given texts, against what transformers computes
//! (`tests/reference/choices.json`, written by `choices.py` beside it).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::path::Path;
use std::sync::Arc;

use blip2::{
    Blip2, Chosen, GenerationParameters, LoadOptions, NumberType, Outcome, Question, Task, photo,
};
use candle_core::{IndexOp, Tensor};
use common::{answer_all, data, expected, mini, reference};

const MAX_PIXELS: u64 = 1 << 24;

/// How far the logarithm of a text's probability may be off.
const TOLERANCE: f64 = 1e-3;

#[derive(serde::Deserialize)]
struct Stored {
    tiny: Vec<Asked>,
    mini: Vec<Asked>,
}

#[derive(serde::Deserialize)]
struct Asked {
    picture: String,
    prompt: String,
    choices: Vec<String>,
    log_probabilities: Vec<f64>,
    token_counts: Vec<usize>,
}

fn stored() -> Stored {
    serde_json::from_slice(&std::fs::read(reference("choices.json")).unwrap()).unwrap()
}

/// The pixel values of a stored picture, exactly those that transformers saw.
fn pixel_values(model: &Blip2, picture: &str) -> Tensor {
    if picture == "photo" {
        return expected()["pixel_values_png"].i(0).unwrap();
    }
    let bytes = std::fs::read(reference(picture).with_extension("png")).unwrap();
    model
        .preprocess(&photo::decode(&bytes, MAX_PIXELS).unwrap())
        .unwrap()
}

fn question(model: &Blip2, asked: &Asked) -> Question {
    let pixel_values = pixel_values(model, &asked.picture);
    Question {
        image_features: model.encode_images(&[pixel_values]).unwrap().i(0).unwrap(),
        prompt: model.tokenize(&asked.prompt).unwrap(),
        task: Task::Choose(Arc::new(model.choice_tree(&asked.choices).unwrap())),
        adapter: None,
    }
}

fn chosen(outcome: Outcome) -> Chosen {
    match outcome {
        Outcome::Chosen(chosen) => chosen,
        Outcome::Generated(generated) => panic!("held to nothing: {generated:?}"),
    }
}

/// Asks everything alone and everything at once; returns the largest
/// difference from what is stored, which the tests print. It is some 1e-5 to 2e-4,
/// by the processor's order of sums: the most for a text of 164 tokens that `blip2-mini`
/// finds next to impossible (-2235).
fn largest_difference(checkpoint: &Path, asked: &[Asked]) -> f64 {
    let model = Blip2::load(checkpoint, &LoadOptions::default()).unwrap();
    let questions: Vec<Question> = asked.iter().map(|asked| question(&model, asked)).collect();
    let mut answers = answer_all(&model, &questions);
    for question in &questions {
        answers.extend(answer_all(&model, std::slice::from_ref(question)));
    }
    let mut largest = 0f64;
    for (outcome, asked) in answers.into_iter().zip(asked.iter().chain(asked)) {
        let chosen = chosen(outcome);
        assert_eq!(chosen.token_counts, asked.token_counts);
        assert_eq!(chosen.log_probabilities.len(), asked.choices.len());
        for (own, reference) in chosen
            .log_probabilities
            .iter()
            .zip(&asked.log_probabilities)
        {
            let difference = (own - reference).abs();
            // One that is no number is within nothing.
            assert!(
                difference < TOLERANCE,
                "{}: {own}, {reference}",
                asked.prompt
            );
            largest = largest.max(difference);
        }
        let normalised = chosen.normalised();
        assert!((normalised.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
    largest
}

#[test]
fn log_probabilities_of_texts_are_those_of_transformers_with_the_tiny_checkpoint() {
    let asked = stored().tiny;
    let largest = largest_difference(&data("blip2-tiny/checkpoint"), &asked);
    println!(
        "{} questions, largest difference {largest:.1e}",
        asked.len()
    );
}

#[test]
fn log_probabilities_of_texts_are_those_of_transformers_with_a_trained_checkpoint() {
    let asked = stored().mini;
    assert!(asked.len() >= 8);
    let largest = largest_difference(&mini(), &asked);
    println!(
        "{} questions, largest difference {largest:.1e}",
        asked.len()
    );
}

#[test]
fn a_choice_is_as_likely_as_the_same_free_answer() {
    let model = Blip2::load(&mini(), &LoadOptions::default()).unwrap();
    let asked = &stored().mini[0];
    let held = question(&model, asked);
    let free = Question {
        task: Task::Generate(GenerationParameters::default()),
        ..held.clone()
    };
    let answers = answer_all(&model, &[held, free]);
    let Outcome::Generated(free) = &answers[1] else {
        panic!("{answers:?}");
    };
    let chosen = chosen(answers[0].clone());
    let index = asked
        .choices
        .iter()
        .position(|text| *text == free.text)
        .unwrap();
    let held = chosen.log_probabilities[index];
    assert!(
        (held - free.log_probability).abs() < 1e-5,
        "{held} {free:?}"
    );
    assert_eq!(chosen.token_counts[index], free.token_ids.len());
    let likeliest = chosen.normalised().into_iter().fold(0.0, f64::max);
    assert_eq!(chosen.normalised()[index], likeliest);
}

#[test]
fn half_precision_chooses_too() {
    for number_type in [NumberType::Bf16, NumberType::F16] {
        let options = LoadOptions {
            number_type: Some(number_type),
            ..Default::default()
        };
        let model = Blip2::load(&mini(), &options).unwrap();
        let asked = &stored().mini[1];
        let answers = answer_all(&model, &[question(&model, asked)]);
        let all = chosen(answers[0].clone()).log_probabilities;
        for (own, reference) in all.iter().zip(&asked.log_probabilities) {
            assert!((own - reference).abs() < 0.3, "{own} {reference}");
        }
    }
}

#[test]
fn texts_that_cannot_be_told_apart_are_named() {
    let model = Blip2::load(&mini(), &LoadOptions::default()).unwrap();
    let error = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        model.choice_tree(&texts).unwrap_err().to_string()
    };
    // Neither letter is in the vocabulary.
    let equal = error(&["Fabric: 絹", "Fabric: Cotton", "Fabric: 綿"]);
    assert!(equal.contains("`Fabric: 絹` and `Fabric: 綿`"), "{equal}");
    assert!(error(&[]).contains("no choices"));
    for empty in ["", " ", "\n"] {
        assert!(error(&["Fabric: Silk", empty]).contains("choice 2 is empty"));
    }
    let tree = model
        .choice_tree(&["Fabric: Silk".to_owned(), "Fabric: Cotton".to_owned()])
        .unwrap();
    assert_eq!((tree.len(), tree.token_counts().len()), (2, 2));
    assert!(tree.nodes() < tree.token_counts().iter().sum());
}
