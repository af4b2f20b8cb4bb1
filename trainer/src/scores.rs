//! How good answers are.

use std::collections::{BTreeMap, BTreeSet};

/// The share of answers that are right; 0 where there are none.
#[must_use]
pub fn accuracy<T: PartialEq>(pairs: &[(T, T)]) -> f64 {
    let right = pairs
        .iter()
        .filter(|(truth, answer)| truth == answer)
        .count();
    right as f64 / pairs.len().max(1) as f64
}

/// The mean over all classes of the harmonic mean of precision and recall, of
/// pairs of truth and answer. Classes are those of truths and answers alike, as
/// scikit-learn's `f1_score` with `average="macro"` takes them; 0 where there
/// are none.
#[must_use]
pub fn macro_f1<T: Ord>(pairs: &[(T, T)]) -> f64 {
    #[derive(Default)]
    struct Counts {
        right: usize,
        true_of: usize,
        answered: usize,
    }
    let mut classes: BTreeMap<&T, Counts> = BTreeMap::new();
    for (truth, answer) in pairs {
        classes.entry(truth).or_default().true_of += 1;
        classes.entry(answer).or_default().answered += 1;
        if truth == answer {
            classes.entry(truth).or_default().right += 1;
        }
    }
    let f1 =
        |counts: &Counts| 2.0 * counts.right as f64 / (counts.true_of + counts.answered) as f64;
    classes.values().map(f1).sum::<f64>() / classes.len().max(1) as f64
}

/// The different values of truths.
#[must_use]
pub fn classes<T: Ord>(pairs: &[(T, T)]) -> BTreeSet<&T> {
    pairs.iter().map(|(truth, _)| truth).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `f1_score(["a", "a", "b", "c"], ["a", "b", "b", "d"], average="macro")`.
    #[test]
    fn macro_f1_is_that_of_scikit_learn() {
        let pairs = [("a", "a"), ("a", "b"), ("b", "b"), ("c", "d")];
        let of_a = 2.0 / 3.0;
        assert!((macro_f1(&pairs) - (of_a + of_a) / 4.0).abs() < 1e-12);
        assert_eq!(accuracy(&pairs), 0.5);
        assert_eq!(macro_f1::<u8>(&[]), 0.0);
        assert_eq!(classes(&pairs).len(), 3);
    }
}
