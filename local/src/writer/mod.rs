//! Who writes the descriptions that the Bedrock runtime answers with.

mod listing;
pub mod product;
pub mod smollm;
pub mod template;

use self::product::{ProductAttribute, attributes_in};

pub use smollm::SmolLmWriter;
pub use template::TemplateWriter;

/// One request for a text.
#[derive(Clone, Debug, PartialEq)]
pub struct WritingRequest {
    /// The system prompt; empty where there is none.
    pub system: String,
    /// The conversation so far, which ends with what is to be answered.
    pub turns: Vec<Turn>,
    /// The most tokens that the answer may have, counted by the writer's tokenizer.
    pub max_tokens: usize,
    /// 0 takes the likeliest token each time; up to 1.
    pub temperature: f64,
    /// Nucleus sampling, in (0, 1].
    pub top_p: Option<f64>,
    /// Sampling from the likeliest tokens only.
    pub top_k: Option<usize>,
    /// Texts before which the answer ends.
    pub stop_sequences: Vec<String>,
}

impl WritingRequest {
    /// The last text of the user: what is asked for.
    pub fn question(&self) -> &str {
        let last = self
            .turns
            .iter()
            .rev()
            .find(|turn| turn.speaker == Speaker::User);
        last.map_or("", |turn| turn.text.as_str())
    }

    /// The product's attributes, from the last turn of the user that names any: a turn that
    /// asks for a text to be mended does not repeat them.
    pub fn attributes(&self) -> Vec<ProductAttribute> {
        self.turns
            .iter()
            .rev()
            .filter(|turn| turn.speaker == Speaker::User)
            .map(|turn| attributes_in(&turn.text))
            .find(|attributes| !attributes.is_empty())
            .unwrap_or_default()
    }
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub speaker: Speaker,
    /// What is said.
    pub text: String,
}

/// Who speaks in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The caller.
    User,
    /// The writer.
    Assistant,
}

impl Speaker {
    /// The role's name in the chat.
    pub fn role(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writing {
    /// The text.
    pub text: String,
    /// Why it ends where it does.
    pub stop: Stop,
    /// Tokens of the request, by the writer's tokenizer.
    pub input_tokens: usize,
    /// Tokens of the text.
    pub output_tokens: usize,
}

/// Why a text ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The writer had finished.
    EndOfTurn,
    /// There was no room for more.
    MaxTokens,
    /// A stop sequence came up; it is not part of the text.
    Sequence(String),
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The request doesn't fit into the model's context.
    #[error("the request has {tokens} tokens, the writer takes at most {limit}")]
    TooLong {
        /// Tokens of the request.
        tokens: usize,
        /// The most that the writer takes.
        limit: usize,
    },
    /// Too many requests wait already.
    #[error("{waiting} requests are waiting for the writer")]
    Busy {
        /// The length of the full queue.
        waiting: usize,
    },
    /// The writer's thread has ended.
    #[error("the writer has stopped")]
    Stopped,
    /// The model failed.
    #[error("the language model failed: {0}")]
    Model(#[from] candle_core::Error),
}

/// A way to write.
#[derive(Clone, Debug)]
pub enum Writer {
    /// SmolLM2-135M-Instruct: a language model's own text.
    SmolLm(SmolLmWriter),
    /// Text from a template, for load tests.
    Template(TemplateWriter),
}

impl Writer {
    /// Answers a request; dropping the future gives it up.
    ///
    /// # Errors
    ///
    /// The reason why there is no text.
    pub async fn write(&self, request: WritingRequest) -> Result<Writing, WriterError> {
        match self {
            Self::SmolLm(writer) => writer.write(request).await,
            Self::Template(writer) => Ok(writer.write(&request)),
        }
    }

    /// Its name, for logs and answers.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SmolLm(_) => "SmolLM2-135M-Instruct",
            Self::Template(_) => "template",
        }
    }
}

/// The text up to the first stop sequence in it, and which one that was.
pub(crate) fn cut_at_stop<'a>(
    text: &'a str,
    stop_sequences: &'a [String],
) -> Option<(&'a str, &'a str)> {
    stop_sequences
        .iter()
        .filter(|stop| !stop.is_empty())
        .filter_map(|stop| text.find(stop.as_str()).map(|at| (at, stop)))
        .min_by_key(|(at, _)| *at)
        .map(|(at, stop)| (text[..at].trim_end(), stop.as_str()))
}
