//! How far a score would move with other products.
//!
//! The percentile bootstrap: products are drawn with replacement, as many as
//! there are, each with all of its questions, since questions about one photo
//! succeed and fail together. All series are scored on the same resamples, so
//! that their differences have intervals too.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::statistics::{Pairs, Score, Scores};

/// The share of resamples that lie in an interval.
pub const LEVEL: f64 = 0.95;

/// A score with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The score on the products of the test; none where nothing was asked.
    pub value: Option<f64>,
    /// The lower end of the 95 % interval; none without resamples.
    pub low: Option<f64>,
    /// Its upper end.
    pub high: Option<f64>,
}

impl Estimate {
    /// A value beside what the resamples gave, `NaN` where one gave nothing.
    #[must_use]
    pub fn new(value: f64, resampled: impl Iterator<Item = f64>) -> Estimate {
        let mut resampled: Vec<f64> = resampled.filter(|value| value.is_finite()).collect();
        resampled.sort_by(f64::total_cmp);
        let tail = (1.0 - LEVEL) / 2.0;
        Estimate {
            value: value.is_finite().then_some(value),
            low: quantile(&resampled, tail),
            high: quantile(&resampled, 1.0 - tail),
        }
    }
}

/// The scores of some series on the products and on resamples of them.
pub struct Resampled {
    /// By series.
    points: Vec<Scores>,
    /// By resample, then by series.
    resamples: Vec<Vec<Scores>>,
}

impl Resampled {
    /// Scores all series on `resamples` resamples of `products`, places of
    /// those that have a question.
    #[must_use]
    pub fn new(series: &[Pairs], products: &[usize], resamples: usize, seed: u64) -> Resampled {
        let places = products.iter().max().map_or(0, |last| last + 1);
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut weights = vec![0_u64; places];
        let mut resample = || {
            weights.fill(0);
            for _ in products {
                weights[products[random.random_range(0..products.len())]] += 1;
            }
            let scores = |pairs: &Pairs| pairs.scores(|product| weights[product]);
            series.iter().map(scores).collect()
        };
        Resampled {
            points: series.iter().map(|pairs| pairs.scores(|_| 1)).collect(),
            resamples: (0..resamples).map(|_| resample()).collect(),
        }
    }

    /// A score of a series.
    #[must_use]
    pub fn estimate(&self, series: usize, score: Score) -> Estimate {
        let resampled = self
            .resamples
            .iter()
            .map(|scores| scores[series].get(score));
        Estimate::new(self.points[series].get(score), resampled)
    }

    /// By how much a score of one series is above that of another.
    #[must_use]
    pub fn difference(&self, series: usize, other: usize, score: Score) -> Estimate {
        let difference = |scores: &[Scores]| scores[series].get(score) - scores[other].get(score);
        let resampled = self.resamples.iter().map(|scores| difference(scores));
        Estimate::new(difference(&self.points), resampled)
    }
}

/// A quantile of sorted values, between two of them in proportion, as numpy's
/// `percentile` has it; none of none.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (position.floor() as usize, position.ceil() as usize);
    let (low, high) = (sorted[below], sorted[above]);
    Some(low + (high - low) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::super::statistics::tests::series;
    use super::*;

    /// 40 products of two questions each; the first 30 are answered rightly.
    fn products() -> Pairs {
        let rows: Vec<(usize, usize, Option<&str>, &str, f64)> = (0..40)
            .flat_map(|product| {
                let answer = if product < 30 { "a" } else { "b" };
                [0, 1].map(|attribute| (product, attribute, Some("a"), answer, 0.5))
            })
            .collect();
        let (test, answers) = series(&rows);
        let scored: Vec<usize> = (0..rows.len()).collect();
        Pairs::new(&test, &scored, &answers, &[vec![0, 1]])
    }

    fn everyone() -> Vec<usize> {
        (0..40).collect()
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        let low = quantile(&values, 0.025).unwrap();
        assert!((low - 1.075).abs() < 1e-12);
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[7.0], 0.975), Some(7.0));
    }

    #[test]
    fn a_seed_gives_one_interval_and_another_gives_another() {
        let interval = |seed| {
            Resampled::new(&[products()], &everyone(), 300, seed).estimate(0, Score::Accuracy)
        };
        assert_eq!(interval(1), interval(1));
        assert_ne!(interval(1), interval(2));
        assert_eq!(interval(1).value, Some(0.75));
    }

    #[test]
    fn the_interval_has_the_width_of_so_many_products_and_not_of_their_questions() {
        let estimate =
            Resampled::new(&[products()], &everyone(), 4000, 3).estimate(0, Score::Accuracy);
        // Binomial with n = 40, p = 0.75: 0.75 ± 1.96 · 0.0685. By questions, n
        // would be 80 and the half-width 0.095.
        let half = (estimate.high.unwrap() - estimate.low.unwrap()) / 2.0;
        assert!((half - 0.134).abs() < 0.015, "{estimate:?}");
    }

    #[test]
    fn the_interval_of_macro_f1_holds_the_score_where_values_are_rare() {
        // A constant answer, and ten values that are true once each.
        let rows: Vec<(usize, usize, Option<&str>, &str, f64)> = (0..40)
            .map(|product| {
                let rare = ["b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
                let truth = rare.get(product).copied().unwrap_or("a");
                (product, 0, Some(truth), "a", 0.5)
            })
            .collect();
        let (test, answers) = series(&rows);
        let scored: Vec<usize> = (0..rows.len()).collect();
        let pairs = Pairs::new(&test, &scored, &answers, &[vec![0]]);
        let resampled = Resampled::new(&[pairs], &everyone(), 400, 5);
        let estimate = resampled.estimate(0, Score::AverageMacroF1(0));
        let value = estimate.value.unwrap();
        assert!(
            estimate.low.unwrap() < value && value < estimate.high.unwrap(),
            "{estimate:?}"
        );
    }

    #[test]
    fn a_series_is_no_better_than_itself_and_differences_are_paired() {
        let resampled = Resampled::new(&[products(), products()], &everyone(), 50, 3);
        let difference = resampled.difference(0, 1, Score::AverageMacroF1(0));
        let none = Some(0.0);
        assert_eq!(
            (difference.value, difference.low, difference.high),
            (none, none, none)
        );
        let nothing = Resampled::new(&[products()], &everyone(), 0, 3);
        let estimate = nothing.estimate(0, Score::AttributeAccuracy(1));
        assert_eq!((estimate.value, estimate.low), (Some(0.75), None));
    }
}
