//! A request that the model can answer.

use blip2::GenerationParameters;

use super::Limits;

/// Questions about one photograph, within the limits of the server.
#[derive(Debug)]
pub struct AnswerRequest {
    pub(super) image: Vec<u8>,
    pub(super) prompts: Vec<String>,
    pub(super) parameters: GenerationParameters,
}

/// Why a request is refused before anything is computed; the text says what to
/// mend.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// No question at all.
    #[error("no prompt is given: ask at least one question")]
    NoPrompts,
    /// More questions than one request may ask.
    #[error("{prompts} prompts are too many: a request may ask up to {limit}; send several")]
    TooManyPrompts {
        /// How many there are.
        prompts: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A question without text.
    #[error("prompt {number} of {prompts} is empty: write a question")]
    EmptyPrompt {
        /// Which, counted from 1.
        number: usize,
        /// Of how many.
        prompts: usize,
    },
    /// A question longer than the server takes.
    #[error(
        "prompt {number} of {prompts} has {characters} characters, the limit is {limit}: shorten it"
    )]
    PromptTooLong {
        /// Which, counted from 1.
        number: usize,
        /// Of how many.
        prompts: usize,
        /// Its length.
        characters: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// A parameter above what the server grants.
    #[error("`{name}` is {value}, this server allows up to {limit}: lower it")]
    ParameterOverLimit {
        /// Which.
        name: &'static str,
        /// What was asked for.
        value: usize,
        /// The most that is granted.
        limit: usize,
    },
    /// A parameter without a meaning, as the model sees it.
    #[error("{0}")]
    Parameter(String),
}

impl AnswerRequest {
    /// Checks a request against the limits and brings its prompts into the form
    /// that the model is trained on.
    ///
    /// # Errors
    /// With the first thing that is to be mended.
    pub fn new(
        image: Vec<u8>,
        prompts: &[String],
        parameters: GenerationParameters,
        limits: &Limits,
    ) -> Result<AnswerRequest, RequestError> {
        check_prompts(prompts, limits)?;
        check_parameters(&parameters, limits)?;
        let prompts = prompts
            .iter()
            .map(|prompt| attributes::wrap_question(prompt))
            .collect();
        Ok(AnswerRequest {
            image,
            prompts,
            parameters,
        })
    }
}

fn check_prompts(prompts: &[String], limits: &Limits) -> Result<(), RequestError> {
    let count = prompts.len();
    if count == 0 {
        return Err(RequestError::NoPrompts);
    }
    if count > limits.max_prompts {
        return Err(RequestError::TooManyPrompts {
            prompts: count,
            limit: limits.max_prompts,
        });
    }
    for (index, prompt) in prompts.iter().enumerate() {
        let number = index + 1;
        if prompt.trim().is_empty() {
            return Err(RequestError::EmptyPrompt {
                number,
                prompts: count,
            });
        }
        let (characters, limit) = (prompt.chars().count(), limits.max_prompt_characters);
        if characters > limit {
            return Err(RequestError::PromptTooLong {
                number,
                prompts: count,
                characters,
                limit,
            });
        }
    }
    Ok(())
}

fn check_parameters(
    parameters: &GenerationParameters,
    limits: &Limits,
) -> Result<(), RequestError> {
    for (name, value, limit) in [
        (
            "max_new_tokens",
            parameters.max_new_tokens,
            limits.max_new_tokens,
        ),
        ("num_beams", parameters.num_beams, limits.max_num_beams),
    ] {
        if value > limit {
            return Err(RequestError::ParameterOverLimit { name, value, limit });
        }
    }
    parameters
        .validate()
        .map_err(|error| RequestError::Parameter(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(prompts: &[&str]) -> Result<AnswerRequest, RequestError> {
        let prompts: Vec<String> = prompts.iter().map(|&prompt| prompt.to_owned()).collect();
        AnswerRequest::new(
            vec![1],
            &prompts,
            GenerationParameters::default(),
            &Limits::default(),
        )
    }

    #[test]
    fn a_bare_question_is_wrapped_and_a_wrapped_one_left_alone() {
        let request = request(&["What is it?", "Question: What is it? Answer: "]).unwrap();
        assert_eq!(request.prompts[0], "Question: What is it? Answer: ");
        assert_eq!(request.prompts[0], request.prompts[1]);
    }

    #[test]
    fn the_limits_themselves_are_granted() {
        let limits = Limits::default();
        let parameters = GenerationParameters {
            max_new_tokens: limits.max_new_tokens,
            num_beams: limits.max_num_beams,
            ..Default::default()
        };
        let prompts = vec!["x".repeat(limits.max_prompt_characters); limits.max_prompts];
        assert!(AnswerRequest::new(vec![1], &prompts, parameters, &limits).is_ok());
    }

    #[test]
    fn prompts_over_the_limits_are_refused() {
        assert_eq!(request(&[]).unwrap_err(), RequestError::NoPrompts);
        assert_eq!(
            request(&["What?", " \n"]).unwrap_err(),
            RequestError::EmptyPrompt {
                number: 2,
                prompts: 2
            }
        );
        assert_eq!(
            request(&["?"; 65]).unwrap_err(),
            RequestError::TooManyPrompts {
                prompts: 65,
                limit: 64
            }
        );
        assert_eq!(
            request(&[&"é".repeat(2_049)]).unwrap_err(),
            RequestError::PromptTooLong {
                number: 1,
                prompts: 1,
                characters: 2_049,
                limit: 2_048
            }
        );
    }

    #[test]
    fn absurd_parameters_are_refused() {
        for parameters in [
            GenerationParameters {
                max_new_tokens: 257,
                ..Default::default()
            },
            GenerationParameters {
                max_new_tokens: usize::MAX,
                ..Default::default()
            },
            GenerationParameters {
                max_new_tokens: 0,
                ..Default::default()
            },
            GenerationParameters {
                num_beams: 9,
                ..Default::default()
            },
            GenerationParameters {
                num_beams: 0,
                ..Default::default()
            },
            GenerationParameters {
                repetition_penalty: 0.0,
                ..Default::default()
            },
            GenerationParameters {
                temperature: -1.0,
                do_sample: true,
                ..Default::default()
            },
        ] {
            let prompts = ["What?".to_owned()];
            let refused =
                AnswerRequest::new(vec![1], &prompts, parameters.clone(), &Limits::default());
            assert!(refused.is_err(), "{parameters:?}");
        }
    }
}
