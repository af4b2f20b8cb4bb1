//! `blip2-mini` on real photographs, against what transformers answers with it.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod common;

use blip2::{Blip2, GenerationParameters, LoadOptions, photo};
use common::{data, mini, shared};

const MAX_PIXELS: u64 = 100_000_000;

#[derive(serde::Deserialize)]
struct Stored {
    answers: Vec<Product>,
}

#[derive(serde::Deserialize)]
struct Product {
    photo: String,
    qa: Vec<(String, String)>,
}

#[test]
fn at_least_99_percent_of_the_answers_are_those_of_transformers() {
    let Some(folder) = shared("kaggle") else {
        return;
    };
    let stored: Stored =
        serde_json::from_slice(&std::fs::read(data("blip2-mini-answers.json")).unwrap()).unwrap();
    let model = Blip2::load(&mini(), &LoadOptions::default()).unwrap();
    let parameters = GenerationParameters {
        max_new_tokens: 12,
        ..Default::default()
    };
    let (mut photos, mut equal, mut different) = (0, 0, Vec::new());
    for product in &stored.answers {
        let bytes = std::fs::read(folder.join(&product.photo)).unwrap();
        let picture = photo::decode(&bytes, MAX_PIXELS).unwrap();
        let features = model
            .encode_images(&[model.preprocess(&picture).unwrap()])
            .unwrap();
        let prompts: Vec<String> = product
            .qa
            .iter()
            .map(|(question, _)| format!("Question: {question} Answer: "))
            .collect();
        let answers = model.generate(&features, &prompts, &parameters).unwrap();
        photos += 1;
        for ((question, reference), answer) in product.qa.iter().zip(&answers) {
            if &answer.text == reference {
                equal += 1;
            } else {
                different.push(format!(
                    "{} {question} {reference} / {}",
                    product.photo, answer.text
                ));
            }
        }
    }
    println!("{photos} photographs, {equal} answers equal, different: {different:#?}");
    assert!(photos >= 100);
    let all = equal + different.len();
    assert!(equal * 100 >= all * 99, "{equal} of {all}: {different:#?}");
}

#[test]
fn real_camera_files_decode() {
    let Some(folder) = shared("kaggle/images_full") else {
        return;
    };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let picture = photo::decode(&std::fs::read(&path).unwrap(), MAX_PIXELS)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(
            picture.width() > 300 && picture.height() > 300,
            "{}",
            path.display()
        );
        count += 1;
    }
    println!("{count} files");
    assert!(count >= 60);
}
