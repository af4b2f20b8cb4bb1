//! What the terminal says about products, one by one and at the end.

use std::path::Path;

use crate::product::{Outcome, Product};
use crate::results::Results;

/// One product in one line.
pub fn line(product: &Product) -> String {
    let Product {
        id,
        way,
        seconds,
        outcome,
        ..
    } = product;
    match outcome {
        Outcome::Described { result, .. } => {
            let values: Vec<&str> = result.attributes.values().map(String::as_str).collect();
            format!("{id} by {way}, {seconds:.1} s: {}", values.join(", "))
        }
        Outcome::Failed { reason } => {
            format!("{id} by {way} FAILED after {seconds:.1} s: {reason}")
        }
    }
}

/// Lines about the whole run.
pub fn of(results: &Results, page: &Path) -> Vec<String> {
    let described = results.described().count();
    let mut lines = vec![
        String::new(),
        format!(
            "{described} of {} products described.",
            results.products.len()
        ),
    ];
    if let Some(seconds) = results.median_seconds {
        lines.push(format!(
            "Median time from picture to description: {seconds:.1} s."
        ));
    }
    if let Some(bytes) = results.model_server_peak_bytes {
        lines.push(format!(
            "Peak memory of the model server: {} MiB.",
            bytes >> 20
        ));
    }
    for (product, reason) in results.failed() {
        lines.push(format!(
            "Not described: {} ({}): {reason}",
            product.file, product.way
        ));
    }
    if !results.skipped.is_empty() {
        lines.push(format!(
            "No photographs, left out: {}.",
            results.skipped.join(", ")
        ));
    }
    lines.push(format!("The page: {}", page.display()));
    lines
}
