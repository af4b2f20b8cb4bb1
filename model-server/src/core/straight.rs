//! Answers without a queue, for a program that asks once.

use std::sync::Arc;

use blip2::{LoadedAdapter, Question};
use candle_core::Tensor;
use tokio::time::Instant;

use super::answer::Answer;
use super::extent::Extent;
use super::gather::{Candidate, gather};
use super::inference::encode_images;
use super::metrics::Metrics;
use super::questions::ReadQuestion;
use super::{
    AnswerRequest, Answered, CoreError, ImageCacheUse, Limits, Scheduling, photos, questions,
};
use crate::backend::Backend;

/// Answers on the calling thread, with `adapter` if there is one; the request's
/// name of an adapter is not looked up.
///
/// # Errors
/// When a question or choice has too many tokens, the photograph is none, or
/// the model fails.
pub fn answer_at_once(
    backend: &dyn Backend,
    request: &AnswerRequest,
    adapter: Option<&Arc<LoadedAdapter>>,
    limits: &Limits,
) -> Result<Answered, CoreError> {
    let metrics = Metrics::new(&backend.description());
    let photo = photos::prepare(backend, &request.image, limits.max_pixels, &metrics)?;
    let read = questions::read(backend, request.questions.clone(), adapter, limits)?;
    let image_features = encode_images(backend, &[photo.pixel_values])?.remove(0);

    let image_tokens = image_features.dims().first().copied().unwrap_or(0);
    let now = Instant::now();
    let candidate = |question: &ReadQuestion| Candidate {
        extent: Extent::of(image_tokens, question.prompt.len(), &question.task),
        ready_at: now,
        alone: None,
    };
    let max_tokens = Scheduling::default().max_batch_tokens;
    let mut answers: Vec<Option<Answer>> = vec![None; read.len()];
    let mut unasked: Vec<(usize, ReadQuestion)> = read.into_iter().enumerate().collect();
    while !unasked.is_empty() {
        let candidates: Vec<Candidate> = unasked.iter().map(|(_, one)| candidate(one)).collect();
        let gathered = gather(&candidates, max_tokens, |_| true);
        let positions = gathered.map(|batch| batch.questions).unwrap_or_default();
        let batch = positions.into_iter().rev();
        let batch = batch.map(|position| unasked.remove(position)).collect();
        for (index, answer) in answer_batch(backend, &image_features, batch)? {
            answers[index] = Some(answer);
        }
    }
    Ok(Answered {
        answers: answers.into_iter().flatten().collect(),
        photo: photo.size,
        image_cache: ImageCacheUse::Off,
    })
}

fn answer_batch(
    backend: &dyn Backend,
    image_features: &Tensor,
    mut batch: Vec<(usize, ReadQuestion)>,
) -> Result<Vec<(usize, Answer)>, CoreError> {
    let questions: Vec<Question> = batch
        .iter()
        .map(|(_, question)| Question {
            image_features: image_features.clone(),
            prompt: question.prompt.clone(),
            task: question.task.clone(),
            adapter: question.adapter.clone(),
        })
        .collect();
    let mut decoding = backend.start(&questions).map_err(CoreError::backend)?;
    let mut answers = Vec::with_capacity(batch.len());
    while !decoding.is_done() {
        for (index, outcome) in decoding.step().map_err(CoreError::backend)? {
            let (request_index, question) = batch.get_mut(index).ok_or(CoreError::OtherKind)?;
            let answer = Answer::new(outcome, question.choices.take());
            answers.push((*request_index, answer.ok_or(CoreError::OtherKind)?));
        }
    }
    if answers.len() != batch.len() {
        return Err(CoreError::AnswerCount {
            answers: answers.len(),
            questions: batch.len(),
        });
    }
    Ok(answers)
}
