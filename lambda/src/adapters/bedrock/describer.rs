//! Which model writes, and what happens when it does not.

use std::sync::OnceLock;

use async_trait::async_trait;
use bytes::Bytes;

use super::messages::{self, Written};
use super::{InvokeModel, ModelErrorKind};
use crate::adapters::dependency::Dependency;
use crate::adapters::retry::{Failure, retry};
use crate::adapters::shortened;
use crate::domain::{Deadline, Describer, DescriberError, Prompt, WrittenDescription};
use crate::settings::Settings;

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
    max_tokens: u32,
    temperature: Option<f64>,
}

struct Candidate {
    id: String,
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
                gone: OnceLock::new(),
                dependency: Dependency::new(id),
            })
            .collect();
        BedrockDescriber {
            models,
            candidates,
            max_tokens: settings.max_tokens,
            temperature: settings.temperature,
        }
    }

    /// One model's text, or why the next one is asked.
    async fn try_model(
        &self,
        candidate: &Candidate,
        body: &Bytes,
        deadline: Deadline,
    ) -> Result<Written, Setback> {
        if let Some(reason) = candidate.gone.get() {
            return Err(Setback::Skip {
                reason: reason.clone(),
                warn: false,
            });
        }
        let model = candidate.id.clone();
        let outcome = retry(&candidate.dependency, deadline, || {
            self.models.invoke(&candidate.id, body.clone())
        })
        .await;
        let (error, attempts) = match outcome {
            Ok(answer) => {
                return messages::read(&answer)
                    .map_err(|reason| Setback::Final(DescriberError::Refused { model, reason }));
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
        let reason = shortened(&error.message);
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
                let reason = format!(
                    "no access ({reason}); allow the function's role bedrock:InvokeModel on it \
                     and the account its use in Bedrock"
                );
                Err(Setback::Skip { reason, warn: true })
            }
            ModelErrorKind::Transient => Err(Setback::Skip { reason, warn: true }),
            ModelErrorKind::Throttled => Err(Setback::Final(DescriberError::Throttled {
                model,
                attempts,
                reason,
            })),
            ModelErrorKind::Refused => {
                Err(Setback::Final(DescriberError::Refused { model, reason }))
            }
        }
    }
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
        let body = messages::request(prompt, self.max_tokens, self.temperature);
        let mut warnings = Vec::new();
        let mut reasons = Vec::new();
        for candidate in &self.candidates {
            match self.try_model(candidate, &body, deadline).await {
                Ok(Written {
                    text,
                    usage,
                    cut_short,
                }) => {
                    if cut_short {
                        warnings.push(format!(
                            "The description ends early: it reached MAX_TOKENS, {}.",
                            self.max_tokens
                        ));
                    }
                    let model = candidate.id.clone();
                    return Ok(WrittenDescription {
                        text,
                        model,
                        usage,
                        warnings,
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

#[cfg(test)]
mod tests;
