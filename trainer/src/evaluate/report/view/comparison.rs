//! The tables of everybody's scores.

use serde::Serialize;

use super::{Cell, Label, Way, cell, label};
use crate::evaluate::measure::{AttributeResults, Estimate};
use crate::evaluate::report::format::difference;

#[derive(Serialize)]
pub(super) struct SummaryRow {
    label: Label,
    source: String,
    accuracy: Cell,
    averages: Vec<AverageCells>,
}

#[derive(Serialize)]
struct AverageCells {
    accuracy: Cell,
    macro_f1: Cell,
    ahead: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ScoreTable {
    title: &'static str,
    rows: Vec<ScoreRow>,
}

#[derive(Serialize)]
struct ScoreRow {
    label: Label,
    cells: Vec<Cell>,
}

pub(super) fn summary_row(way: &Way<'_>) -> SummaryRow {
    let (system, _, results) = way;
    SummaryRow {
        label: label(way),
        source: system.source.clone(),
        accuracy: cell(&results.accuracy),
        averages: results
            .averages
            .iter()
            .map(|average| AverageCells {
                accuracy: cell(&average.accuracy),
                macro_f1: cell(&average.macro_f1),
                ahead: average.model_ahead_macro_f1.as_ref().map(difference),
            })
            .collect(),
    }
}

pub(super) fn score_table(
    title: &'static str,
    ways: &[Way<'_>],
    score: impl Fn(&AttributeResults) -> &Estimate,
) -> ScoreTable {
    let row = |way: &Way<'_>| ScoreRow {
        label: label(way),
        cells: way
            .2
            .attributes
            .iter()
            .map(|attribute| cell(score(attribute)))
            .collect(),
    };
    ScoreTable {
        title,
        rows: ways.iter().map(row).collect(),
    }
}
