//! How right answers are: accuracy, macro-F1 and confusion, over pairs of a
//! truth and an answer.
//!
//! The definitions are scikit-learn's: F1 of a label is
//! `2 · hits / (truths + answers)`, which is 0 for a label that never hits
//! (`zero_division = 0`); macro-F1 is its unweighted mean over all labels that
//! occur among the truths or the answers.

use serde::Serialize;

/// Per label, how often it was true, how often it was answered and how often
/// both. Labels are numbers from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelCounts {
    hits: Vec<u64>,
    truths: Vec<u64>,
    answers: Vec<u64>,
}

impl LabelCounts {
    /// No pairs yet, of so many labels.
    #[must_use]
    pub fn new(labels: usize) -> LabelCounts {
        LabelCounts {
            hits: vec![0; labels],
            truths: vec![0; labels],
            answers: vec![0; labels],
        }
    }

    /// Forgets all pairs.
    pub fn clear(&mut self) {
        for counts in [&mut self.hits, &mut self.truths, &mut self.answers] {
            counts.fill(0);
        }
    }

    /// Counts one pair `times` times; labels are less than the number of labels.
    pub fn add(&mut self, truth: usize, answer: usize, times: u64) {
        self.truths[truth] += times;
        self.answers[answer] += times;
        if truth == answer {
            self.hits[truth] += times;
        }
    }

    /// How many pairs there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.truths.iter().sum()
    }

    /// The share of pairs whose answer is the truth; none without pairs.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        ratio(self.hits.iter().sum(), self.total())
    }

    /// The mean F1 of the labels that occur; none without pairs.
    #[must_use]
    pub fn macro_f1(&self) -> Option<f64> {
        let occurring = (0..self.hits.len()).filter(|&label| self.occurrences(label) > 0);
        mean(occurring.map(|label| self.f1(label)))
    }

    /// The mean F1 of all labels, those that do not occur as given by `absent`,
    /// one a label. None without labels.
    #[must_use]
    pub fn macro_f1_or(&self, absent: &[f64]) -> Option<f64> {
        let of_label = |(label, &absent): (usize, &f64)| match self.occurrences(label) {
            0 => absent,
            _ => self.f1(label),
        };
        mean(absent.iter().enumerate().map(of_label))
    }

    /// F1 of one label; 0 where it never hits.
    #[must_use]
    pub fn f1(&self, label: usize) -> f64 {
        ratio(2 * self.hits[label], self.occurrences(label)).unwrap_or(0.0)
    }

    fn occurrences(&self, label: usize) -> u64 {
        self.truths[label] + self.answers[label]
    }
}

/// How often which answer was given to which truth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confusion {
    labels: Vec<String>,
    /// By truth, then by answer.
    matrix: Vec<Vec<u64>>,
    counts: LabelCounts,
}

/// How well one label is told from the others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScore {
    /// The label.
    pub label: String,
    /// How often it was true.
    pub truths: u64,
    /// How often it was answered.
    pub answers: u64,
    /// The share of its answers that were right; 0 where it was not answered.
    pub precision: f64,
    /// The share of its truths that were answered; 0 where it was never true.
    pub recall: f64,
    /// The harmonic mean of both, 0 where both are 0.
    pub f1: f64,
}

/// One kind of wrong answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// What was true.
    pub truth: String,
    /// What was answered.
    pub answer: String,
    /// How often.
    pub count: u64,
}

impl Confusion {
    /// Counts pairs of a truth and an answer.
    #[must_use]
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Confusion {
        let pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        let mut labels: Vec<&str> = pairs
            .iter()
            .flat_map(|&(truth, answer)| [truth, answer])
            .collect();
        labels.sort_unstable();
        labels.dedup();
        let mut matrix = vec![vec![0; labels.len()]; labels.len()];
        let mut counts = LabelCounts::new(labels.len());
        for pair in &pairs {
            // Every label of a pair is among the labels.
            let (Ok(truth), Ok(answer)) =
                (labels.binary_search(&pair.0), labels.binary_search(&pair.1))
            else {
                continue;
            };
            matrix[truth][answer] += 1;
            counts.add(truth, answer, 1);
        }
        Confusion {
            labels: labels.into_iter().map(str::to_owned).collect(),
            matrix,
            counts,
        }
    }

    /// All labels that occur, in alphabetical order.
    #[must_use]
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The counts by truth, then by answer, in the order of the labels.
    #[must_use]
    pub fn matrix(&self) -> &[Vec<u64>] {
        &self.matrix
    }

    /// How many pairs there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.total()
    }

    /// [`LabelCounts::accuracy`].
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        self.counts.accuracy()
    }

    /// [`LabelCounts::macro_f1`].
    #[must_use]
    pub fn macro_f1(&self) -> Option<f64> {
        self.counts.macro_f1()
    }

    /// The scores of each label, in the order of the labels.
    #[must_use]
    pub fn label_scores(&self) -> Vec<LabelScore> {
        let score = |(label, name): (usize, &String)| {
            let (truths, answers) = (self.counts.truths[label], self.counts.answers[label]);
            let hits = self.counts.hits[label];
            LabelScore {
                label: name.clone(),
                truths,
                answers,
                precision: ratio(hits, answers).unwrap_or(0.0),
                recall: ratio(hits, truths).unwrap_or(0.0),
                f1: self.counts.f1(label),
            }
        };
        self.labels.iter().enumerate().map(score).collect()
    }

    /// The wrong answers by kind, most frequent first; equally frequent ones in
    /// the order of the labels.
    #[must_use]
    pub fn mistakes(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (truth, row) in self.labels.iter().zip(&self.matrix) {
            for (answer, &count) in self.labels.iter().zip(row) {
                if truth != answer && count > 0 {
                    mistakes.push(Mistake {
                        truth: truth.clone(),
                        answer: answer.clone(),
                        count,
                    });
                }
            }
        }
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.count));
        mistakes
    }
}

