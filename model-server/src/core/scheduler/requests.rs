//! The requests that are owed answers.

use std::collections::HashMap;

use blip2::Outcome;
use tokio::sync::oneshot;

use super::super::answer::Answer;
use super::super::photos::PhotoSize;
use super::super::{Answered, Choices, CoreError, ImageCacheUse};

/// Names a request within a server.
pub(in super::super) type RequestId = u64;

/// Where the answers to a request are waited for.
pub(in super::super) type Reply = oneshot::Sender<Result<Answered, CoreError>>;

/// All requests that wait for something.
#[derive(Default)]
pub(super) struct Requests(HashMap<RequestId, Request>);

/// A request whose answers come in one by one.
pub(super) struct Request {
    image_cache: ImageCacheUse,
    photo: PhotoSize,
    /// What each question is held to, until it is answered.
    choices: Vec<Option<Choices>>,
    answers: Vec<Option<Answer>>,
    unanswered: usize,
    reply: Reply,
}

impl Request {
    pub(super) fn new(choices: Vec<Option<Choices>>, reply: Reply) -> Request {
        let count = choices.len();
        Request {
            image_cache: ImageCacheUse::Off,
            photo: PhotoSize {
                width: 0,
                height: 0,
            },
            choices,
            answers: vec![None; count],
            unanswered: count,
            reply,
        }
    }
}

impl Requests {
    pub(super) fn add(&mut self, id: RequestId, request: Request) {
        self.0.insert(id, request);
    }

    /// Notes what is known of a request's photograph.
    pub(super) fn set_photo(
        &mut self,
        id: RequestId,
        photo: PhotoSize,
        image_cache: ImageCacheUse,
    ) {
        if let Some(request) = self.0.get_mut(&id) {
            request.photo = photo;
            request.image_cache = image_cache;
        }
    }

    /// Takes an answer, and replies with the last one. Returns its number of
    /// tokens.
    ///
    /// # Errors
    /// When it answers another kind of question.
    pub(super) fn answer(
        &mut self,
        id: RequestId,
        question: usize,
        outcome: Outcome,
    ) -> Result<usize, CoreError> {
        // One that is gone needs no answer.
        let Some(request) = self.0.get_mut(&id) else {
            return Ok(0);
        };
        let choices = request.choices[question].take();
        let answer = Answer::new(outcome, choices).ok_or(CoreError::OtherKind)?;
        let tokens = answer.generated_tokens;
        request.answers[question] = Some(answer);
        request.unanswered -= 1;
        if request.unanswered == 0
            && let Some(request) = self.0.remove(&id)
        {
            // A client that has left needs no answer.
            let _ = request.reply.send(Ok(Answered {
                answers: request.answers.into_iter().flatten().collect(),
                photo: request.photo,
                image_cache: request.image_cache,
            }));
        }
        Ok(tokens)
    }

    /// Forgets a request. Returns whether it was there.
    pub(super) fn remove(&mut self, id: RequestId) -> bool {
        self.0.remove(&id).is_some()
    }

    /// Tells a request that it fails.
    pub(super) fn fail(&mut self, id: RequestId, error: CoreError) {
        if let Some(request) = self.0.remove(&id) {
            let _ = request.reply.send(Err(error));
        }
    }
}
