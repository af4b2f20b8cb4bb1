//! Whether an answer is the one that was given alone.

use serde_json::Value;

/// Probabilities may differ by this much in company.
const TOLERANCE: f64 = 1e-5;

/// Where and how an answer differs; `None` where it does not. Probabilities,
/// which are the only numbers that are no whole ones, are compared within
/// [`TOLERANCE`], all else exactly.
pub fn difference(expected: &Value, actual: &Value) -> Option<String> {
    differ(expected, actual, "")
}

fn differ(expected: &Value, actual: &Value, at: &str) -> Option<String> {
    match (expected, actual) {
        (Value::Array(expected), Value::Array(actual)) if expected.len() == actual.len() => {
            let pairs = expected.iter().zip(actual).enumerate();
            pairs
                .filter_map(|(index, (expected, actual))| {
                    differ(expected, actual, &format!("{at}[{index}]"))
                })
                .next()
        }
        (Value::Object(expected), Value::Object(actual)) if expected.keys().eq(actual.keys()) => {
            let pairs = expected.iter().zip(actual.values());
            pairs
                .filter_map(|((name, expected), actual)| {
                    differ(expected, actual, &format!("{at}.{name}"))
                })
                .next()
        }
        (Value::Number(wanted), Value::Number(found)) if wanted.is_f64() || found.is_f64() => {
            let is_close = match (wanted.as_f64(), found.as_f64()) {
                (Some(wanted), Some(found)) => (wanted - found).abs() <= TOLERANCE,
                _ => false,
            };
            (!is_close).then(|| said(expected, actual, at))
        }
        _ => (expected != actual).then(|| said(expected, actual, at)),
    }
}

fn said(expected: &Value, actual: &Value, at: &str) -> String {
    let place = if at.is_empty() { "the answer" } else { at };
    format!("{place} is {actual}, alone it was {expected}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(text: &str, confidence: f64, cotton: f64) -> Value {
        json!([{"generated_text": text, "confidence": confidence, "generated_tokens": 4,
                "choices": {"Cotton": cotton, "Wool": 0.25}}])
    }

    #[test]
    fn probabilities_may_differ_a_little_and_nothing_else_may() {
        let alone = answer("Fabric: Cotton", 0.5, 0.75);
        assert_eq!(
            difference(&alone, &answer("Fabric: Cotton", 0.500_009, 0.749_991)),
            None
        );
        for other in [
            answer("Fabric: Wool", 0.5, 0.75),
            answer("Fabric: Cotton", 0.500_02, 0.75),
            answer("Fabric: Cotton", 0.5, 0.750_02),
            json!([]),
            json!([{"generated_text": "Fabric: Cotton"}]),
            json!({"error": {"code": "internal"}}),
        ] {
            assert!(difference(&alone, &other).is_some(), "{other}");
        }
        assert!(difference(&json!(4), &json!(5)).is_some());
    }

    #[test]
    fn the_place_of_a_difference_is_said() {
        let said = difference(
            &answer("Fabric: Cotton", 0.5, 0.75),
            &answer("Fabric: Cotton", 0.5, 0.5),
        );
        assert_eq!(
            said.unwrap(),
            "[0].choices.Cotton is 0.5, alone it was 0.75"
        );
    }
}
