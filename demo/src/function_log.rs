//! What the function's log says about one product: one JSON object a line.

use serde_json::Value;

use crate::product::Steps;

/// Where the time of a product's last description went.
pub fn steps(log: &str, product_id: &str) -> Option<Steps> {
    let line = lines(log)
        .filter(|line| text(line, "outcome") == Some("described"))
        .rfind(|line| text(line, "product_id") == Some(product_id))?;
    serde_json::from_value(line).ok()
}

/// The reasons of failed attempts at the photo under `key`, oldest first.
pub fn failures(log: &str, key: &str) -> Vec<String> {
    lines(log)
        .filter(|line| text(line, "outcome") == Some("failed"))
        .filter(|line| text(line, "source") == Some(key))
        .filter_map(|line| Some(text(&line, "detail")?.to_owned()))
        .collect()
}

/// Whether the last failed attempt at the photo under `key` is written down in a record,
/// after which it is not repeated.
pub fn is_final(log: &str, key: &str) -> bool {
    lines(log)
        .filter(|line| text(line, "outcome") == Some("failed"))
        .rfind(|line| text(line, "source") == Some(key))
        .is_some_and(|line| line.get("record").is_some())
}

/// The lines that say what came of a product.
fn lines(log: &str) -> impl DoubleEndedIterator<Item = Value> + '_ {
    log.lines()
        .filter(|line| line.contains("outcome"))
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| text(line, "message") == Some("product"))
}

fn text<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    line.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"
{"level":"INFO","message":"product","outcome":"described","product_id":"a","source":"incoming/a.jpg","attributes_ms":10,"description_ms":900}
{"level":"ERROR","message":"product","outcome":"failed","source":"incoming/b.jpg","detail":"the photo is damaged"}
a line of another kind: outcome
{"_aws":{},"outcome":"described"}
{"level":"INFO","message":"product","outcome":"described","product_id":"a","source":"incoming/a.jpg","attributes_ms":20,"description_ms":800}
{"level":"INFO","message":"product","outcome":"skipped","product_id":"a","source":"incoming/a.jpg","reason":"described already"}
{"level":"ERROR","message":"product","outcome":"failed","source":"incoming/b.jpg","detail":"still damaged"}
{"level":"WARN","message":"product","outcome":"failed","source":"incoming/c.jpg","detail":"no photo","record":"s3://catalogue/failures/c.json"}
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

    #[test]
    fn a_failure_with_a_record_is_not_repeated() {
        assert!(is_final(LOG, "incoming/c.jpg"));
        assert!(!is_final(LOG, "incoming/b.jpg") && !is_final(LOG, "incoming/a.jpg"));
    }
}
