//! Answers that are held to given values.

use model_server::core::{Choices, CoreError, QuestionForm, Scheduling, TaskForm};

use crate::support::{answered, ask, echo, free, metric, photo, start};

pub fn held(prompt: &str, values: &[&str], abstain_below: Option<f64>) -> QuestionForm {
    QuestionForm {
        prompt: prompt.to_owned(),
        task: TaskForm::Choose(Choices {
            values: values.iter().map(|&value| value.to_owned()).collect(),
            texts: values
                .iter()
                .map(|value| format!("Fabric: {value}"))
                .collect(),
            abstain_below,
        }),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn choices_and_free_answers_share_a_batch() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    // To the fake, a text is as likely as it is short.
    let questions = vec![
        free("A"),
        held("What?", &["Cotton", "Wool", "Silk"], None),
        held("What?", &["Viscose", "Silk"], Some(0.999)),
    ];
    let answers = answered(ask(&core, photo(4), questions))
        .await
        .unwrap()
        .answers;
    assert_eq!(backend.batches().len(), 1);

    assert_eq!(answers[0].text, "A: 4");
    assert_eq!((&answers[0].choices, answers[0].abstained), (&None, false));

    let chosen = &answers[1];
    assert_eq!(chosen.text, "Fabric: Wool");
    assert_eq!(chosen.pair, Some(("Fabric".to_owned(), "Wool".to_owned())));
    let choices = chosen.choices.as_ref().unwrap();
    let values: Vec<&str> = choices.iter().map(|(value, _)| value.as_str()).collect();
    assert_eq!(values, ["Cotton", "Wool", "Silk"]);
    let sum: f64 = choices.iter().map(|(_, probability)| probability).sum();
    assert!((sum - 1.0).abs() < 1e-12);
    // Two tokens more make a choice e^-2 times as likely; the first of equals
    // is taken.
    assert!((choices[0].1 / choices[1].1 - (-2f64).exp()).abs() < 1e-12);
    assert_eq!(choices[1].1, choices[2].1);
    assert_eq!(chosen.confidence, choices[1].1);
    assert_eq!(chosen.generated_tokens, "Fabric: Wool".len() + 1);
    assert!(!chosen.abstained);

    assert!(answers[2].abstained && answers[2].text == "Fabric: Silk");
    let tokens = answers.iter().map(|answer| answer.generated_tokens as u64);
    assert_eq!(metric(&core, "generated_tokens_total"), tokens.sum::<u64>());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_choices_is_said_before_anything_is_computed() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let long = "y".repeat(40);
    for (values, part) in [
        (vec!["Cotton", "Wool", "Cotton"], "`Fabric: Cotton`"),
        (vec!["Cotton", &long], "49 tokens, the limit is 40"),
    ] {
        let questions = vec![free("A"), held("What?", &values, None)];
        let error = answered(ask(&core, photo(4), questions)).await.unwrap_err();
        assert!(matches!(error, CoreError::Request(_)), "{error}");
        let message = error.to_string();
        assert!(
            message.contains(part) && message.contains("question 2"),
            "{message}"
        );
    }
    assert_eq!(backend.events(), []);
    assert_eq!(metric(&core, "questions_waiting"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_choices_are_taken() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let values: Vec<String> = (0..1_000).map(|number| format!("value {number}")).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let questions = vec![held("What?", &values, None); 4];
    let answers = answered(ask(&core, photo(4), questions))
        .await
        .unwrap()
        .answers;
    for answer in answers {
        assert_eq!(answer.text, "Fabric: value 0");
        assert_eq!(answer.choices.unwrap().len(), 1_000);
    }
}
