//! The model card: `README.md` in the form of the Hugging Face hub.
//!
//! Its head is YAML with the results in `model-index`, which the hub reads
//! (<https://github.com/huggingface/hub-docs/blob/main/modelcard.md>); the rest
//! is for people.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Result, ensure};
use serde_json::Value;

use super::evaluation::{Evaluation, SystemResults};
use super::measure::{Estimate, Results};
use super::report::{difference, with_interval};

/// The card's name in a checkpoint's folder.
pub const FILE: &str = "README.md";

/// By this line a card is known as one that may be written anew.
const MARK: &str = "<!-- written by `trainer evaluate` -->";

/// What training left in a checkpoint's folder about itself.
const TRAINING_FILE: &str = "training.json";

/// Says whether a card may be written at `path`: there is none, or it is one of
/// these.
///
/// # Errors
/// When somebody else's card is there.
pub fn check_replaceable(path: &Path) -> Result<()> {
    let present = std::fs::read(path);
    let ours = |card: Vec<u8>| String::from_utf8_lossy(&card).contains(MARK);
    ensure!(
        !path.exists() || present.is_ok_and(ours),
        "{} was written by somebody else: move it away, or leave --write-card out and take the \
         card from --out",
        path.display()
    );
    Ok(())
}

/// The card of an evaluated model. `model_dir` is its folder, where training
/// may have left facts about itself; `license` is the hub's identifier.
#[must_use]
pub fn card(evaluation: &Evaluation, model_dir: Option<&Path>, license: Option<&str>) -> String {
    let training = model_dir.and_then(|folder| {
        let text = std::fs::read(folder.join(TRAINING_FILE)).ok()?;
        serde_json::from_slice::<Value>(&text).ok()
    });
    let base = training.as_ref().and_then(base_model);
    let mut card = head(evaluation, base, license);
    // Writing into a text can't fail.
    let _ = write!(card, "{MARK}\n\n{}", body(evaluation, training.as_ref()));
    card
}

fn base_model(training: &Value) -> Option<&str> {
    ["base_model", "model-name", "model_name"]
        .iter()
        .find_map(|name| training.get(name)?.as_str())
        .filter(|name| !name.is_empty())
}

