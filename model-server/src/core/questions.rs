//! From the words of a request to what the model reads.

use std::sync::Arc;

use blip2::{LoadedAdapter, Task};

use super::choices::beginning;
use super::request::{QuestionForm, TaskForm};
use super::{Choices, CoreError, Limits, RequestError};
use crate::backend::Backend;

/// A question as the model reads it, still without its picture.
#[derive(Debug)]
pub(super) struct ReadQuestion {
    /// Token ids of the prompt.
    pub(super) prompt: Vec<u32>,
    pub(super) task: Task,
    /// What the task's tree was made of.
    pub(super) choices: Option<Choices>,
    pub(super) adapter: Option<Arc<LoadedAdapter>>,
}

/// Tokenizes all questions of a request, which share an adapter, and refuses
/// what is too long for the model's memory. Takes a while for long vocabularies: not for an event loop.
pub(super) fn read(
    backend: &dyn Backend,
    questions: Vec<QuestionForm>,
    adapter: Option<&Arc<LoadedAdapter>>,
    limits: &Limits,
) -> Result<Vec<ReadQuestion>, CoreError> {
    let prompts = questions.len();
    questions
        .into_iter()
        .enumerate()
        .map(|(index, question)| {
            let number = index + 1;
            let prompt = backend
                .tokenize(&question.prompt)
                .map_err(CoreError::backend)?;
            if prompt.len() > limits.max_prompt_tokens {
                return Err(RequestError::PromptTooManyTokens {
                    number,
                    prompts,
                    tokens: prompt.len(),
                    limit: limits.max_prompt_tokens,
                }
                .into());
            }
            let (task, choices) = match question.task {
                TaskForm::Generate(parameters) => (Task::Generate(parameters), None),
                TaskForm::Choose(choices) => {
                    let task = read_choices(backend, &choices, number, limits)?;
                    (task, Some(choices))
                }
            };
            Ok(ReadQuestion {
                prompt,
                task,
                choices,
                adapter: adapter.cloned(),
            })
        })
        .collect()
}

fn read_choices(
    backend: &dyn Backend,
    choices: &Choices,
    question: usize,
    limits: &Limits,
) -> Result<Task, RequestError> {
    let tree = backend.choice_tree(&choices.texts).map_err(|error| {
        let reason = error.to_string();
        RequestError::Choices { question, reason }
    })?;
    for (value, &tokens) in choices.values.iter().zip(tree.token_counts()) {
        if tokens > limits.max_choice_tokens {
            return Err(RequestError::ChoiceTooLong {
                question,
                choice: beginning(value),
                length: format!("{tokens} tokens"),
                limit: limits.max_choice_tokens,
            });
        }
    }
    Ok(Task::Choose(Arc::new(tree)))
}

#[cfg(test)]
mod tests {
    use blip2::GenerationParameters;

    use super::*;
    use crate::backend::fake::FakeBackend;

    fn read_one(prompt: &str, task: TaskForm) -> Result<Vec<ReadQuestion>, CoreError> {
        let backend = FakeBackend::answering(|_, _| String::new());
        let prompt = prompt.to_owned();
        read(
            &*backend,
            vec![QuestionForm { prompt, task }],
            None,
            &Limits::default(),
        )
    }

    fn held(texts: &[&str]) -> TaskForm {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        TaskForm::Choose(Choices {
            values: texts.clone(),
            texts,
            abstain_below: None,
        })
    }

    #[test]
    fn a_prompt_is_bounded_in_tokens() {
        let free = || TaskForm::Generate(GenerationParameters::default());
        // The fake has one token a byte and an end.
        assert_eq!(
            read_one(&"x".repeat(1_023), free()).unwrap()[0]
                .prompt
                .len(),
            1_024
        );
        let error = read_one(&"x".repeat(1_024), free()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "prompt 1 of 1 has 1025 tokens, the limit is 1024: shorten it"
        );
    }

    #[test]
    fn a_choice_is_bounded_in_tokens_and_named() {
        let longest = "x".repeat(39);
        let read = read_one("?", held(&["a", &longest])).unwrap();
        assert!(matches!(&read[0].task, Task::Choose(tree) if tree.len() == 2));
        let error = read_one("?", held(&["a", &"y".repeat(40)])).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains(&"y".repeat(40)) && message.contains("41 tokens"),
            "{message}"
        );
    }

    #[test]
    fn choices_that_the_model_cannot_tell_apart_are_refused() {
        let error = read_one("?", held(&["a", "b", "a"])).unwrap_err();
        assert!(
            matches!(
                error,
                CoreError::Request(RequestError::Choices { question: 1, .. })
            ),
            "{error}"
        );
    }
}