/// The macro-F1 of pairs of a truth and an answer; 0 of none.
#[must_use]
pub fn macro_f1(pairs: &[(String, String)]) -> f64 {
    let pairs = pairs
        .iter()
        .map(|(truth, answer)| (truth.as_str(), answer.as_str()));
    Confusion::of(pairs).macro_f1().unwrap_or(0.0)
}

/// The mean of some numbers; none of none.
#[must_use]
pub fn mean(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0_u64);
    for value in values {
        sum += value;
        count += 1;
    }
    (count > 0).then(|| sum / count as f64)
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(actual: Option<f64>, expected: f64) {
        let actual = actual.unwrap();
        assert!((actual - expected).abs() < 1e-12, "{actual} {expected}");
    }

    /// Computed with scikit-learn 1.9: `f1_score(truth, answer,
    /// average="macro", zero_division=0)` and `accuracy_score`.
    #[test]
    fn scores_are_those_of_scikit_learn() {
        let cases: [(&[&str], &[&str], f64, f64); 5] = [
            (
                &["a", "a", "b", "b", "c", "c"],
                &["a", "b", "b", "b", "c", "a"],
                4.0 / 6.0,
                0.655_555_555_555_555_6,
            ),
            // "d" is answered and never true, "c" true and never answered.
            (
                &["a", "a", "a", "b", "c"],
                &["a", "a", "d", "b", "b"],
                0.6,
                0.366_666_666_666_666_64,
            ),
            (&["a", "a"], &["a", "a"], 1.0, 1.0),
            (&["a", "b"], &["b", "a"], 0.0, 0.0),
            // A constant answer on lopsided truths.
            (
                &["a", "a", "a", "a", "a", "a", "a", "a", "a", "b"],
                &["a", "a", "a", "a", "a", "a", "a", "a", "a", "a"],
                0.9,
                0.473_684_210_526_315_8,
            ),
        ];
        for (truths, answers, accuracy, macro_f1) in cases {
            let pairs = truths.iter().copied().zip(answers.iter().copied());
            let confusion = Confusion::of(pairs);
            close(confusion.accuracy(), accuracy);
            close(confusion.macro_f1(), macro_f1);
        }
    }

    #[test]
    fn nothing_has_no_scores() {
        let confusion = Confusion::of([]);
        assert_eq!(confusion.accuracy(), None);
        assert_eq!(confusion.macro_f1(), None);
        assert_eq!(confusion.total(), 0);
        assert!(confusion.label_scores().is_empty() && confusion.mistakes().is_empty());
        assert_eq!(mean([]), None);
        assert_eq!(macro_f1(&[]), 0.0);
    }

    #[test]
    fn the_matrix_is_by_truth_and_answer_and_mistakes_come_by_frequency() {
        let confusion = Confusion::of([
            ("b", "a"),
            ("a", "a"),
            ("c", "a"),
            ("c", "b"),
            ("c", "a"),
            ("c", "c"),
        ]);
        assert_eq!(confusion.labels(), ["a", "b", "c"]);
        assert_eq!(
            confusion.matrix(),
            [vec![1, 0, 0], vec![1, 0, 0], vec![2, 1, 1]]
        );
        let kinds: Vec<(String, String, u64)> = confusion
            .mistakes()
            .into_iter()
            .map(|mistake| (mistake.truth, mistake.answer, mistake.count))
            .collect();
        let kind = |truth: &str, answer: &str, count| (truth.to_owned(), answer.to_owned(), count);
        assert_eq!(
            kinds,
            [kind("c", "a", 2), kind("b", "a", 1), kind("c", "b", 1)]
        );
        let c = &confusion.label_scores()[2];
        assert_eq!((c.truths, c.answers), (4, 1));
        close(Some(c.precision), 1.0);
        close(Some(c.recall), 0.25);
        close(Some(c.f1), 0.4);
    }

    #[test]
    fn a_pair_counted_twice_is_two_pairs() {
        let mut weighted = LabelCounts::new(3);
        weighted.add(0, 0, 2);
        weighted.add(1, 0, 0);
        weighted.add(2, 1, 1);
        let mut plain = LabelCounts::new(3);
        for (truth, answer) in [(0, 0), (0, 0), (2, 1)] {
            plain.add(truth, answer, 1);
        }
        assert_eq!(weighted, plain);
        // Labels 0, 1 and 2 occur: F1 1, 0 and 0.
        close(weighted.macro_f1(), 1.0 / 3.0);
        weighted.clear();
        assert_eq!(weighted, LabelCounts::new(3));
    }
}