fn head(evaluation: &Evaluation, base: Option<&str>, license: Option<&str>) -> String {
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

/// The name of the file of questions, without its folder.
fn dataset(evaluation: &Evaluation) -> &str {
    let file = &evaluation.data.file;
    file.rsplit(['/', '\\']).next().unwrap_or(file)
}

fn modes(system: &SystemResults) -> impl Iterator<Item = (&'static str, &Results)> {
    let free = system.free.iter().map(|results| ("free answers", results));
    let held = match system.free {
        Some(_) => "answers held to the vocabulary",
        None => "baseline",
    };
    free.chain([(held, &system.held)])
}

fn body(evaluation: &Evaluation, training: Option<&Value>) -> String {
    let data = &evaluation.data;
    let mut body = format!(
        "# {}\n\nA BLIP-2 model with a Flan-T5 language model that answers questions about \
         photographs of fashion products, one question an attribute: \"Question: What is the \
         pattern of the shirt in this picture? Answer: \" is answered by \"Pattern: Striped\".\n\n\
         ## Evaluation\n\n{} products and {} questions of {}, in percent, with {:.0} % intervals \
         ({} bootstrap resamples of the products). Macro-F1 is the mean F1 over the values that \
         are true or answered; the means are over the attributes.\n\n",
        line(&evaluation.model),
        data.products,
        data.questions,
        code(dataset(evaluation)),
        evaluation.method.interval_level * 100.0,
        evaluation.method.resamples,
    );
    comparison(&mut body, evaluation);
    if let Some(model) = evaluation.systems.first() {
        by_attribute(&mut body, model);
        abstaining(&mut body, model);
        missing_truth(&mut body, model);
    }
    limits(&mut body, evaluation);
    if let Some(facts) = training {
        body.push_str("\n## Training\n\n| what | value |\n|---|---|\n");
        list_facts(&mut body, "", facts);
    }
    body
}

fn comparison(body: &mut String, evaluation: &Evaluation) {
    body.push_str(
        "| answers | mean accuracy | mean macro-F1 | model ahead in macro-F1 |\n\
         |---|---|---|---|\n",
    );
    for system in &evaluation.systems {
        for (mode, results) in modes(system) {
            let Some(average) = results.averages.first() else {
                continue;
            };
            let ahead = average.model_ahead_macro_f1.as_ref();
            let _ = writeln!(
                body,
                "| {}, {mode} | {} | {} | {} |",
                line(&system.name),
                with_interval(&average.accuracy),
                with_interval(&average.macro_f1),
                ahead.map(difference).unwrap_or_default()
            );
        }
    }
}

fn by_attribute(body: &mut String, model: &SystemResults) {
    for (mode, results) in modes(model) {
        let _ = write!(
            body,
            "\nBy attribute, {mode}:\n\n| attribute | questions | accuracy | macro-F1 | ECE |\n\
             |---|---|---|---|---|\n"
        );
        for attribute in &results.attributes {
            let error = attribute
                .calibration
                .as_ref()
                .map_or(0.0, |calibration| calibration.expected_calibration_error);
            let _ = writeln!(
                body,
                "| {} | {} | {} | {} | {:.1} |",
                line(&attribute.attribute),
                attribute.questions,
                with_interval(&attribute.accuracy),
                with_interval(&attribute.macro_f1),
                error * 100.0
            );
        }
    }
}

fn abstaining(body: &mut String, model: &SystemResults) {
    let mut rows = String::new();
    for (mode, results) in modes(model) {
        for point in &results.selective {
            let accuracy = point.accuracy.map(|share| format!("{:.1}", share * 100.0));
            let _ = writeln!(
                rows,
                "| {mode} | {} | {:.1} | {} |",
                point.threshold,
                point.coverage * 100.0,
                accuracy.unwrap_or_else(|| "–".to_owned())
            );
        }
    }
    if !rows.is_empty() {
        let _ = write!(
            body,
            "\nWhere answers under a confidence are withheld:\n\n| answers | confidence from | \
             answered | right of these |\n|---|---|---|---|\n{rows}"
        );
    }
}

fn missing_truth(body: &mut String, model: &SystemResults) {
    for (mode, results) in modes(model) {
        let Some(missing) = &results.missing_truth else {
            continue;
        };
        let known = missing.known_mean_confidence.unwrap_or_default();
        let auroc = missing.auroc.map(|auroc| format!("{auroc:.2}"));
        let _ = write!(
            body,
            "\nWhere the data have no value (NA; {} questions), {mode} have a mean confidence of \
             {:.1} %, against {:.1} % where they have one; the confidence tells both apart with \
             an AUROC of {} (0.5 is chance).\n",
            missing.questions,
            missing.mean_confidence * 100.0,
            known * 100.0,
            auroc.unwrap_or_else(|| "–".to_owned())
        );
    }
}

fn limits(body: &mut String, evaluation: &Evaluation) {
    let data = &evaluation.data;
    body.push_str("\n## Limits\n\n");
    body.push_str(
        "- Values in the data are lopsided and some are wrong; a constant answer reaches a high \
         accuracy, so compare macro-F1 with the baselines above.\n\
         - Asked about an attribute that a garment does not have, the model may answer all the \
         same.\n",
    );
    if data.products_in_training > 0 {
        let _ = writeln!(
            body,
            "- {} of the products were in the training file as well, so that these numbers are \
             too good.",
            data.products_in_training
        );
    }
    if !data.unusable_photos.is_empty() {
        let _ = writeln!(
            body,
            "- {} products were left out because their photo could not be used.",
            data.unusable_photos.len()
        );
    }
}

/// The numbers, texts and switches of training, nested ones under joined names.
fn list_facts(body: &mut String, name: &str, facts: &Value) {
    match facts {
        Value::Object(fields) => {
            for (field, value) in fields {
                let name = match name {
                    "" => field.clone(),
                    outer => format!("{outer}.{field}"),
                };
                list_facts(body, &name, value);
            }
        }
        Value::Array(values) if values.iter().all(|value| !value.is_object()) => {
            let values: Vec<String> = values.iter().map(scalar).collect();
            let _ = writeln!(body, "| {} | {} |", line(name), line(&values.join(", ")));
        }
        Value::Array(_) | Value::Null => {}
        value => {
            let _ = writeln!(body, "| {} | {} |", line(name), line(&scalar(value)));
        }
    }
}

fn scalar(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A text as YAML in double quotes, of which JSON is a part.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text that stays on its line and in its cell.
fn line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
        .replace('|', "\\|")
        .replace('<', "&lt;")
}

fn code(text: &str) -> String {
    format!("`{}`", line(&text.replace('`', "'")))
}

#[cfg(test)]
mod tests {
    use super::super::example::evaluation;
    use super::*;

    #[test]
    fn the_head_is_what_the_hub_reads() {
        let card = card(&evaluation(), None, Some("apache-2.0"));
        let (head, body) = card
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .unwrap();
        for line in [
            "license: \"apache-2.0\"",
            "pipeline_tag: visual-question-answering",
            "model-index:",
            "- name: \"mini \\\"<script>\\\"\\n---\"",
            "      type: \"vqa_test.csv\"",
            "    - type: accuracy",
            "      value: 0.6667",
            "      name: \"Fabric: macro-F1, answers held to the vocabulary\"",
        ] {
            assert!(head.lines().any(|known| known == line), "{line}\n{head}");
        }
        assert!(body.starts_with(MARK));
        assert!(!body.contains("<script>"));
        assert!(
            body.contains("| constant \\| answer, baseline | 33.3 ("),
            "{body}"
        );
        assert!(body.contains("2 of the products were in the training file"));
        assert!(!body.contains("## Training"));
    }

    #[test]
    fn what_training_left_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let facts = r#"{"base_model": "org/base", "epochs": 3, "lora": {"r": 8, "targets":
            ["q", "v"]}, "history": [{"loss": 1}], "gone": null}"#;
        std::fs::write(folder.path().join(TRAINING_FILE), facts).unwrap();
        let card = card(&evaluation(), Some(folder.path()), None);
        assert!(card.contains("\nbase_model: \"org/base\"\n"));
        assert!(card.contains("| epochs | 3 |\n| lora.r | 8 |\n| lora.targets | q, v |\n"));
        assert!(!card.contains("history") && !card.contains("gone"));
        assert!(!card.contains("license:"));
    }

    #[test]
    fn only_its_own_card_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        assert!(check_replaceable(&path).is_ok());
        std::fs::write(&path, card(&evaluation(), None, None)).unwrap();
        assert!(check_replaceable(&path).is_ok());
        std::fs::write(&path, "# Mine").unwrap();
        assert!(check_replaceable(&path).is_err());
        std::fs::write(&path, b"\xff").unwrap();
        assert!(check_replaceable(&path).is_err());
    }
}
