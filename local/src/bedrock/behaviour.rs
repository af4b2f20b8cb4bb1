//! Models that fail, so that a caller's dealing with it can be seen.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::error::BedrockError;

/// How a model answers, as a setting: `ID=BEHAVIOUR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelBehaviour {
    /// The model id, inference profile id or ARN, exactly as callers give it.
    pub model_id: String,
    /// What it does.
    pub behaviour: Behaviour,
}

/// What a model does instead of answering, or before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// `ended`: its life on Bedrock is over.
    Ended,
    /// `invalid`: the id is not known.
    Invalid,
    /// `profile-required`: it wants an inference profile.
    ProfileRequired,
    /// `denied`: the account has no access.
    Denied,
    /// `throttled`, or `throttled:N` for the first N calls.
    Throttled {
        /// Calls that are refused; `None` for all.
        calls: Option<u64>,
    },
    /// `slow:MS`: it answers after a delay.
    Slow {
        /// The delay in milliseconds.
        delay_ms: u64,
    },
    /// `blocked`: a guardrail, where the request names one, stops what it writes.
    Blocked,
}

/// Why a setting is no behaviour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BehaviourError {
    /// There is no `=`.
    #[error("{0:?} is not of the form ID=BEHAVIOUR")]
    NoEqualsSign(String),
    /// Nothing before the `=`.
    #[error("{0:?} names no model before the =")]
    NoModel(String),
    /// A behaviour that there is not.
    #[error(
        "{0:?} is no behaviour: ended, invalid, profile-required, denied, throttled, throttled:N, \
         slow:MS or blocked is needed"
    )]
    Unknown(String),
}

impl FromStr for ModelBehaviour {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (model_id, behaviour) = text
            .rsplit_once('=')
            .ok_or_else(|| BehaviourError::NoEqualsSign(text.to_owned()))?;
        if model_id.is_empty() {
            return Err(BehaviourError::NoModel(text.to_owned()));
        }
        Ok(Self {
            model_id: model_id.to_owned(),
            behaviour: behaviour.parse()?,
        })
    }
}

impl FromStr for Behaviour {
    type Err = BehaviourError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || BehaviourError::Unknown(text.to_owned());
        let number = |digits: &str| digits.parse::<u64>().map_err(|_| unknown());
        Ok(match text.split_once(':') {
            None => match text {
                "ended" => Self::Ended,
                "invalid" => Self::Invalid,
                "profile-required" => Self::ProfileRequired,
                "denied" => Self::Denied,
                "blocked" => Self::Blocked,
                "throttled" => Self::Throttled { calls: None },
                _ => return Err(unknown()),
            },
            Some(("throttled", calls)) => Self::Throttled {
                calls: Some(number(calls)?),
            },
            Some(("slow", delay_ms)) => Self::Slow {
                delay_ms: number(delay_ms)?,
            },
            Some(_) => return Err(unknown()),
        })
    }
}

/// All behaviours, with the count of what has been throttled.
#[derive(Debug, Default)]
pub struct Behaviours {
    by_model: HashMap<String, Vec<Configured>>,
}

#[derive(Debug)]
struct Configured {
    behaviour: Behaviour,
    calls: AtomicU64,
}

impl Behaviours {
    /// Several behaviours of one model hold together, in their order: `throttled:2` and
    /// `slow:500` refuse two calls and delay the rest.
    pub fn new(settings: &[ModelBehaviour]) -> Self {
        let mut by_model: HashMap<String, Vec<Configured>> = HashMap::new();
        for setting in settings {
            by_model
                .entry(setting.model_id.clone())
                .or_default()
                .push(Configured {
                    behaviour: setting.behaviour,
                    calls: AtomicU64::new(0),
                });
        }
        Self { by_model }
    }

    /// Lets the model do what it does: nothing, wait, or fail.
    ///
    /// # Errors
    ///
    /// The exception with which AWS answers in such a case, word for word as far as known.
    pub async fn apply(&self, model_id: &str) -> Result<(), BedrockError> {
        for configured in self.by_model.get(model_id).into_iter().flatten() {
            match configured.behaviour {
                Behaviour::Ended => {
                    return Err(BedrockError::ResourceNotFound(
                        "This model version has reached the end of its life. Please refer to the \
                         AWS documentation for more details."
                            .to_owned(),
                    ));
                }
                Behaviour::Invalid => return Err(BedrockError::invalid_identifier()),
                Behaviour::ProfileRequired => {
                    return Err(BedrockError::Validation(format!(
                        "Invocation of model ID {model_id} with on-demand throughput isn\u{2019}t \
                         supported. Retry your request with the ID or ARN of an inference profile \
                         that contains this model."
                    )));
                }
                Behaviour::Denied => {
                    return Err(BedrockError::AccessDenied(
                        "You don't have access to the model with the specified model ID."
                            .to_owned(),
                    ));
                }
                Behaviour::Throttled { calls } => {
                    let before = configured.calls.fetch_add(1, Ordering::Relaxed);
                    if calls.is_none_or(|calls| before < calls) {
                        return Err(BedrockError::too_many_requests());
                    }
                }
                Behaviour::Slow { delay_ms } => {
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                }
                Behaviour::Blocked => {}
            }
        }
        Ok(())
    }

    /// Whether a guardrail stops what the model writes.
    pub fn intervenes(&self, model_id: &str) -> bool {
        let mut configured = self.by_model.get(model_id).into_iter().flatten();
        configured.any(|configured| configured.behaviour == Behaviour::Blocked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_colons_in_the_id() {
        let setting: ModelBehaviour = "anthropic.claude-3-sonnet-20240229-v1:0=throttled:3"
            .parse()
            .unwrap();
        assert_eq!(setting.model_id, "anthropic.claude-3-sonnet-20240229-v1:0");
        assert_eq!(setting.behaviour, Behaviour::Throttled { calls: Some(3) });
        let slow: ModelBehaviour = "m=slow:250".parse().unwrap();
        assert_eq!(slow.behaviour, Behaviour::Slow { delay_ms: 250 });
    }

    #[test]
    fn wrong_settings_say_what_is_needed() {
        for (text, part) in [
            ("model", "ID=BEHAVIOUR"),
            ("=ended", "names no model"),
            ("m=gone", "profile-required"),
            ("m=slow", "slow:MS"),
            ("m=throttled:many", "throttled:N"),
        ] {
            let error = text.parse::<ModelBehaviour>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[tokio::test]
    async fn a_model_is_throttled_for_its_first_calls() {
        let behaviours = Behaviours::new(&["m=throttled:2".parse().unwrap()]);
        assert!(behaviours.apply("m").await.is_err());
        assert!(behaviours.apply("other").await.is_ok());
        assert!(behaviours.apply("m").await.is_err());
        assert!(behaviours.apply("m").await.is_ok());
    }

    #[tokio::test]
    async fn a_guardrail_stops_a_model_that_answers_otherwise() {
        let behaviours = Behaviours::new(&["m=blocked".parse().unwrap()]);
        assert!(behaviours.apply("m").await.is_ok());
        assert!(behaviours.intervenes("m"));
        assert!(!behaviours.intervenes("other"));
    }
}
