//! Everything that is measured about one series of answers.

use std::collections::BTreeSet;

use serde::Serialize;

use super::bootstrap::{Estimate, Resampled};
use super::calibration::Calibration;
use super::missing_truth::{MissingTruth, missing_truth};
use super::selective::{SelectivePoint, selective};
use super::statistics::{Pairs, Score, answer_label};
use crate::evaluate::data::{TestSet, Vocabulary};
use crate::evaluate::judged::{Judged, Said};
use crate::scores::{Confusion, LabelScore, Mistake};

/// How many kinds of wrong answers are listed.
const MISTAKES: usize = 12;

/// The answers of one answerer, all free or all held to the vocabulary.
#[derive(Clone, Debug)]
pub struct Series {
    /// By item.
    pub answers: Vec<Option<Judged>>,
    /// The place of the series that it is compared with.
    pub compared_with: Option<usize>,
}

/// How series are measured.
#[derive(Clone, Debug)]
pub struct Method<'a> {
    /// Confidences under which an answer is withheld.
    pub thresholds: &'a [f64],
    /// How many resamples there are.
    pub resamples: usize,
    /// What decides them.
    pub seed: u64,
    /// Lists of attributes to average over.
    pub averages: &'a [Vec<usize>],
    /// The values that some answers were held to.
    pub vocabulary: &'a Vocabulary,
}

/// What was measured about one series.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// Questions with a true value.
    pub questions: u64,
    /// The share of them that was answered rightly.
    pub accuracy: Estimate,
    /// Unweighted means over attributes: over all, then over those asked for.
    pub averages: Vec<Average>,
    /// What remains at each threshold, over all questions.
    pub selective: Vec<SelectivePoint>,
    /// Over all questions; none without any.
    pub calibration: Option<Calibration>,
    /// By attribute, those without a question of known truth left out.
    pub attributes: Vec<AttributeResults>,
    /// Questions whose truth is NA; none where there are none.
    pub missing_truth: Option<MissingTruth>,
}

/// Scores averaged over attributes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Average {
    /// Their names.
    pub attributes: Vec<String>,
    /// The mean of their accuracies.
    pub accuracy: Estimate,
    /// The mean of their macro-F1.
    pub macro_f1: Estimate,
    /// By how much the evaluated model's accuracy is above this one; for
    /// others than itself.
    pub model_ahead_accuracy: Option<Estimate>,
    /// The same of macro-F1.
    pub model_ahead_macro_f1: Option<Estimate>,
}

/// What was measured about one attribute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributeResults {
    /// Its name.
    pub attribute: String,
    /// Questions with a true value.
    pub questions: u64,
    /// Those whose true value is not in the vocabulary, so that no answer that
    /// is held to it can be right.
    pub outside_vocabulary: u64,
    /// The share that was answered rightly.
    pub accuracy: Estimate,
    /// The mean F1 over the values that are true or answered.
    pub macro_f1: Estimate,
    /// What remains at each threshold.
    pub selective: Vec<SelectivePoint>,
    /// Whether confidences are what they say.
    pub calibration: Option<Calibration>,
    /// Precision, recall and F1 of each value.
    pub values: Vec<LabelScore>,
    /// All pairs of truth and answer.
    pub confusion: ConfusionMatrix,
    /// The most frequent wrong answers.
    pub mistakes: Vec<Mistake>,
}

/// How often which answer was given to which truth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ConfusionMatrix {
    /// Values that are true or answered, in alphabetical order; answers
    /// without a value have names in parentheses.
    pub labels: Vec<String>,
    /// Counts by truth, then by answer.
    pub counts: Vec<Vec<u64>>,
}

/// Measures all series on the items `asked`, those whose photo everybody could
/// use.
#[must_use]
pub fn measure(
    test: &TestSet,
    asked: &[usize],
    series: &[Series],
    method: &Method<'_>,
) -> Vec<Results> {
    let scored: Vec<usize> = asked
        .iter()
        .copied()
        .filter(|&place| test.items[place].truth.is_some())
        .collect();
    let products: BTreeSet<usize> = scored
        .iter()
        .map(|&item| test.items[item].product)
        .collect();
    let products: Vec<usize> = products.into_iter().collect();
    let pairs: Vec<Pairs> = series
        .iter()
        .map(|series| Pairs::new(test, &scored, &series.answers, method.averages))
        .collect();
    let resampled = Resampled::new(&pairs, &products, method.resamples, method.seed);
    let measuring = Measuring {
        test,
        asked,
        scored: &scored,
        resampled: &resampled,
        method,
    };
    (0..series.len())
        .map(|place| measuring.results(place, &series[place]))
        .collect()
}

struct Measuring<'a> {
    test: &'a TestSet,
    asked: &'a [usize],
    scored: &'a [usize],
    resampled: &'a Resampled,
    method: &'a Method<'a>,
}

