//! The scores of one series of answers, on the test's products or on a resample
//! of them.
//!
//! Macro-F1 of a resample is over the values of the whole test: one that the
//! resample lacks keeps the F1 that it has on the whole. Over the values of the
//! resample alone it would be too high, since it is the rare and badly known
//! values that a resample lacks. An attribute that it lacks altogether likewise
//! keeps its scores in an average.

use std::collections::BTreeMap;

use crate::evaluate::data::TestSet;
use crate::evaluate::judged::{Judged, NO_VALUE};
use crate::scores::{LabelCounts, mean};

/// The pairs of truth and answer of one series, as numbers.
#[derive(Clone, Debug)]
pub struct Pairs {
    attributes: Vec<AttributePairs>,
    averages: Vec<Vec<usize>>,
}

#[derive(Clone, Debug)]
struct AttributePairs {
    pairs: Vec<Pair>,
    /// F1 of each label on the whole test.
    whole_f1: Vec<f64>,
    /// Accuracy and macro-F1 on the whole test; `NaN` without a question.
    whole: [f64; 2],
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    product: usize,
    truth: usize,
    answer: usize,
}

/// A score of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Score {
    /// Accuracy over all questions.
    Accuracy,
    /// Accuracy of the attributes of an average, by its place.
    AverageAccuracy(usize),
    /// Macro-F1 of the attributes of an average.
    AverageMacroF1(usize),
    /// Accuracy of an attribute, by its place.
    AttributeAccuracy(usize),
    /// Macro-F1 of an attribute.
    AttributeMacroF1(usize),
}

/// All scores of a series on some products; `NaN` where nothing was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    averages: usize,
    values: Vec<f64>,
}

impl Scores {
    /// One of them.
    #[must_use]
    pub fn get(&self, score: Score) -> f64 {
        let attributes = 1 + 2 * self.averages;
        self.values[match score {
            Score::Accuracy => 0,
            Score::AverageAccuracy(place) => 1 + 2 * place,
            Score::AverageMacroF1(place) => 2 + 2 * place,
            Score::AttributeAccuracy(place) => attributes + 2 * place,
            Score::AttributeMacroF1(place) => attributes + 1 + 2 * place,
        }]
    }
}

impl Pairs {
    /// Those of the items `scored`, whose truth is known. An average is a list
    /// of attributes.
    #[must_use]
    pub fn new(
        test: &TestSet,
        scored: &[usize],
        answers: &[Option<Judged>],
        averages: &[Vec<usize>],
    ) -> Pairs {
        let mut labels: Vec<BTreeMap<&str, usize>> = vec![BTreeMap::new(); test.attributes.len()];
        let mut pairs = vec![Vec::new(); test.attributes.len()];
        for &place in scored {
            let item = &test.items[place];
            let Some(truth) = item.truth.as_deref() else {
                continue;
            };
            let labels = &mut labels[item.attribute];
            let mut number = |label| {
                let next = labels.len();
                *labels.entry(label).or_insert(next)
            };
            pairs[item.attribute].push(Pair {
                product: item.product,
                truth: number(truth),
                answer: number(answer_label(answers[place].as_ref())),
            });
        }
        Pairs {
            attributes: labels
                .into_iter()
                .zip(pairs)
                .map(|(labels, pairs)| AttributePairs::new(labels.len(), pairs))
                .collect(),
            averages: averages.to_vec(),
        }
    }

    /// The scores where each product counts as often as `weights` says.
    #[must_use]
    pub fn scores(&self, weights: impl Fn(usize) -> u64) -> Scores {
        let (mut right, mut asked) = (0.0, 0);
        let by_attribute: Vec<[f64; 2]> = self
            .attributes
            .iter()
            .map(|attribute| {
                let counts = attribute.counts(&weights);
                asked += counts.total();
                let accuracy = counts.accuracy();
                right += accuracy.unwrap_or(0.0) * counts.total() as f64;
                let macro_f1 = counts.macro_f1_or(&attribute.whole_f1);
                match accuracy {
                    Some(accuracy) => [accuracy, macro_f1.unwrap_or(f64::NAN)],
                    None => [f64::NAN; 2],
                }
            })
            .collect();
        let mut values = vec![if asked > 0 {
            right / asked as f64
        } else {
            f64::NAN
        }];
        for average in &self.averages {
            let of_attribute = |&attribute: &usize| {
                let [accuracy, macro_f1] = by_attribute[attribute];
                if accuracy.is_finite() {
                    [accuracy, macro_f1]
                } else {
                    self.attributes[attribute].whole
                }
            };
            let defined = || {
                let scores = average.iter().map(of_attribute);
                scores.filter(|[accuracy, _]| accuracy.is_finite())
            };
            for score in [
                mean(defined().map(|[accuracy, _]| accuracy)),
                mean(defined().map(|[_, macro_f1]| macro_f1)),
            ] {
                values.push(score.unwrap_or(f64::NAN));
            }
        }
        values.extend(by_attribute.iter().flatten());
        Scores {
            averages: self.averages.len(),
            values,
        }
    }
}

