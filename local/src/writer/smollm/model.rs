//! The language model: weights, tokenizer and one forward pass at a time.

use std::fs::File;
use std::io::{BufReader, Cursor, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::{self, Content};
use candle_core::quantized::tokenizer::TokenizerFromGguf;
use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use candle_transformers::models::quantized_llama::ModelWeights;
use tokenizers::Tokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;

use super::LoadError;
use super::chat_form::TURN_END;

/// A loaded SmolLM2: cheap to clone, since the weights are shared between clones.
#[derive(Clone)]
pub(super) struct LanguageModel {
    weights: ModelWeights,
    tokenizer: Tokenizer,
    end_of_turn: u32,
    context_tokens: usize,
}

impl LanguageModel {
    /// Reads a GGUF file and requantises its matrices to Q8_0.
    ///
    /// candle has vectorised kernels for Q8_0, not for the file's Q4_1; rows of 576 values are
    /// no multiple of 256, which rules the K-quants out.
    pub(super) fn load(path: &Path) -> Result<Self, LoadError> {
        let file = File::open(path).map_err(|source| LoadError::Open {
            path: path.to_owned(),
            source,
        })?;
        let damaged = |source| LoadError::Damaged {
            path: path.to_owned(),
            source,
        };
        let mut reader = BufReader::new(file);
        let content = Content::read(&mut reader).map_err(damaged)?;
        let tokenizer = tokenizer(&content).map_err(damaged)?;
        let end_of_turn =
            tokenizer
                .token_to_id(TURN_END)
                .ok_or_else(|| LoadError::NoChatMarkers {
                    path: path.to_owned(),
                })?;
        let context_tokens = content
            .metadata
            .get("llama.context_length")
            .and_then(|value| value.to_u32().ok())
            .map_or(2048, |tokens| tokens as usize)
            .min(candle_transformers::models::quantized_llama::MAX_SEQ_LEN);
        let weights = requantised(&content, &mut reader).map_err(damaged)?;
        Ok(Self {
            weights,
            tokenizer,
            end_of_turn,
            context_tokens,
        })
    }

    /// The id of the token that ends a turn.
    pub(super) fn end_of_turn(&self) -> u32 {
        self.end_of_turn
    }

    /// The most tokens, prompt and answer together, that one conversation may have.
    pub(super) fn context_tokens(&self) -> usize {
        self.context_tokens
    }

    /// Token ids of a text; chat markers in it become their special tokens.
    pub(super) fn encode(&self, text: &str) -> candle_core::Result<Vec<u32>> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(candle_core::Error::wrap)?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The text of token ids, without special tokens.
    pub(super) fn decode(&self, ids: &[u32]) -> candle_core::Result<String> {
        self.tokenizer
            .decode(ids, true)
            .map_err(candle_core::Error::wrap)
    }

    /// Starts a conversation by reading the beginning of a prompt, which may be empty.
    pub(super) fn read(&self, beginning: &[u32]) -> candle_core::Result<State> {
        let mut state = State {
            weights: self.weights.clone(),
            position: 0,
        };
        if !beginning.is_empty() {
            state.read(beginning)?;
        }
        Ok(state)
    }

    /// Starts a conversation by reading the prompt: the state after it, and the logits
    /// `(vocabulary)` of the token that follows.
    pub(super) fn read_prompt(&self, prompt: &[u32]) -> candle_core::Result<(State, Tensor)> {
        let mut state = State {
            weights: self.weights.clone(),
            position: 0,
        };
        let logits = state.read(prompt)?;
        Ok((state, logits))
    }
}

/// A conversation that has been read so far: the key/value cache of every layer.
#[derive(Clone)]
pub(super) struct State {
    weights: ModelWeights,
    position: usize,
}

impl State {
    /// Reads further tokens; logits `(vocabulary)` of the token after the last.
    pub(super) fn read(&mut self, ids: &[u32]) -> candle_core::Result<Tensor> {
        let input = Tensor::new(ids, &Device::Cpu)?.unsqueeze(0)?;
        let logits = self.weights.forward(&input, self.position)?;
        self.position += ids.len();
        logits.squeeze(0)
    }
}

/// candle knows the vocabulary of the file but not the pre-tokenizer that it names ("smollm"),
/// and would fall back to one that puts a space before every piece of text. The published
/// tokenizer of SmolLM2 splits digits one by one and adds no space.
fn tokenizer(content: &Content) -> candle_core::Result<Tokenizer> {
    let mut tokenizer = Tokenizer::from_gguf(content)?;
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
        Digits::new(true).into(),
        ByteLevel::new(false, true, true).into(),
    ])));
    Ok(tokenizer)
}

/// Matrices as Q8_0 and everything else as stored, passed through a GGUF file in memory, which
/// is the only form that candle's model reads.
fn requantised(
    content: &Content,
    reader: &mut BufReader<File>,
) -> candle_core::Result<ModelWeights> {
    let device = Device::Cpu;
    let mut tensors = Vec::with_capacity(content.tensor_infos.len());
    for (name, info) in &content.tensor_infos {
        let stored = content.tensor(reader, name, &device)?;
        let is_matrix = info.shape.rank() == 2;
        let tensor = match stored.dtype() {
            GgmlDType::F32 | GgmlDType::Q8_0 => stored,
            _ if is_matrix => QTensor::quantize(&stored.dequantize(&device)?, GgmlDType::Q8_0)?,
            _ => stored,
        };
        tensors.push((name.as_str(), tensor));
    }
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    let metadata: Vec<_> = content
        .metadata
        .iter()
        .filter(|(key, _)| key.starts_with("llama.") || *key == "general.architecture")
        .map(|(key, value)| (key.as_str(), value))
        .collect();
    let mut buffer = Cursor::new(Vec::new());
    gguf_file::write(&mut buffer, &metadata, &tensors)?;
    buffer.seek(SeekFrom::Start(0))?;
    let rewritten = Content::read(&mut buffer)?;
    ModelWeights::from_gguf(rewritten, &mut buffer, &device)
}
