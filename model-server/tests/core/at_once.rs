//! Answers without a queue.

use model_server::core::{AnswerRequest, CoreError, ImageCacheUse, Limits, answer_at_once};

use crate::choices::held;
use crate::support::{bare, echo, free, photo};

#[test]
fn every_question_is_answered_in_its_place() {
    let backend = echo();
    let limits = Limits::default();
    let long = "x".repeat(300);
    let mut questions: Vec<_> = (0..20).map(|number| free(&format!("Q{number}"))).collect();
    questions.insert(1, free(&long));
    questions.insert(2, held("What?", &["Wool", "Cotton"], None));
    let request = AnswerRequest::new(photo(7), questions, &limits).unwrap();
    let answered = answer_at_once(&*backend, &request, None, &limits).unwrap();
    let texts: Vec<&str> = answered
        .answers
        .iter()
        .map(|one| one.text.as_str())
        .collect();
    assert_eq!(texts.len(), 22);
    assert_eq!(texts[0], "Q0: 7");
    assert_eq!(texts[1], format!("{long}: 7"));
    assert_eq!(texts[2], "Fabric: Wool");
    assert_eq!(texts[21], "Q19: 7");
    assert_eq!(answered.photo.width, 7);
    assert_eq!(answered.image_cache, ImageCacheUse::Off);
    // The long prompt is not what the others are padded to.
    let batches = backend.batches();
    let alone = batches.iter().find(|batch| bare(&batch[0]) == long);
    assert_eq!(alone.unwrap().len(), 1);
    assert_eq!(backend.encoded(), [1]);
}

#[test]
fn what_fails_is_an_error() {
    let limits = Limits::default();
    let broken = photo(7).slice(..30);
    let request = AnswerRequest::new(broken, vec![free("A")], &limits).unwrap();
    let error = answer_at_once(&*echo(), &request, None, &limits).unwrap_err();
    assert!(matches!(error, CoreError::Photo(_)), "{error}");
}
