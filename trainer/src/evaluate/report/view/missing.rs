//! Questions whose truth is NA, beside those whose answer is known.

use minijinja::Value;
use serde::Serialize;

use super::{Label, Way, label, percent_whole};
use crate::evaluate::measure::MissingTruth;
use crate::evaluate::report::chart;
use crate::evaluate::report::format::percent;

#[derive(Serialize)]
pub(super) struct Missing {
    label: Label,
    facts: MissingTruth,
    rows: Vec<(String, String, String)>,
    attributes: Vec<MissingAttribute>,
    histogram: Value,
    auroc: String,
    no_value: String,
    known_no_value: String,
    confidence: String,
    known_confidence: String,
}

#[derive(Serialize)]
struct MissingAttribute {
    attribute: String,
    questions: u64,
    confidence: String,
    known_confidence: String,
    auroc: String,
}

pub(super) fn missing(way: &Way<'_>) -> Option<Missing> {
    let facts = way.2.missing_truth.as_ref()?;
    Some(Missing {
        label: label(way),
        rows: facts
            .abstained
            .iter()
            .map(|share| {
                (
                    percent_whole(share.threshold),
                    percent(Some(share.missing)),
                    percent(Some(share.known)),
                )
            })
            .collect(),
        attributes: facts
            .attributes
            .iter()
            .map(|attribute| MissingAttribute {
                attribute: attribute.attribute.clone(),
                questions: attribute.questions,
                confidence: percent(Some(attribute.mean_confidence)),
                known_confidence: percent(Some(attribute.known_mean_confidence)),
                auroc: format!("{:.2}", attribute.auroc),
            })
            .collect(),
        // Made here, its texts escaped.
        histogram: Value::from_safe_string(chart::two_histograms(
            ("known answer", &facts.known_histogram),
            ("NA", &facts.histogram),
            "Confidence where the answer is known and where it is NA",
        )),
        auroc: facts
            .auroc
            .map_or_else(|| "–".to_owned(), |auroc| format!("{auroc:.2}")),
        no_value: percent(Some(facts.no_value)),
        known_no_value: percent(Some(facts.known_no_value)),
        confidence: percent(Some(facts.mean_confidence)),
        known_confidence: percent(facts.known_mean_confidence),
        facts: facts.clone(),
    })
}