impl Measuring<'_> {
    fn results(&self, place: usize, series: &Series) -> Results {
        let Method {
            thresholds,
            averages,
            ..
        } = *self.method;
        let estimate = |score| self.resampled.estimate(place, score);
        let ahead = |score| {
            let other = series.compared_with?;
            Some(self.resampled.difference(other, place, score))
        };
        let averages = averages
            .iter()
            .enumerate()
            .map(|(number, attributes)| Average {
                attributes: attributes
                    .iter()
                    .map(|&attribute| self.test.attributes[attribute].clone())
                    .collect(),
                accuracy: estimate(Score::AverageAccuracy(number)),
                macro_f1: estimate(Score::AverageMacroF1(number)),
                model_ahead_accuracy: ahead(Score::AverageAccuracy(number)),
                model_ahead_macro_f1: ahead(Score::AverageMacroF1(number)),
            });
        Results {
            questions: self.scored.len() as u64,
            accuracy: estimate(Score::Accuracy),
            averages: averages.collect(),
            selective: selective(&self.values(series, self.scored), thresholds),
            calibration: Calibration::of(&self.confidences(series, self.scored)),
            attributes: (0..self.test.attributes.len())
                .filter_map(|attribute| self.attribute(place, series, attribute))
                .collect(),
            missing_truth: missing_truth(self.test, self.asked, &series.answers, thresholds),
        }
    }

    fn attribute(
        &self,
        place: usize,
        series: &Series,
        attribute: usize,
    ) -> Option<AttributeResults> {
        let items: Vec<usize> = self
            .scored
            .iter()
            .copied()
            .filter(|&item| self.test.items[item].attribute == attribute)
            .collect();
        if items.is_empty() {
            return None;
        }
        let truths = || {
            let truth = |&item: &usize| self.test.items[item].truth.as_deref();
            items.iter().filter_map(truth)
        };
        let answers = items
            .iter()
            .map(|&item| answer_label(series.answers[item].as_ref()));
        let confusion = Confusion::of(truths().zip(answers));
        let mut mistakes = confusion.mistakes();
        mistakes.truncate(MISTAKES);
        let unknown = |truth: &&str| !self.method.vocabulary.knows(attribute, truth);
        Some(AttributeResults {
            attribute: self.test.attributes[attribute].clone(),
            questions: items.len() as u64,
            outside_vocabulary: truths().filter(unknown).count() as u64,
            accuracy: self
                .resampled
                .estimate(place, Score::AttributeAccuracy(attribute)),
            macro_f1: self
                .resampled
                .estimate(place, Score::AttributeMacroF1(attribute)),
            selective: selective(&self.values(series, &items), self.method.thresholds),
            calibration: Calibration::of(&self.confidences(series, &items)),
            values: confusion.label_scores(),
            confusion: ConfusionMatrix {
                labels: confusion.labels().to_vec(),
                counts: confusion.matrix().to_vec(),
            },
            mistakes,
        })
    }

    /// The confidence of each answer and whether it is right.
    fn confidences(&self, series: &Series, items: &[usize]) -> Vec<(f64, bool)> {
        let confidence = |&item: &usize| {
            let judged = series.answers[item].as_ref();
            let confidence = judged.map_or(0.0, |judged| judged.confidence);
            (confidence, self.is_right(series, item))
        };
        items.iter().map(confidence).collect()
    }

    /// The same, with nothing where an answer names no value.
    fn values(&self, series: &Series, items: &[usize]) -> Vec<(Option<f64>, bool)> {
        let confidence = |&item: &usize| {
            let judged = series.answers[item].as_ref();
            let value = judged.filter(|judged| matches!(judged.said, Said::Value(_)));
            (
                value.map(|judged| judged.confidence),
                self.is_right(series, item),
            )
        };
        items.iter().map(confidence).collect()
    }

    fn is_right(&self, series: &Series, item: usize) -> bool {
        let truth = self.test.items[item].truth.as_deref();
        let judged = series.answers[item].as_ref();
        truth.is_some_and(|truth| judged.is_some_and(|judged| judged.is(truth)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::statistics::tests::series;
    use super::*;
    use crate::evaluate::data::Choice;

    #[test]
    fn everything_about_a_series_by_hand() {
        let (test, answers) = series(&[
            (0, 0, Some("a"), "a", 0.9),
            (1, 0, Some("b"), "a", 0.8),
            (2, 0, Some("a"), "", 0.7),
            (2, 1, None, "z", 0.6),
        ]);
        let choice = |value: &str| Choice {
            text: format!("A0: {value}"),
            value: value.to_owned(),
        };
        let vocabulary = Vocabulary {
            choices: vec![vec![choice("a")], vec![]],
            source: String::new(),
        };
        let method = Method {
            thresholds: &[0.85],
            resamples: 20,
            seed: 1,
            averages: &[vec![0, 1]],
            vocabulary: &vocabulary,
        };
        let model = Series {
            answers,
            compared_with: None,
        };
        let silent = Series {
            answers: vec![None; 4],
            compared_with: Some(0),
        };
        let results = measure(&test, &[0, 1, 2, 3], &[model, silent], &method);
        let model = &results[0];
        assert_eq!(model.questions, 3);
        assert_eq!(model.accuracy.value, Some(1.0 / 3.0));
        assert!(model.accuracy.low.unwrap() <= 1.0 / 3.0);
        assert_eq!(model.selective[0].answered, 1);
        assert_eq!(model.attributes.len(), 1);
        let attribute = &model.attributes[0];
        assert_eq!(attribute.outside_vocabulary, 1);
        assert_eq!(attribute.confusion.labels, ["(no value)", "a", "b"]);
        assert_eq!(
            attribute.confusion.counts,
            [vec![0, 0, 0], vec![1, 1, 0], vec![0, 1, 0]]
        );
        assert_eq!(attribute.mistakes.len(), 2);
        // |1 − 0.9| + |0 − 0.8| + |0 − 0.7|, each alone in its bin.
        let error = attribute
            .calibration
            .as_ref()
            .unwrap()
            .expected_calibration_error;
        assert!((error - 1.6 / 3.0).abs() < 1e-12);
        assert_eq!(model.missing_truth.as_ref().unwrap().questions, 1);
        assert_eq!(model.averages[0].model_ahead_accuracy, None);
        let silent = &results[1];
        assert_eq!(silent.accuracy.value, Some(0.0));
        assert_eq!(
            silent.averages[0].model_ahead_accuracy.unwrap().value,
            Some(1.0 / 3.0)
        );
    }
}
