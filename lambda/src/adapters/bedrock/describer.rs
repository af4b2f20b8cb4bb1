//! Which model writes, and what happens when it does not.

use std::sync::OnceLock;

use async_trait::async_trait;
use aws_sdk_bedrockruntime::operation::converse::builders::ConverseInputBuilder;
use bytes::Bytes;
use futures::TryStreamExt;

use super::answer::{Unwritten, Written};
use super::drafts::Drafts;
use super::growing::Growing;
use super::{
    InvokeModel, ModelError, ModelErrorKind, converse, converse_parts, message_parts, messages,
};
use crate::adapters::dependency::Dependency;
use crate::adapters::retry::{Failure, retry};
use crate::domain::{
    Audience, Deadline, Describer, DescriberError, Format, Price, Prompt, WrittenDescription,
};
use crate::settings::{BedrockApi, LISTING_MAX_TOKENS, MAX_TOKENS, Settings};

/// Asks the models of a list in order until one answers.
///
/// - A model that is gone is not asked again by this process.
/// - A model without access is passed over with a warning that names it, and
///   asked again next time: access can be granted while the process lives.
/// - A model that keeps failing is passed over likewise, and left alone for a while.
/// - A throttled model is waited for as long as time allows.
pub struct BedrockDescriber<M> {
    models: M,
    candidates: Vec<Candidate>,
    api: BedrockApi,
    max_tokens: u32,
    listing_max_tokens: u32,
    temperature: Option<f64>,
}

struct Candidate {
    id: String,
    price: Option<Price>,
    /// Why it is not asked any more.
    gone: OnceLock<String>,
    dependency: Dependency,
}

impl<M: InvokeModel> BedrockDescriber<M> {
    /// A writer by way of `models`, with the list and parameters of the
    /// settings.
    pub fn new(models: M, settings: &Settings) -> BedrockDescriber<M> {
        let candidates = settings
            .bedrock_model_ids
            .iter()
            .map(|id| Candidate {
                id: id.clone(),
                price: settings.prices.of(id),
                gone: OnceLock::new(),
                dependency: Dependency::new(id),
            })
            .collect();
        BedrockDescriber {
            models,
            candidates,
            api: settings.bedrock_api,
            max_tokens: settings.max_tokens,
            listing_max_tokens: settings.listing_max_tokens,
            temperature: settings.temperature,
        }
    }

    /// The most tokens of a text of this format, and the variable that says so.
    fn limit(&self, format: Format) -> (u32, &'static str) {
        match format {
            Format::Description => (self.max_tokens, MAX_TOKENS.name),
            Format::Listing => (self.listing_max_tokens, LISTING_MAX_TOKENS.name),
        }
    }

    fn request(&self, prompt: &Prompt) -> Request {
        let (max_tokens, _) = self.limit(prompt.format);
        match self.api {
            BedrockApi::Invoke => {
                Request::Invoke(messages::request(prompt, max_tokens, self.temperature))
            }
            BedrockApi::Converse => {
                let input = converse::request(prompt, max_tokens, self.temperature);
                Request::Converse(Box::new(input))
            }
        }
    }

    /// One call of a model, and what its answer comes to.
    async fn call(
        &self,
        model_id: &str,
        request: &Request,
    ) -> Result<Result<Written, Unwritten>, ModelError> {
        match request {
            Request::Invoke(body) => {
                let answer = self.models.invoke(model_id, body.clone()).await?;
                Ok(messages::read(&answer))
            }
            Request::Converse(input) => {
                let input = ConverseInputBuilder::clone(input).model_id(model_id);
                let answer = self.models.converse(input).await?;
                Ok(converse::read(&answer))
            }
        }
    }

    /// The same, and tells the text while it is written.
    async fn call_aloud(
        &self,
        model_id: &str,
        request: &Request,
        drafts: &Drafts<'_>,
    ) -> Result<Result<Written, Unwritten>, ModelError> {
        drafts.begin();
        let mut answer = Growing::default();
        match request {
            Request::Invoke(body) => {
                let mut parts = self.models.invoke_in_parts(model_id, body.clone()).await?;
                while let Some(part) = parts.try_next().await? {
                    drafts.tell(&message_parts::add(&mut answer, &part)?);
                }
            }
            Request::Converse(input) => {
                let input = ConverseInputBuilder::clone(input).model_id(model_id);
                let mut parts = self.models.converse_in_parts(input).await?;
                while let Some(part) = parts.try_next().await? {
                    drafts.tell(&converse_parts::add(&mut answer, part));
                }
            }
        }
        answer.finish()
    }

