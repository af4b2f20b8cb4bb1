//! Who stands in for endpoint and writer while batch services do their work: those who
//! note what would be asked, and those who know what was answered.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::adapters::sagemaker::transform;
use crate::domain::{
    AskError, AttributeModel, Deadline, Describer, DescriberError, ModelAnswer, Photo, Prompt,
    WrittenDescription, digest,
};

/// Tells lists of questions apart.
pub fn mark_of_questions(questions: &[String]) -> String {
    digest(questions.iter().map(String::as_bytes))
}

/// Tells prompts apart, in 16 characters.
pub fn mark_of_prompt(prompt: &Prompt) -> String {
    let mut mark = digest([prompt.system.as_bytes(), prompt.user.as_bytes()]);
    mark.truncate(16);
    mark
}

/// What a model would have been asked.
pub struct Question {
    /// As small as the endpoint takes it.
    pub photo: Photo,
    /// The bare questions.
    pub questions: Vec<String>,
}

/// Notes the questions, and answers none.
pub struct NotingModel {
    live: Arc<dyn AttributeModel>,
    noted: Mutex<Option<Question>>,
}

impl NotingModel {
    /// In the place of the live one.
    pub fn new(live: Arc<dyn AttributeModel>) -> NotingModel {
        NotingModel {
            live,
            noted: Mutex::new(None),
        }
    }

    /// What was noted, if anything was asked.
    pub fn take(&self) -> Option<Question> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.take()
    }
}

#[async_trait]
impl AttributeModel for NotingModel {
    fn name(&self) -> &str {
        self.live.name()
    }

    fn max_photo_bytes(&self, questions: &[String]) -> usize {
        self.live.max_photo_bytes(questions)
    }

    async fn ask(
        &self,
        photo: &Photo,
        questions: &[String],
        _deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>> {
        let question = Question {
            photo: photo.clone(),
            questions: questions.to_vec(),
        };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some(question);
        unanswered(self.name(), questions)
    }
}

/// Knows the answers to one list of questions.
pub struct KnownAnswers {
    /// Who asks about everything else; nobody where that is not wanted.
    pub otherwise: Option<Arc<dyn AttributeModel>>,
    /// Whose answers they are.
    pub live: Arc<dyn AttributeModel>,
    /// The questions, by [`mark_of_questions`].
    pub questions: String,
    /// The answers, as the model server gave them.
    pub line: String,
}

#[async_trait]
impl AttributeModel for KnownAnswers {
    fn name(&self) -> &str {
        self.live.name()
    }

    fn max_photo_bytes(&self, questions: &[String]) -> usize {
        self.live.max_photo_bytes(questions)
    }

    async fn ask(
        &self,
        photo: &Photo,
        questions: &[String],
        deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>> {
        let known = (mark_of_questions(questions) == self.questions)
            .then(|| transform::answers(&self.line, questions.len()))
            .flatten();
        match (known, &self.otherwise) {
            (Some(answers), _) => answers.into_iter().map(Ok).collect(),
            (None, Some(live)) => live.ask(photo, questions, deadline).await,
            (None, None) => unanswered(self.name(), questions),
        }
    }
}

fn unanswered(endpoint: &str, questions: &[String]) -> Vec<Result<ModelAnswer, AskError>> {
    let error = AskError::Unavailable {
        endpoint: endpoint.to_owned(),
        attempts: 0,
        reason: "it is not asked in this step".to_owned(),
    };
    vec![Err(error); questions.len()]
}

/// Notes the prompt, and writes nothing.
#[derive(Default)]
pub struct NotingDescriber {
    noted: Mutex<Option<Prompt>>,
}

impl NotingDescriber {
    /// What was noted, if a text was asked for.
    pub fn take(&self) -> Option<Prompt> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.take()
    }
}

#[async_trait]
impl Describer for NotingDescriber {
    async fn describe(
        &self,
        prompt: &Prompt,
        _deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *noted = Some(prompt.clone());
        Err(DescriberError::NoModelAvailable {
            reasons: Vec::new(),
        })
    }
}

/// Knows the text for one prompt. All else is the live one's, the mending of that text
/// with it.
pub struct KnownText {
    live: Arc<dyn Describer>,
    prompt: String,
    text: Mutex<Option<WrittenDescription>>,
}

impl KnownText {
    /// The text for the prompt of this [`mark_of_prompt`].
    pub fn new(live: Arc<dyn Describer>, prompt: String, text: WrittenDescription) -> KnownText {
        KnownText {
            live,
            prompt,
            text: Mutex::new(Some(text)),
        }
    }

    fn known(&self, prompt: &Prompt) -> Option<WrittenDescription> {
        if prompt.correction.is_some() || mark_of_prompt(prompt) != self.prompt {
            return None;
        }
        let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.take()
    }
}

#[async_trait]
impl Describer for KnownText {
    async fn describe(
        &self,
        prompt: &Prompt,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        match self.known(prompt) {
            Some(written) => Ok(written),
            None => self.live.describe(prompt, deadline).await,
        }
    }
}
