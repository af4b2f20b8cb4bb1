//! A small evaluation for the tests of what is made from one. Its names try to
//! break out of HTML, YAML and Markdown.

use super::data::{Choice, Item, TestSet, Vocabulary};
use super::evaluation::{Data, Evaluation, FORMAT, Measurement, SystemResults, UnusablePhoto};
use super::judged::{Judged, Said};
use super::measure::{LEVEL, Method, Series, measure};
use super::systems::Kind;

/// Four products, one of them without a true value; the model is right twice,
/// the baseline once.
pub fn evaluation() -> Evaluation {
    let truths = [Some("Cotton"), Some("Silk"), Some("<b>Silk</b>"), None];
    let test = TestSet {
        products: ["1", "2", "3", "4"].map(str::to_owned).to_vec(),
        attributes: vec!["Fabric".to_owned()],
        items: truths
            .iter()
            .enumerate()
            .map(|(product, truth)| Item {
                product,
                attribute: 0,
                question: "?".to_owned(),
                truth: truth.map(str::to_owned),
            })
            .collect(),
    };
    let vocabulary = Vocabulary {
        choices: vec![vec![Choice {
            text: "Fabric: Cotton".to_owned(),
            value: "Cotton".to_owned(),
        }]],
        source: "vqa_train.csv".to_owned(),
    };
    let answers = |texts: [&str; 4]| {
        let judged = |text: &str| Judged {
            said: Said::Value(text.to_owned()),
            confidence: 0.75,
        };
        texts.map(|text| Some(judged(text))).to_vec()
    };
    let series = [
        (["Cotton", "Silk", "Cotton", "Silk"], None),
        (["Cotton", "Silk", "Silk", "Silk"], None),
        (["Cotton"; 4], Some(1)),
    ]
    .map(|(texts, compared_with)| Series {
        answers: answers(texts),
        compared_with,
    });
    let method = Method {
        thresholds: &[0.5],
        resamples: 10,
        seed: 42,
        averages: &[vec![0]],
        vocabulary: &vocabulary,
    };
    let mut results = measure(&test, &[0, 1, 2, 3], &series, &method).into_iter();
    let mut next = || results.next().unwrap();
    Evaluation {
        format: FORMAT,
        model: "mini \"<script>\"\n---".to_owned(),
        data: Data {
            file: "some/folder/vqa_test.csv".to_owned(),
            products: 4,
            questions: 3,
            na_file: None,
            questions_without_truth: 1,
            repeated_rows: 0,
            unusable_photos: vec![UnusablePhoto {
                id: "5".to_owned(),
                reason: "<no photo>".to_owned(),
            }],
            training_file: None,
            training_products: 0,
            unusable_training_photos: Vec::new(),
            products_in_training: 2,
        },
        method: Measurement {
            vocabulary: vocabulary.source.clone(),
            vocabulary_values: [("Fabric".to_owned(), 1)].into_iter().collect(),
            thresholds: vec![0.5],
            resamples: 10,
            seed: 42,
            interval_level: LEVEL,
            neighbours: 5,
        },
        systems: vec![
            SystemResults {
                name: "mini".to_owned(),
                kind: Kind::Model,
                source: "models/mini".to_owned(),
                free: Some(next()),
                held: next(),
            },
            SystemResults {
                name: "constant | answer".to_owned(),
                kind: Kind::Constant,
                source: "vqa_train.csv".to_owned(),
                free: None,
                held: next(),
            },
        ],
    }
}
