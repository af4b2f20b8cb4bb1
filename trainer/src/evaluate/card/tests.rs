use super::*;
use crate::evaluate::example::evaluation;

#[test]
fn the_head_is_what_the_hub_reads() {
    let card = card(&evaluation(), &Training::default(), Some("apache-2.0"));
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
    // What is known of NA, of each way of answering.
    assert_eq!(body.matches("(NA; 1 questions)").count(), 2, "{body}");
    assert_eq!(body.matches("with an AUROC of 0.50 ").count(), 2, "{body}");
    assert!(body.contains("2 of the products were in the training file"));
    assert!(!body.contains("## Training"));
}

#[test]
fn without_resamples_there_is_no_word_of_intervals() {
    let mut example = evaluation();
    let card = |example: &Evaluation| card(example, &Training::default(), None);
    let told = "in percent, with 95 % intervals (10 bootstrap resamples of the products). Macro";
    assert!(card(&example).contains(told));
    example.method.resamples = 0;
    assert!(card(&example).contains("in percent. Macro"));
}

#[test]
fn what_training_left_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let facts = r#"{"base_model": "org/base", "epochs": 3, "lora": {"r": 8, "targets":
        ["q", "v"]}, "history": [{"loss": 1}], "gone": null}"#;
    std::fs::write(folder.path().join("training.json"), facts).unwrap();
    let events = [
        r#"{"event": "step", "step": 1, "epoch": 1, "loss": 2.0, "learning_rate": 0.1,
            "gradient_norm": 1.0, "questions": 16, "seconds": 0.5}"#
            .replace('\n', ""),
        r#"{"event": "epoch", "epoch": 1, "loss": 2.0, "validation_loss": 1.5, "macro_f1": 0.25,
            "seconds": 60.0, "validation_seconds": 2.0, "peak_memory_mib": 100.0}"#
            .replace('\n', ""),
    ];
    std::fs::write(folder.path().join("metrics.jsonl"), events.join("\n")).unwrap();
    let read = || Training::read(Some(folder.path()), None);
    let card = card(&evaluation(), &read().unwrap(), None);
    assert!(card.contains("\n1 optimizer steps, 0 skipped.\n"), "{card}");
    assert!(card.contains("| 1 | 2.0000 | 1.5000 | 0.2500 | 60 |\n"));
    assert!(card.contains("\nbase_model: \"org/base\"\n"));
    assert!(card.contains("| epochs | 3 |\n| lora.r | 8 |\n| lora.targets | q, v |\n"));
    assert!(!card.contains("history") && !card.contains("gone"));
    assert!(!card.contains("license:"));
    std::fs::write(folder.path().join("metrics.jsonl"), "{}").unwrap();
    let error = read().unwrap_err().to_string();
    assert!(error.contains("metrics.jsonl, line 1"), "{error}");
}

#[test]
fn a_label_of_training_is_a_title_and_a_name_on_the_hub_the_base() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| {
        let facts = serde_json::json!({ "model-name": name }).to_string();
        std::fs::write(folder.path().join("training.json"), facts).unwrap();
        Training::read(Some(folder.path()), None).unwrap()
    };
    let label = read("shirts of 2026/27");
    assert_eq!(
        (label.label(), label.base_model()),
        (Some("shirts of 2026/27"), None)
    );
    let base = read("owner/blip2-flan-t5-xl");
    assert_eq!(
        (base.label(), base.base_model()),
        (None, Some("owner/blip2-flan-t5-xl"))
    );
    assert_eq!((read("").label(), read("/x").label()), (None, Some("/x")));
}

#[test]
fn only_its_own_card_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let check = || check_replaceable(&path, "go elsewhere");
    assert!(check().is_ok());
    std::fs::write(&path, card(&evaluation(), &Training::default(), None)).unwrap();
    assert!(check().is_ok());
    std::fs::write(&path, "# Mine").unwrap();
    assert!(check().is_err());
    std::fs::write(&path, b"\xff").unwrap();
    assert!(check().is_err());
}
