//! What there is to see about the evaluated model's own answers.

use minijinja::Value;
use serde::Serialize;

use super::{FREE, HELD};
use crate::evaluate::evaluation::SystemResults;
use crate::evaluate::measure::{AttributeResults, Calibration, Estimate, Results, SelectivePoint};
use crate::evaluate::report::chart;
use crate::evaluate::report::format::percent;

/// All about the evaluated model's answers in one mode.
#[derive(Serialize)]
pub(super) struct AnswerSection {
    mode: &'static str,
    selective: Vec<SelectiveRow>,
    plots: Vec<Plot>,
    confusions: Vec<AttributeMistakes>,
}

#[derive(Serialize)]
struct SelectiveRow {
    name: String,
    questions: u64,
    accuracy: String,
    points: Vec<(String, String)>,
}

#[derive(Serialize)]
struct Plot {
    name: String,
    ece: String,
    svg: Value,
}

#[derive(Serialize)]
struct AttributeMistakes {
    attribute: String,
    outside: u64,
    rows: Vec<MistakeRow>,
}

#[derive(Serialize)]
struct MistakeRow {
    truth: String,
    answer: String,
    count: u64,
    of: u64,
}

pub(super) fn answer_sections(system: &SystemResults) -> Vec<AnswerSection> {
    let free = system.free.iter().map(|results| (FREE, results));
    free.chain([(HELD, &system.held)])
        .map(|(mode, results)| AnswerSection {
            mode,
            selective: selective_rows(results),
            plots: plots(results),
            confusions: results.attributes.iter().map(mistakes).collect(),
        })
        .collect()
}

fn selective_rows(results: &Results) -> Vec<SelectiveRow> {
    let row = |name: &str, questions, accuracy: &Estimate, points: &[SelectivePoint]| {
        let point =
            |point: &SelectivePoint| (percent(Some(point.coverage)), percent(point.accuracy));
        SelectiveRow {
            name: name.to_owned(),
            questions,
            accuracy: percent(accuracy.value),
            points: points.iter().map(point).collect(),
        }
    };
    let all = row(
        "All questions",
        results.questions,
        &results.accuracy,
        &results.selective,
    );
    let attributes = results.attributes.iter().map(|attribute| {
        row(
            &attribute.attribute,
            attribute.questions,
            &attribute.accuracy,
            &attribute.selective,
        )
    });
    std::iter::once(all).chain(attributes).collect()
}

fn plots(results: &Results) -> Vec<Plot> {
    let plot = |name: &str, calibration: &Calibration| Plot {
        name: name.to_owned(),
        ece: percent(Some(calibration.expected_calibration_error)),
        // Made here, its texts escaped.
        svg: Value::from_safe_string(chart::reliability(
            calibration,
            &format!("Reliability of answers: {name}"),
        )),
    };
    let all = results
        .calibration
        .iter()
        .map(|calibration| plot("All questions", calibration));
    let attributes = results
        .attributes
        .iter()
        .filter_map(|attribute| Some(plot(&attribute.attribute, attribute.calibration.as_ref()?)));
    all.chain(attributes).collect()
}

fn mistakes(attribute: &AttributeResults) -> AttributeMistakes {
    let of = |truth: &str| {
        let value = attribute.values.iter().find(|value| value.label == truth);
        value.map_or(0, |value| value.truths)
    };
    AttributeMistakes {
        attribute: attribute.attribute.clone(),
        outside: attribute.outside_vocabulary,
        rows: attribute
            .mistakes
            .iter()
            .map(|mistake| MistakeRow {
                truth: mistake.truth.clone(),
                answer: mistake.answer.clone(),
                count: mistake.count,
                of: of(&mistake.truth),
            })
            .collect(),
    }
}
