//! The YAML head of the card, which the hub reads.

use std::fmt::Write;

use serde_json::Value;

use super::{dataset, modes};
use crate::evaluate::evaluation::Evaluation;
use crate::evaluate::measure::Estimate;

pub(super) fn head(evaluation: &Evaluation, base: Option<&str>, license: Option<&str>) -> String {
    let mut head = String::from("---\nlanguage: en\n");
    if let Some(license) = license {
        let _ = writeln!(head, "license: {}", quoted(license));
    }
    head.push_str("library_name: transformers\npipeline_tag: visual-question-answering\n");
    head.push_str("tags:\n- blip-2\n- fashion\n");
    if let Some(base) = base {
        let _ = writeln!(head, "base_model: {}", quoted(base));
    }
    head.push_str("metrics:\n- accuracy\n- f1\n");
    let Some(model) = evaluation.systems.first() else {
        return head + "---\n";
    };
    let _ = write!(
        head,
        "model-index:\n- name: {}\n  results:\n  - task:\n      type: visual-question-answering\n\
         \x20     name: Attributes of fashion products\n    dataset:\n      type: {}\n      name: {}\n\
         \x20     split: test\n    metrics:\n",
        quoted(&evaluation.model),
        quoted(dataset(evaluation)),
        quoted(&format!("Fashion products, {}", dataset(evaluation))),
    );
    for (mode, results) in modes(model) {
        for average in results.averages.iter().take(1) {
            metric(
                &mut head,
                "accuracy",
                "Mean accuracy",
                mode,
                &average.accuracy,
            );
            metric(&mut head, "f1", "Mean macro-F1", mode, &average.macro_f1);
        }
        for attribute in &results.attributes {
            let name = &attribute.attribute;
            metric(
                &mut head,
                "accuracy",
                &format!("{name}: accuracy"),
                mode,
                &attribute.accuracy,
            );
            metric(
                &mut head,
                "f1",
                &format!("{name}: macro-F1"),
                mode,
                &attribute.macro_f1,
            );
        }
    }
    head + "---\n"
}

fn metric(head: &mut String, kind: &str, name: &str, mode: &str, estimate: &Estimate) {
    if let Some(value) = estimate.value {
        let name = quoted(&format!("{name}, {mode}"));
        let _ = write!(
            head,
            "    - type: {kind}\n      value: {value:.4}\n      name: {name}\n"
        );
    }
}

/// A text as YAML in double quotes, of which JSON is a part.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
