//! What the template shows, ready to be shown: it only places things.

mod answers;
mod comparison;
mod missing;
mod wrong;

use std::path::Path;

use serde::Serialize;

use self::answers::{AnswerSection, answer_sections};
use self::comparison::{ScoreTable, SummaryRow, score_table, summary_row};
use self::missing::{Missing, missing};
use self::wrong::{WrongCard, wrong_cards};
use super::format::{interval, percent};
use crate::evaluate::evaluation::{Evaluation, SystemResults, UnusablePhoto};
use crate::evaluate::measure::{Estimate, Results};
use crate::evaluate::systems::Kind;
use crate::evaluate::warnings::warnings;
use crate::evaluate::wrong::Wrong;

/// How many unusable photos are listed.
const LISTED: usize = 50;

/// The whole page.
#[derive(Serialize)]
pub struct Page {
    model: String,
    file: String,
    facts: Vec<Fact>,
    warnings: Vec<String>,
    /// What the averages are over, in the order of the columns.
    averages: Vec<String>,
    summary: Vec<SummaryRow>,
    attributes: Vec<String>,
    scores: Vec<ScoreTable>,
    thresholds: Vec<String>,
    answers: Vec<AnswerSection>,
    missing: Vec<Missing>,
    wrong: Vec<WrongCard>,
    wrong_in_all: usize,
    vocabulary: String,
    vocabulary_values: Vec<(String, u64)>,
    resamples: u64,
    seed: u64,
    neighbours: u64,
    unusable: Vec<UnusablePhoto>,
    unusable_more: usize,
}

#[derive(Serialize)]
struct Fact {
    name: &'static str,
    value: String,
    note: String,
}

#[derive(Serialize)]
struct Cell {
    value: String,
    interval: Option<String>,
}

/// A way of answering: a system and a mode.
#[derive(Serialize)]
struct Label {
    name: String,
    mode: &'static str,
    is_model: bool,
}

/// The page of an evaluation.
pub fn page(evaluation: &Evaluation, wrong: &[Wrong], wrong_in_all: usize, images: &Path) -> Page {
    let ways = ways(evaluation);
    let names: Vec<String> = ways
        .first()
        .map(|(_, _, results)| {
            results
                .attributes
                .iter()
                .map(|a| a.attribute.clone())
                .collect()
        })
        .unwrap_or_default();
    let unusable = &evaluation.data.unusable_photos;
    Page {
        model: evaluation.model.clone(),
        file: evaluation.data.file.clone(),
        facts: facts(evaluation),
        warnings: warnings(evaluation),
        averages: ways
            .first()
            .map(|(_, _, results)| results.averages.iter())
            .into_iter()
            .flatten()
            .map(|average| average.attributes.join(", "))
            .collect(),
        summary: ways.iter().map(summary_row).collect(),
        scores: [
            score_table("Macro-F1", &ways, |attribute| &attribute.macro_f1),
            score_table("Accuracy", &ways, |attribute| &attribute.accuracy),
        ]
        .into(),
        attributes: names,
        thresholds: evaluation
            .method
            .thresholds
            .iter()
            .map(|&threshold| percent_whole(threshold))
            .collect(),
        answers: evaluation
            .systems
            .first()
            .map(answer_sections)
            .unwrap_or_default(),
        missing: ways.iter().filter_map(missing).collect(),
        wrong: wrong_cards(wrong, images),
        wrong_in_all,
        vocabulary: evaluation.method.vocabulary.clone(),
        vocabulary_values: evaluation
            .method
            .vocabulary_values
            .iter()
            .map(|(name, count)| (name.clone(), *count))
            .collect(),
        resamples: evaluation.method.resamples,
        seed: evaluation.method.seed,
        neighbours: evaluation.method.neighbours,
        unusable: unusable.iter().take(LISTED).cloned().collect(),
        unusable_more: unusable.len().saturating_sub(LISTED),
    }
}

type Way<'a> = (&'a SystemResults, &'static str, &'a Results);

const FREE: &str = "free";
const HELD: &str = "held to the vocabulary";
const OF_TRAINING: &str = "baseline";

/// All series, in order: of each system the free answers, then the held ones.
fn ways(evaluation: &Evaluation) -> Vec<Way<'_>> {
    let of_system = |system: &'_ SystemResults| match &system.free {
        Some(_) => HELD,
        None => OF_TRAINING,
    };
    evaluation
        .systems
        .iter()
        .flat_map(|system| {
            let free = system
                .free
                .iter()
                .map(move |results| (system, FREE, results));
            free.chain([(system, of_system(system), &system.held)])
        })
        .collect()
}

fn label(&(system, mode, _): &Way<'_>) -> Label {
    Label {
        name: system.name.clone(),
        mode,
        is_model: matches!(system.kind, Kind::Model | Kind::Endpoint),
    }
}

fn cell(estimate: &Estimate) -> Cell {
    Cell {
        value: percent(estimate.value),
        interval: interval(estimate),
    }
}

fn percent_whole(share: f64) -> String {
    format!("{} %", (share * 1000.0).round() / 10.0)
}

fn facts(evaluation: &Evaluation) -> Vec<Fact> {
    let data = &evaluation.data;
    let mut facts = vec![Fact {
        name: "Products",
        value: data.products.to_string(),
        note: format!("with {} questions of known answer", data.questions),
    }];
    let model = evaluation.systems.first();
    for (name, results) in [
        (
            "Macro-F1, free answers",
            model.and_then(|model| model.free.as_ref()),
        ),
        ("Macro-F1, held answers", model.map(|model| &model.held)),
    ] {
        if let Some(average) = results.and_then(|results| results.averages.first()) {
            facts.push(Fact {
                name,
                value: format!("{} %", percent(average.macro_f1.value)),
                note: match interval(&average.macro_f1) {
                    Some(interval) => format!("mean of attributes; 95 %: {interval}"),
                    None => "mean of attributes".to_owned(),
                },
            });
        }
    }
    let calibration = model.and_then(|model| model.free.as_ref()?.calibration.as_ref());
    if let Some(calibration) = calibration {
        facts.push(Fact {
            name: "Calibration error",
            value: format!(
                "{} %",
                percent(Some(calibration.expected_calibration_error))
            ),
            note: "of free answers; 0 is perfect".to_owned(),
        });
    }
    facts
}
