//! One run of the model, token by token.

use candle_core::Tensor;
use candle_transformers::generation::{LogitsProcessor, Sampling};
use candle_transformers::utils::apply_repeat_penalty;

use super::model::{LanguageModel, State};
use crate::writer::{WriterError, WritingRequest};

/// Divides the logits of tokens that have come up; without it the model turns in circles at a
/// low temperature.
const REPEAT_PENALTY: f32 = 1.1;

/// Why writing stopped before its end.
pub(super) enum Interruption {
    /// Nobody waits for the text any more.
    Abandoned,
    /// No text can be made.
    Failed(WriterError),
}

impl From<candle_core::Error> for Interruption {
    fn from(error: candle_core::Error) -> Self {
        Self::Failed(WriterError::Model(error))
    }
}

/// A text in the making, after a prompt.
pub(super) struct Generation<'a> {
    model: &'a LanguageModel,
    abandoned: &'a dyn Fn() -> bool,
    state: State,
    logits: Tensor,
    sampler: LogitsProcessor,
    tokens: Vec<u32>,
}

impl<'a> Generation<'a> {
    /// Continues `state`, whose next token has the `logits`. `abandoned` is asked before every
    /// token.
    pub(super) fn new(
        model: &'a LanguageModel,
        abandoned: &'a dyn Fn() -> bool,
        (state, logits): (State, Tensor),
        sampler: LogitsProcessor,
    ) -> Self {
        Self {
            model,
            abandoned,
            state,
            logits,
            sampler,
            tokens: Vec::new(),
        }
    }

    /// Generates at most `limit` tokens; true where the model ended its turn or `ends` said of
    /// the text so far that it is complete. Tokens that have come up become less likely, but
    /// for those `spared`.
    pub(super) fn run(
        &mut self,
        limit: usize,
        spared: &[u32],
        ends: impl Fn(&str) -> bool,
    ) -> Result<bool, Interruption> {
        let mut penalised = Vec::new();
        for _ in 0..limit {
            if (self.abandoned)() {
                return Err(Interruption::Abandoned);
            }
            let logits = apply_repeat_penalty(&self.logits, REPEAT_PENALTY, &penalised)?;
            let token = self.sampler.sample(&logits)?;
            if token == self.model.end_of_turn() {
                return Ok(true);
            }
            self.tokens.push(token);
            if !spared.contains(&token) {
                penalised.push(token);
            }
            if ends(&self.text()?) {
                return Ok(true);
            }
            self.logits = self.state.read(&[token])?;
        }
        Ok(false)
    }

    /// What was generated.
    pub(super) fn text(&self) -> candle_core::Result<String> {
        self.model.decode(&self.tokens)
    }
}

/// A sampler as a request wants it, but for its temperature.
pub(super) fn sampler(request: &WritingRequest, temperature: f64, seed: u64) -> LogitsProcessor {
    let sampling = if temperature <= 0.0 {
        Sampling::ArgMax
    } else {
        Sampling::TopKThenTopP {
            k: request.top_k.unwrap_or(40),
            p: request.top_p.unwrap_or(0.9),
            temperature,
        }
    };
    LogitsProcessor::from_sampling(seed, sampling)
}