    /// One model's text, or why the next one is asked.
    async fn try_model(
        &self,
        candidate: &Candidate,
        request: &Request,
        drafts: Option<&Drafts<'_>>,
        deadline: Deadline,
    ) -> Result<Written, Setback> {
        if let Some(reason) = candidate.gone.get() {
            return Err(Setback::Skip {
                reason: reason.clone(),
                warn: false,
            });
        }
        let model = candidate.id.clone();
        let outcome = retry(&candidate.dependency, deadline, || async move {
            match drafts {
                None => self.call(&candidate.id, request).await,
                Some(drafts) => self.call_aloud(&candidate.id, request, drafts).await,
            }
        })
        .await;
        let (error, attempts) = match outcome {
            Ok(Ok(written)) => return Ok(written),
            Ok(Err(Unwritten::Blocked { reason, usage })) => {
                return Err(Setback::Final(DescriberError::Blocked {
                    model,
                    reason,
                    usage: usage.priced(candidate.price),
                }));
            }
            Ok(Err(Unwritten::NoText { reason, usage })) => {
                return Err(Setback::Final(DescriberError::Refused {
                    model,
                    reason,
                    usage: usage.map(|usage| usage.priced(candidate.price)),
                }));
            }
            Err(Failure::TimedOut) => {
                return Err(Setback::Final(DescriberError::TimedOut { model }));
            }
            Err(Failure::LeftAlone) => {
                let reason = "it kept failing and is not asked for now".to_owned();
                return Err(Setback::Skip { reason, warn: true });
            }
            Err(Failure::Failed { error, attempts }) => (error, attempts),
        };
        let reason = error.message;
        match error.kind {
            ModelErrorKind::Gone => {
                tracing::warn!(model, reason, "this model is not asked again");
                candidate.gone.get_or_init(|| reason.clone());
                Err(Setback::Skip {
                    reason,
                    warn: false,
                })
            }
            ModelErrorKind::AccessDenied => {
                let permission = match drafts {
                    None => "bedrock:InvokeModel",
                    Some(_) => "bedrock:InvokeModelWithResponseStream",
                };
                let reason = format!(
                    "no access ({reason}); allow the function's role {permission} on it and the \
                     account its use in Bedrock"
                );
                Err(Setback::Skip { reason, warn: true })
            }
            ModelErrorKind::Transient => Err(Setback::Skip { reason, warn: true }),
            ModelErrorKind::Throttled => Err(Setback::Final(DescriberError::Throttled {
                model,
                attempts,
                reason,
            })),
            ModelErrorKind::Refused => Err(Setback::Final(DescriberError::Refused {
                model,
                reason,
                usage: None,
            })),
        }
    }

    /// The text of the first model that gives one. `drafts` hear it while it is written.
    async fn write(
        &self,
        prompt: &Prompt,
        drafts: Option<&Drafts<'_>>,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        let request = self.request(prompt);
        let mut warnings = Vec::new();
        let mut reasons = Vec::new();
        for candidate in &self.candidates {
            match self.try_model(candidate, &request, drafts, deadline).await {
                Ok(Written {
                    text,
                    usage,
                    cut_short,
                }) => {
                    if cut_short {
                        let (most, variable) = self.limit(prompt.format);
                        warnings.push(format!(
                            "The description ends early: it reached {variable}, {most}."
                        ));
                    }
                    let model = candidate.id.clone();
                    return Ok(WrittenDescription {
                        text,
                        model,
                        usage: usage.priced(candidate.price),
                        warnings,
                        is_cut_short: cut_short,
                    });
                }
                Err(Setback::Skip { reason, warn }) => {
                    if warn {
                        tracing::warn!(model = candidate.id, reason, "passed over");
                        warnings.push(format!(
                            "The model {} was passed over: {reason}.",
                            candidate.id
                        ));
                    }
                    reasons.push((candidate.id.clone(), reason));
                }
                Err(Setback::Final(error)) => return Err(error),
            }
        }
        Err(DescriberError::NoModelAvailable { reasons })
    }
}

/// A request in the form of its API, but for the model.
enum Request {
    Invoke(Bytes),
    Converse(Box<ConverseInputBuilder>),
}

enum Setback {
    /// The next model may do; `warn` if the caller should hear of this one.
    Skip { reason: String, warn: bool },
    /// The next model would not help, or there is no time for it.
    Final(DescriberError),
}

#[async_trait]
impl<M: InvokeModel> Describer for BedrockDescriber<M> {
    async fn describe(
        &self,
        prompt: &Prompt,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        self.write(prompt, None, deadline).await
    }

    async fn describe_aloud(
        &self,
        prompt: &Prompt,
        audience: &dyn Audience,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        let drafts = Drafts::new(audience);
        self.write(prompt, Some(&drafts), deadline).await
    }
}

#[cfg(test)]
mod tests;
