//! The result of an evaluation: what `evaluation.json` holds and the reports
//! show.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;

use super::inputs::Inputs;
use super::measure::{LEVEL, Method, Results, Series, measure};
use super::options::EvaluateArgs;
use super::systems::{Answers, Kind};

/// The number of this form of `evaluation.json`; it changes when a field
/// changes its name or meaning.
pub const FORMAT: u32 = 1;

/// `evaluation.json`. Shares, probabilities and scores are in [0, 1]; a score
/// that is not defined, such as one over no questions, is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// [`FORMAT`].
    pub format: u32,
    /// What the evaluated model is called.
    pub model: String,
    /// What it was evaluated on.
    pub data: Data,
    /// How it was measured.
    pub method: Measurement,
    /// Everybody who answered; the first one is what is evaluated.
    pub systems: Vec<SystemResults>,
}

/// What the model was evaluated on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Data {
    /// The file of questions.
    pub file: String,
    /// Products that everybody could see.
    pub products: u64,
    /// Questions about them whose truth is known.
    pub questions: u64,
    /// The file of questions whose truth is NA, where one was given.
    pub na_file: Option<String>,
    /// Questions about them whose truth is NA.
    pub questions_without_truth: u64,
    /// Rows of the files that repeat another, and were counted once.
    pub repeated_rows: u64,
    /// Products left out because their photo can't be used.
    pub unusable_photos: Vec<UnusablePhoto>,
    /// The file of training questions, where one was given.
    pub training_file: Option<String>,
    /// Products that the nearest neighbours were found among.
    pub training_products: u64,
    /// Training products left out because their photo can't be used.
    pub unusable_training_photos: Vec<UnusablePhoto>,
    /// Products of the test that are in the training file as well, which makes
    /// scores too good.
    pub products_in_training: u64,
}

/// A photo that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnusablePhoto {
    /// The product's id.
    pub id: String,
    /// Why not.
    pub reason: String,
}

/// How it was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Where the values come from that answers were held to.
    pub vocabulary: String,
    /// How many values there are, by attribute.
    pub vocabulary_values: IndexMap<String, u64>,
    /// Confidences under which answers are withheld.
    pub thresholds: Vec<f64>,
    /// Resamples of the products behind the intervals.
    pub resamples: u64,
    /// What decided them.
    pub seed: u64,
    /// The share of resamples that lie in an interval.
    pub interval_level: f64,
    /// Neighbours that vote.
    pub neighbours: u64,
}

/// An answerer and how good it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SystemResults {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from: a folder, a URL, the training file.
    pub source: String,
    /// Its free answers; none of baselines.
    pub free: Option<Results>,
    /// Its answers that are held to the vocabulary. Those of a baseline are
    /// values of training.
    pub held: Results,
}

impl Evaluation {
    /// Measures all answers, on the products that everybody could see.
    #[must_use]
    pub fn of(args: &EvaluateArgs, inputs: &Inputs, answers: &Answers) -> Evaluation {
        let test = &inputs.test;
        let asked = usable_items(inputs, answers);
        let (series, places) = series(answers);
        let method = Method {
            thresholds: &args.thresholds,
            resamples: args.bootstrap,
            seed: args.seed,
            averages: &inputs.averages,
            vocabulary: &inputs.vocabulary,
        };
        let mut results: Vec<Option<Results>> = measure(test, &asked, &series, &method)
            .into_iter()
            .map(Some)
            .collect();
        let systems = answers
            .systems
            .iter()
            .zip(places)
            .filter_map(|(system, (free, held))| {
                Some(SystemResults {
                    name: system.name.clone(),
                    kind: system.kind,
                    source: system.source.clone(),
                    free: free.and_then(|place| results[place].take()),
                    held: results[held].take()?,
                })
            })
            .collect();
        Evaluation {
            format: FORMAT,
            model: args.model_name(),
            data: data(args, inputs, answers, &asked),
            method: measurement(args, inputs),
            systems,
        }
    }
}

/// The places of the items whose photo everybody could use.
#[must_use]
pub fn usable_items(inputs: &Inputs, answers: &Answers) -> Vec<usize> {
    let items = inputs.test.items.iter().enumerate();
    items
        .filter(|(_, item)| !answers.unusable.contains_key(&item.product))
        .map(|(place, _)| place)
        .collect()
}

/// All series, and of each system the places of its free and held ones. What is
/// compared with a free series of the first system is another's free series;
/// baselines, which are held to values by nature, go with the held one.
fn series(answers: &Answers) -> (Vec<Series>, Vec<(Option<usize>, usize)>) {
    let mut series: Vec<Series> = Vec::new();
    let mut places: Vec<(Option<usize>, usize)> = Vec::new();
    for system in &answers.systems {
        let first = places.first().copied();
        let free = system.free.as_ref().map(|free| {
            series.push(Series {
                answers: free.clone(),
                compared_with: first.and_then(|(free, _)| free),
            });
            series.len() - 1
        });
        series.push(Series {
            answers: system.held.clone(),
            compared_with: first.map(|(_, held)| held),
        });
        places.push((free, series.len() - 1));
    }
    (series, places)
}

fn data(args: &EvaluateArgs, inputs: &Inputs, answers: &Answers, asked: &[usize]) -> Data {
    let test = &inputs.test;
    let products: BTreeSet<usize> = asked
        .iter()
        .map(|&place| test.items[place].product)
        .collect();
    let known = asked
        .iter()
        .filter(|&&place| test.items[place].truth.is_some())
        .count();
    let photo = |(id, reason): (&String, &String)| UnusablePhoto {
        id: id.clone(),
        reason: reason.clone(),
    };
    Data {
        file: args.data.display().to_string(),
        products: products.len() as u64,
        questions: known as u64,
        na_file: args.na_data.as_ref().map(|path| path.display().to_string()),
        questions_without_truth: (asked.len() - known) as u64,
        repeated_rows: inputs.repeated_rows,
        unusable_photos: answers
            .unusable
            .iter()
            .map(|(&product, reason)| photo((&test.products[product], reason)))
            .collect(),
        training_file: args
            .train_data
            .as_ref()
            .map(|path| path.display().to_string()),
        training_products: answers.neighbours as u64,
        unusable_training_photos: answers.unusable_training.iter().map(photo).collect(),
        products_in_training: inputs.products_in_training() as u64,
    }
}

fn measurement(args: &EvaluateArgs, inputs: &Inputs) -> Measurement {
    let values = inputs
        .vocabulary
        .choices
        .iter()
        .map(|choices| choices.len() as u64);
    Measurement {
        vocabulary: inputs.vocabulary.source.clone(),
        vocabulary_values: inputs.test.attributes.iter().cloned().zip(values).collect(),
        thresholds: args.thresholds.clone(),
        resamples: args.bootstrap as u64,
        seed: args.seed,
        interval_level: LEVEL,
        neighbours: args.neighbours,
    }
}
