//! A request that the model can answer.

use blip2::GenerationParameters;
use bytes::Bytes;

use super::{Choices, Limits, RequestError};

/// Questions about one photograph, within the limits of the server.
#[derive(Clone, Debug)]
pub struct AnswerRequest {
    pub(super) image: Bytes,
    pub(super) questions: Vec<QuestionForm>,
    pub(super) adapter: Option<String>,
}

/// One question as a client puts it.
#[derive(Clone, Debug, PartialEq)]
pub struct QuestionForm {
    /// The question, bare or in the form that the model is trained on.
    pub prompt: String,
    /// What answers it.
    pub task: TaskForm,
}

/// What answers a question.
#[derive(Clone, Debug, PartialEq)]
pub enum TaskForm {
    /// A text that the model writes.
    Generate(GenerationParameters),
    /// One of given texts.
    Choose(Choices),
}

impl AnswerRequest {
    /// Checks a request against the limits and brings its prompts into the form
    /// that the model is trained on.
    ///
    /// # Errors
    /// With the first thing that is to be mended.
    pub fn new(
        image: Bytes,
        mut questions: Vec<QuestionForm>,
        limits: &Limits,
    ) -> Result<AnswerRequest, RequestError> {
        check_prompts(&questions, limits)?;
        for (index, question) in questions.iter().enumerate() {
            match &question.task {
                TaskForm::Generate(parameters) => check_parameters(parameters, limits)?,
                TaskForm::Choose(choices) => choices.check(index + 1, limits)?,
            }
        }
        let choices = questions.iter().map(choices_of).sum();
        if choices > limits.max_choices_per_request {
            let limit = limits.max_choices_per_request;
            return Err(RequestError::TooManyChoicesInAll { choices, limit });
        }
        for question in &mut questions {
            question.prompt = attributes::wrap_question(&question.prompt);
        }
        Ok(AnswerRequest {
            image,
            questions,
            adapter: None,
        })
    }

    /// The same with the name of the adapter that all questions are answered
    /// with; whether there is such an adapter is seen when they are asked.
    #[must_use]
    pub fn with_adapter(self, adapter: Option<String>) -> AnswerRequest {
        AnswerRequest { adapter, ..self }
    }
}

fn choices_of(question: &QuestionForm) -> usize {
    match &question.task {
        TaskForm::Generate(_) => 0,
        TaskForm::Choose(choices) => choices.texts.len(),
    }
}

fn check_prompts(questions: &[QuestionForm], limits: &Limits) -> Result<(), RequestError> {
    let prompts = questions.len();
    if prompts == 0 {
        return Err(RequestError::NoPrompts);
    }
    if prompts > limits.max_prompts {
        let limit = limits.max_prompts;
        return Err(RequestError::TooManyPrompts { prompts, limit });
    }
    for (index, question) in questions.iter().enumerate() {
        let number = index + 1;
        if question.prompt.trim().is_empty() {
            return Err(RequestError::EmptyPrompt { number, prompts });
        }
        let characters = question.prompt.chars().count();
        if characters > limits.max_prompt_characters {
            return Err(RequestError::PromptTooLong {
                number,
                prompts,
                characters,
                limit: limits.max_prompt_characters,
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

    fn free(prompt: &str, parameters: &GenerationParameters) -> QuestionForm {
        QuestionForm {
            prompt: prompt.to_owned(),
            task: TaskForm::Generate(parameters.clone()),
        }
    }

    fn held(count: usize) -> QuestionForm {
        let values: Vec<String> = (0..count).map(|number| format!("v{number}")).collect();
        QuestionForm {
            prompt: "What?".to_owned(),
            task: TaskForm::Choose(Choices {
                texts: values.clone(),
                values,
                abstain_below: None,
            }),
        }
    }

    fn new(questions: Vec<QuestionForm>) -> Result<AnswerRequest, RequestError> {
        AnswerRequest::new(Bytes::from_static(b"x"), questions, &Limits::default())
    }

    fn request(prompts: &[&str]) -> Result<AnswerRequest, RequestError> {
        let parameters = GenerationParameters::default();
        new(prompts
            .iter()
            .map(|prompt| free(prompt, &parameters))
            .collect())
    }

    #[test]
    fn a_bare_question_is_wrapped_and_a_wrapped_one_left_alone() {
        let questions = request(&["What is it?", "Question: What is it? Answer: "])
            .unwrap()
            .questions;
        assert_eq!(questions[0].prompt, "Question: What is it? Answer: ");
        assert_eq!(questions[0], questions[1]);
    }

    #[test]
    fn the_limits_themselves_are_granted() {
        let limits = Limits::default();
        let parameters = GenerationParameters {
            max_new_tokens: limits.max_new_tokens,
            num_beams: limits.max_num_beams,
            ..Default::default()
        };
        let longest = free(&"x".repeat(limits.max_prompt_characters), &parameters);
        assert!(new(vec![longest; limits.max_prompts]).is_ok());
        assert!(new(vec![held(1_000); 4]).is_ok());
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
    fn choices_over_the_limits_are_refused() {
        assert_eq!(
            new(vec![held(3), held(1_001)]).unwrap_err(),
            RequestError::TooManyChoices {
                question: 2,
                choices: 1_001,
                limit: 1_000
            }
        );
        let mut questions = vec![held(1_000); 4];
        questions.push(held(1));
        assert_eq!(
            new(questions).unwrap_err(),
            RequestError::TooManyChoicesInAll {
                choices: 4_001,
                limit: 4_000
            }
        );
    }

    #[test]
    fn absurd_parameters_are_refused() {
        let default = GenerationParameters::default;
        for parameters in [
            GenerationParameters {
                max_new_tokens: 257,
                ..default()
            },
            GenerationParameters {
                max_new_tokens: usize::MAX,
                ..default()
            },
            GenerationParameters {
                max_new_tokens: 0,
                ..default()
            },
            GenerationParameters {
                num_beams: 9,
                ..default()
            },
            GenerationParameters {
                num_beams: 0,
                ..default()
            },
            GenerationParameters {
                repetition_penalty: 0.0,
                ..default()
            },
            GenerationParameters {
                temperature: -1.0,
                do_sample: true,
                ..default()
            },
        ] {
            assert!(
                new(vec![free("What?", &parameters)]).is_err(),
                "{parameters:?}"
            );
        }
    }
}
