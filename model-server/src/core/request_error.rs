//! Why a request is refused before anything is computed for it.

/// What a request asks for that this server does not do; the text says what to
/// mend. Questions are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
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
        /// Which.
        number: usize,
        /// Of how many.
        prompts: usize,
    },
    /// A question longer than the server takes.
    #[error(
        "prompt {number} of {prompts} has {characters} characters, the limit is {limit}: shorten it"
    )]
    PromptTooLong {
        /// Which.
        number: usize,
        /// Of how many.
        prompts: usize,
        /// Its length.
        characters: usize,
        /// The longest that is taken.
        limit: usize,
    },
    /// A question of more tokens than the server takes.
    #[error("prompt {number} of {prompts} has {tokens} tokens, the limit is {limit}: shorten it")]
    PromptTooManyTokens {
        /// Which.
        number: usize,
        /// Of how many.
        prompts: usize,
        /// Its length as the model reads it.
        tokens: usize,
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
    /// A question that is held to no text at all.
    #[error("question {question} has no choices: give at least one, or leave `choices` out")]
    NoChoices {
        /// Which question.
        question: usize,
    },
    /// More choices than one question may have.
    #[error("question {question} has {choices} choices, the limit is {limit}: give fewer")]
    TooManyChoices {
        /// Which question.
        question: usize,
        /// How many it has.
        choices: usize,
        /// How many it may have.
        limit: usize,
    },
    /// More choices than one request may have.
    #[error(
        "the questions have {choices} choices together, the limit is {limit}: send several requests"
    )]
    TooManyChoicesInAll {
        /// How many there are.
        choices: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A choice without text.
    #[error("question {question} has an empty choice: give every choice a text")]
    EmptyChoice {
        /// Which question.
        question: usize,
    },
    /// A choice longer than the server takes.
    #[error(
        "the choice {choice:?} of question {question} has {length}, the limit is {limit} tokens: \
         shorten it"
    )]
    ChoiceTooLong {
        /// Which question.
        question: usize,
        /// The choice, or its beginning.
        choice: String,
        /// How long it is.
        length: String,
        /// The longest that is taken.
        limit: usize,
    },
    /// Choices that the model cannot tell apart, or cannot write.
    #[error("the choices of question {question}: {reason}")]
    Choices {
        /// Which question.
        question: usize,
        /// What is wrong with them.
        reason: String,
    },
    /// A threshold that is no probability.
    #[error(
        "`abstain_below` is {value} for question {question}, it must be a probability between 0 \
         and 1"
    )]
    AbstainBelow {
        /// Which question.
        question: usize,
        /// What was given.
        value: f64,
    },
}
