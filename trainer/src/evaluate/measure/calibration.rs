//! Whether confidences are what they say.

use serde::Serialize;

/// Bins of equal width over [0, 1], as in Guo et al., "On Calibration of Modern
/// Neural Networks" (ICML 2017).
pub const BINS: usize = 15;

/// The expected calibration error and what it is made of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// `Σ n_b / n · |accuracy_b − confidence_b|` over the bins.
    pub expected_calibration_error: f64,
    /// The bins in order, empty ones included.
    pub bins: Vec<Bin>,
}

/// The answers whose confidence lies in `(low, high]`; the first bin has 0 too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bin {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How many answers.
    pub questions: u64,
    /// Their mean confidence; none without answers.
    pub confidence: Option<f64>,
    /// The share of them that are right; none without answers.
    pub accuracy: Option<f64>,
}

impl Calibration {
    /// That of answers, each by its confidence and whether it is right; none
    /// of none.
    #[must_use]
    pub fn of(answers: &[(f64, bool)]) -> Option<Calibration> {
        if answers.is_empty() {
            return None;
        }
        let mut sums = [(0_u64, 0.0, 0_u64); BINS];
        for &(confidence, right) in answers {
            let (count, sum, hits) = &mut sums[bin(confidence)];
            *count += 1;
            *sum += confidence;
            *hits += u64::from(right);
        }
        let bins = sums
            .iter()
            .zip(0_u8..)
            .map(|(&(questions, sum, hits), place)| {
                let share = |value: f64| (questions > 0).then(|| value / questions as f64);
                Bin {
                    low: f64::from(place) / BINS as f64,
                    high: f64::from(place + 1) / BINS as f64,
                    questions,
                    confidence: share(sum),
                    accuracy: share(hits as f64),
                }
            });
        let gap = |&(_, sum, hits): &(u64, f64, u64)| (hits as f64 - sum).abs();
        Some(Calibration {
            expected_calibration_error: sums.iter().map(gap).sum::<f64>() / answers.len() as f64,
            bins: bins.collect(),
        })
    }
}

/// The bin `(place / BINS, (place + 1) / BINS]` of a confidence in [0, 1].
fn bin(confidence: f64) -> usize {
    let place = (confidence * BINS as f64).ceil() - 1.0;
    // What is outside or no number goes to the ends.
    (place.max(0.0) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_open_below_and_closed_above() {
        for (confidence, place) in [
            (0.0, 0),
            (0.01, 0),
            (1.0 / 15.0, 0),
            (0.067, 1),
            (0.2, 2),
            (0.5, 7),
            (0.999, 14),
            (1.0, 14),
        ] {
            assert_eq!(bin(confidence), place, "{confidence}");
        }
    }

    #[test]
    fn the_error_is_the_one_reckoned_by_hand() {
        // Bin 13, (0.8667, 0.9333]: two answers of 0.9, one right: |0.5 − 0.9|.
        // Bin 8, (0.5333, 0.6]: 0.55 and 0.6, both right: |1 − 0.575|.
        // Bin 1, (0.0667, 0.1333]: 0.1, wrong: |0 − 0.1|.
        let answers = [
            (0.9, true),
            (0.9, false),
            (0.55, true),
            (0.6, true),
            (0.1, false),
        ];
        let calibration = Calibration::of(&answers).unwrap();
        let expected = (2.0 * 0.4 + 2.0 * 0.425 + 0.1) / 5.0;
        assert!((calibration.expected_calibration_error - expected).abs() < 1e-12);
        assert_eq!(calibration.bins.len(), BINS);
        assert_eq!(calibration.bins[13].questions, 2);
        assert_eq!(calibration.bins[13].accuracy, Some(0.5));
        assert_eq!(calibration.bins[0].confidence, None);
    }

    #[test]
    fn certainty_that_is_right_has_no_error() {
        let calibration = Calibration::of(&[(1.0, true), (0.0, false)]).unwrap();
        assert_eq!(calibration.expected_calibration_error, 0.0);
        assert_eq!(Calibration::of(&[]), None);
    }
}
