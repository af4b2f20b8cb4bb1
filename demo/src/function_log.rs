//! What the function's log says about one product: one JSON object a line.

use serde_json::Value;

use crate::product::Steps;

/// Where the time of a product's last description went.
pub fn steps(log: &str, product_id: &str) -> Option<Steps> {
    let line = lines(log, "described")
        .rfind(|line| line.get("product_id").and_then(Value::as_str) == Some(product_id))?;
    serde_json::from_value(line).ok()
}

/// The reasons of failed attempts at the photo under `key`, oldest first.
pub fn failures(log: &str, key: &str) -> Vec<String> {
    lines(log, "not described")
        .filter(|line| line.get("key").and_then(Value::as_str) == Some(key))
        .filter_map(|line| Some(line.get("detail")?.as_str()?.to_owned()))
        .collect()
}

fn lines<'a>(log: &'a str, message: &'a str) -> impl DoubleEndedIterator<Item = Value> + 'a {
    log.lines()
        .filter(move |line| line.contains(message))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(move |line| line.get("message").and_then(Value::as_str) == Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"
{"level":"INFO","product_id":"a","attributes_ms":10,"description_ms":900,"message":"described"}
{"level":"ERROR","key":"incoming/b.jpg","detail":"the photo is damaged","message":"not described"}
a line of another kind: described
{"level":"INFO","product_id":"a","attributes_ms":20,"description_ms":800,"message":"described"}
{"level":"ERROR","key":"incoming/b.jpg","detail":"still damaged","message":"not described"}
"#;

    #[test]
    fn the_last_description_counts() {
        assert_eq!(
            steps(LOG, "a"),
            Some(Steps {
                attributes_ms: 20,
                description_ms: 800
            })
        );
        assert_eq!(steps(LOG, "b"), None);
    }

    #[test]
    fn failures_are_found_by_their_key() {
        assert_eq!(
            failures(LOG, "incoming/b.jpg"),
            ["the photo is damaged", "still damaged"]
        );
        assert!(failures(LOG, "incoming/a.jpg").is_empty());
    }
}