impl AttributePairs {
    fn new(labels: usize, pairs: Vec<Pair>) -> AttributePairs {
        let mut attribute = AttributePairs {
            pairs,
            whole_f1: vec![0.0; labels],
            whole: [f64::NAN; 2],
        };
        let counts = attribute.counts(&|_| 1);
        attribute.whole_f1 = (0..labels).map(|label| counts.f1(label)).collect();
        attribute.whole =
            [counts.accuracy(), counts.macro_f1()].map(|score| score.unwrap_or(f64::NAN));
        attribute
    }

    fn counts(&self, weights: &impl Fn(usize) -> u64) -> LabelCounts {
        let mut counts = LabelCounts::new(self.whole_f1.len());
        for pair in &self.pairs {
            counts.add(pair.truth, pair.answer, weights(pair.product));
        }
        counts
    }
}

/// How an answer is called; a baseline that has none says nothing.
pub fn answer_label(answer: Option<&Judged>) -> &str {
    answer.map_or(NO_VALUE, |judged| judged.said.label())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::evaluate::data::Item;
    use crate::evaluate::judged::Said;

    /// A test set of (product, attribute, truth), and answers to it that are
    /// all as sure as given.
    pub fn series(
        rows: &[(usize, usize, Option<&str>, &str, f64)],
    ) -> (TestSet, Vec<Option<Judged>>) {
        let products = rows.iter().map(|row| row.0 + 1).max().unwrap_or(0);
        let attributes = rows.iter().map(|row| row.1 + 1).max().unwrap_or(0);
        let test = TestSet {
            products: (0..products).map(|id| id.to_string()).collect(),
            attributes: (0..attributes).map(|name| format!("A{name}")).collect(),
            items: rows
                .iter()
                .map(|&(product, attribute, truth, _, _)| Item {
                    product,
                    attribute,
                    question: "?".to_owned(),
                    truth: truth.map(str::to_owned),
                })
                .collect(),
        };
        let said = |text: &str| match text {
            "" => Said::Nothing,
            value => Said::Value(value.to_owned()),
        };
        let answers = rows
            .iter()
            .map(|&(_, _, _, answer, confidence)| {
                Some(Judged {
                    said: said(answer),
                    confidence,
                })
            })
            .collect();
        (test, answers)
    }

    #[test]
    fn scores_of_attributes_averages_and_resamples() {
        let (test, answers) = series(&[
            (0, 0, Some("a"), "a", 1.0),
            (1, 0, Some("b"), "a", 1.0),
            (0, 1, Some("x"), "x", 1.0),
            (1, 1, Some("x"), "x", 1.0),
            (2, 1, Some("y"), "", 1.0),
        ]);
        let pairs = Pairs::new(&test, &[0, 1, 2, 3, 4], &answers, &[vec![0, 1], vec![1]]);
        let scores = pairs.scores(|_| 1);
        let close = |score, expected: f64| {
            let actual = scores.get(score);
            assert!((actual - expected).abs() < 1e-12, "{score:?} {actual}");
        };
        close(Score::Accuracy, 0.6);
        close(Score::AttributeAccuracy(0), 0.5);
        // a: 2/3, b: 0.
        close(Score::AttributeMacroF1(0), 1.0 / 3.0);
        close(Score::AttributeAccuracy(1), 2.0 / 3.0);
        // x: 1, y: 0, and "(no value)", which is an answer too: 0.
        close(Score::AttributeMacroF1(1), 1.0 / 3.0);
        close(Score::AverageAccuracy(0), (0.5 + 2.0 / 3.0) / 2.0);
        close(Score::AverageAccuracy(1), 2.0 / 3.0);
        close(Score::AverageMacroF1(1), 1.0 / 3.0);

        // The first product alone, twice: all right; the values that do not
        // occur keep their F1 of 0.
        let twice = pairs.scores(|product| if product == 0 { 2 } else { 0 });
        assert_eq!(twice.get(Score::Accuracy), 1.0);
        assert_eq!(twice.get(Score::AttributeMacroF1(1)), 1.0 / 3.0);
        assert_eq!(twice.get(Score::AttributeMacroF1(0)), 0.5);
        // The last product has no question about the first attribute.
        let last = pairs.scores(|product| u64::from(product == 2));
        assert!(last.get(Score::AttributeAccuracy(0)).is_nan());
        assert_eq!(last.get(Score::AverageAccuracy(0)), 0.25);
        assert!(pairs.scores(|_| 0).get(Score::Accuracy).is_nan());
    }
}
