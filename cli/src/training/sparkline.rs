//! A curve in one line of text.

/// From low to high.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Numbers as a line of at most `width` signs; each is the mean of those that fall on it.
/// What is no finite number is left out.
#[must_use]
pub fn sparkline(numbers: &[f64], width: usize) -> String {
    let numbers: Vec<f64> = numbers.iter().copied().filter(|n| n.is_finite()).collect();
    if numbers.is_empty() || width == 0 {
        return String::new();
    }
    let signs = numbers.len().min(width);
    let means: Vec<f64> = (0..signs)
        .map(|sign| {
            let part = &numbers[sign * numbers.len() / signs..(sign + 1) * numbers.len() / signs];
            part.iter().sum::<f64>() / part.len() as f64
        })
        .collect();
    let least = means.iter().copied().fold(f64::INFINITY, f64::min);
    let most = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let level = |mean: f64| {
        let share = if most > least {
            (mean - least) / (most - least)
        } else {
            0.0
        };
        // Between 0 and the last level, both of them included.
        let level = (share * (LEVELS.len() - 1) as f64).round() as usize;
        LEVELS[level.min(LEVELS.len() - 1)]
    };
    means.into_iter().map(level).collect()
}

#[cfg(test)]
mod tests {
    use super::sparkline;

    #[test]
    fn a_falling_curve_falls() {
        assert_eq!(
            sparkline(&[7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.0], 8),
            "█▇▆▅▄▃▂▁"
        );
    }

    #[test]
    fn many_numbers_are_means_and_few_are_themselves() {
        let numbers: Vec<f64> = (0..1000).map(|n| 1.0 / f64::from(n + 1)).collect();
        let line = sparkline(&numbers, 20);
        assert_eq!(line.chars().count(), 20);
        assert!(line.starts_with('█') && line.ends_with('▁'), "{line}");
        assert_eq!(sparkline(&[3.0, f64::NAN, 1.0], 20), "█▁");
        assert_eq!(sparkline(&[2.0; 3], 20), "▁▁▁");
        assert_eq!(sparkline(&[], 20), "");
    }
}
