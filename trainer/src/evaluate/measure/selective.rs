//! What is gained by abstaining where the confidence is low.

use serde::Serialize;

/// What remains where answers under a confidence are withheld.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SelectivePoint {
    /// The confidence.
    pub threshold: f64,
    /// How many questions are answered.
    pub answered: u64,
    /// Their share of all questions.
    pub coverage: f64,
    /// The share of right answers among them; none where none is answered.
    pub accuracy: Option<f64>,
}

/// The points at some thresholds. Each answer has the confidence in its value
/// (none where it names none, which abstains at every threshold) and whether it
/// is right.
#[must_use]
pub fn selective(answers: &[(Option<f64>, bool)], thresholds: &[f64]) -> Vec<SelectivePoint> {
    let point = |&threshold: &f64| {
        let given = |&&(confidence, _): &&(Option<f64>, bool)| {
            confidence.is_some_and(|confidence| confidence >= threshold)
        };
        let answered = answers.iter().filter(given).count();
        let right = answers
            .iter()
            .filter(given)
            .filter(|(_, right)| *right)
            .count();
        SelectivePoint {
            threshold,
            answered: answered as u64,
            coverage: answered as f64 / answers.len().max(1) as f64,
            accuracy: (answered > 0).then(|| right as f64 / answered as f64),
        }
    };
    thresholds.iter().map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_answers_are_given_and_more_of_them_are_right() {
        let answers = [
            (Some(0.95), true),
            (Some(0.7), true),
            (Some(0.6), false),
            (None, false),
        ];
        let points = selective(&answers, &[0.0, 0.7, 0.99]);
        let shown: Vec<(u64, f64, Option<f64>)> = points
            .iter()
            .map(|point| (point.answered, point.coverage, point.accuracy))
            .collect();
        assert_eq!(
            shown,
            [
                (3, 0.75, Some(2.0 / 3.0)),
                (2, 0.5, Some(1.0)),
                (0, 0.0, None)
            ]
        );
        assert_eq!(selective(&[], &[0.5])[0].coverage, 0.0);
    }
}
