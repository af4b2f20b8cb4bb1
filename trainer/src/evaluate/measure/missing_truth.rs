//! Where the truth is NA: does the answerer know that it does not know?

use serde::Serialize;

use crate::evaluate::data::TestSet;
use crate::evaluate::judged::{Judged, Said};
use crate::scores::mean;

/// Bins of the histograms, of equal width over [0, 1].
pub const HISTOGRAM_BINS: usize = 10;

/// How confidence differs between questions that have no true value and those
/// that have one. An answer without a value counts as confidence 0 throughout.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MissingTruth {
    /// Questions without a true value.
    pub questions: u64,
    /// Questions with one.
    pub known_questions: u64,
    /// The share of questions without a true value whose answer names none
    /// either.
    pub no_value: f64,
    /// The same where there is a true value, which makes it a wrong answer.
    pub known_no_value: f64,
    /// Mean confidence where there is no true value.
    pub mean_confidence: f64,
    /// Mean confidence where there is one.
    pub known_mean_confidence: Option<f64>,
    /// How probable it is that the confidence is higher where there is a true
    /// value than where there is none (ties count half): 0.5 is not knowing at
    /// all, 1 is knowing it always. The area under the ROC curve.
    pub auroc: Option<f64>,
    /// The shares that abstain at each threshold.
    pub abstained: Vec<Share>,
    /// The shares of confidences in ten equal bins, without a true value.
    pub histogram: Vec<f64>,
    /// The same, with one.
    pub known_histogram: Vec<f64>,
    /// The same by attribute, where there is a question of both kinds.
    pub attributes: Vec<AttributeMissing>,
}

/// What abstains at a threshold.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The confidence.
    pub threshold: f64,
    /// The share of questions without a true value that abstain.
    pub missing: f64,
    /// The share of those with one.
    pub known: f64,
}

/// [`MissingTruth`] of one attribute, in short.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeMissing {
    /// Its name.
    pub attribute: String,
    /// Questions without a true value.
    pub questions: u64,
    /// Mean confidence where there is no true value.
    pub mean_confidence: f64,
    /// Mean confidence where there is one.
    pub known_mean_confidence: f64,
    /// The area under the ROC curve.
    pub auroc: f64,
}

/// Compares the items without a truth with those that have one; nothing where
/// there are none without. `items` are those that were asked.
#[must_use]
pub fn missing_truth(
    test: &TestSet,
    items: &[usize],
    answers: &[Option<Judged>],
    thresholds: &[f64],
) -> Option<MissingTruth> {
    let confidence = |&place: &usize| {
        let judged = answers[place].as_ref();
        judged.map_or(0.0, Judged::value_confidence)
    };
    let (known, missing): (Vec<usize>, Vec<usize>) = items
        .iter()
        .partition(|&&place| test.items[place].truth.is_some());
    let of = |places: &[usize]| places.iter().map(confidence).collect::<Vec<f64>>();
    let no_value = |places: &[usize]| {
        let names_none = |&&place: &&usize| {
            let judged = answers[place].as_ref();
            !judged.is_some_and(|judged| matches!(judged.said, Said::Value(_)))
        };
        places.iter().filter(names_none).count() as f64 / places.len().max(1) as f64
    };
    let (known_confidences, confidences) = (of(&known), of(&missing));
    let mean_confidence = mean(confidences.iter().copied())?;
    let attributes = test
        .attributes
        .iter()
        .enumerate()
        .filter_map(|(number, name)| {
            let about = |places: &[usize]| {
                let asked = places
                    .iter()
                    .filter(|&&place| test.items[place].attribute == number);
                asked.map(confidence).collect::<Vec<f64>>()
            };
            let (known, missing) = (about(&known), about(&missing));
            Some(AttributeMissing {
                attribute: name.clone(),
                questions: missing.len() as u64,
                mean_confidence: mean(missing.iter().copied())?,
                known_mean_confidence: mean(known.iter().copied())?,
                auroc: auroc(&known, &missing)?,
            })
        });
    Some(MissingTruth {
        questions: missing.len() as u64,
        known_questions: known.len() as u64,
        no_value: no_value(&missing),
        known_no_value: no_value(&known),
        mean_confidence,
        known_mean_confidence: mean(known_confidences.iter().copied()),
        auroc: auroc(&known_confidences, &confidences),
        abstained: thresholds
            .iter()
            .map(|&threshold| Share {
                threshold,
                missing: share(&confidences, |confidence| confidence < threshold),
                known: share(&known_confidences, |confidence| confidence < threshold),
            })
            .collect(),
        histogram: histogram(&confidences),
        known_histogram: histogram(&known_confidences),
        attributes: attributes.collect(),
    })
}

fn share(values: &[f64], is: impl Fn(f64) -> bool) -> f64 {
    values.iter().filter(|&&value| is(value)).count() as f64 / values.len().max(1) as f64
}

fn histogram(values: &[f64]) -> Vec<f64> {
    let mut counts = vec![0.0; HISTOGRAM_BINS];
    for value in values {
        let place = (value * HISTOGRAM_BINS as f64) as usize;
        counts[place.min(HISTOGRAM_BINS - 1)] += 1.0 / values.len() as f64;
    }
    counts
}

/// The probability that one of `above` is larger than one of `below`, ties
/// counting half (the statistic of Mann and Whitney); none where one is empty.
fn auroc(above: &[f64], below: &[f64]) -> Option<f64> {
    if above.is_empty() || below.is_empty() {
        return None;
    }
    let mut sorted = below.to_vec();
    sorted.sort_by(f64::total_cmp);
    let won = above.iter().map(|value| {
        let less = sorted.partition_point(|other| other < value);
        let no_more = sorted.partition_point(|other| other <= value);
        (less + no_more) as f64 / 2.0
    });
    Some(won.sum::<f64>() / (above.len() as f64 * below.len() as f64))
}

#[cfg(test)]
mod tests {
    use super::super::statistics::tests::series;
    use super::*;

    #[test]
    fn the_area_is_the_share_of_pairs_in_the_right_order() {
        assert_eq!(auroc(&[0.9, 0.8], &[0.1, 0.2]), Some(1.0));
        assert_eq!(auroc(&[0.5], &[0.5]), Some(0.5));
        // Pairs: 0.9 > 0.1, 0.9 > 0.6, 0.3 > 0.1, 0.3 < 0.6.
        assert_eq!(auroc(&[0.9, 0.3], &[0.1, 0.6]), Some(0.75));
        assert_eq!(auroc(&[], &[0.1]), None);
    }

    #[test]
    fn questions_without_a_truth_are_set_against_those_with_one() {
        let (test, answers) = series(&[
            (0, 0, Some("a"), "a", 0.9),
            (1, 0, Some("b"), "a", 0.6),
            (2, 0, None, "a", 0.3),
            (3, 0, None, "", 0.99),
            (3, 1, None, "x", 1.0),
        ]);
        let items = [0, 1, 2, 3, 4];
        let found = missing_truth(&test, &items, &answers, &[0.5]).unwrap();
        assert_eq!((found.questions, found.known_questions), (3, 2));
        // 0.3, 0 (an answer without a value) and 1.
        assert!((found.mean_confidence - 1.3 / 3.0).abs() < 1e-12);
        assert!((found.no_value - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.known_mean_confidence, Some(0.75));
        assert!((found.abstained[0].missing - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.abstained[0].known, 0.0);
        assert_eq!(found.auroc, Some(4.0 / 6.0));
        assert!((found.histogram[9] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.known_histogram[6], 0.5);
        // The second attribute has no question with a truth.
        assert_eq!(found.attributes.len(), 1);
        assert_eq!(found.attributes[0].auroc, 1.0);
        assert_eq!(missing_truth(&test, &[0, 1], &answers, &[0.5]), None);
    }
}
