//! The language model's part.

use serde::Deserialize;

use super::Activation;

/// `T5Config`, as far as inference needs it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct T5Config {
    /// `t5`; BLIP-2 also exists with `opt`, which this crate does not run.
    pub model_type: String,
    /// Rows of the embedding, the padding to a round number included.
    pub vocab_size: usize,
    /// Width of the hidden states.
    pub d_model: usize,
    /// Width of one head's keys and values.
    pub d_kv: usize,
    /// Width of the feed-forward layer.
    pub d_ff: usize,
    /// Encoder layers.
    pub num_layers: usize,
    /// Decoder layers; as many as the encoder's where it is left out.
    pub num_decoder_layers: Option<usize>,
    /// How many attention heads a layer.
    pub num_heads: usize,
    /// Buckets of the relative position bias.
    pub relative_attention_num_buckets: usize,
    /// Distance from which on every position shares one bucket.
    pub relative_attention_max_distance: usize,
    /// Added to the mean square in every RMS norm.
    pub layer_norm_epsilon: f64,
    /// `relu`, `gelu`, `gated-gelu` …: the form of the feed-forward layer.
    pub feed_forward_proj: FeedForward,
    /// Whether the embedding is the head as well. A stored
    /// `lm_head.weight` is used whatever this says.
    pub tie_word_embeddings: bool,
    /// Whether the decoder's output is scaled by `d_model^-0.5` before a
    /// tied head; older files say so by `tie_word_embeddings`.
    pub scale_decoder_outputs: Option<bool>,
    /// The id the decoder starts from.
    pub decoder_start_token_id: Option<u32>,
    /// Padding.
    pub pad_token_id: u32,
    /// The ids at which an answer ends.
    pub eos_token_id: TokenIds,
}

impl Default for T5Config {
    fn default() -> Self {
        Self {
            model_type: "t5".to_owned(),
            vocab_size: 32128,
            d_model: 512,
            d_kv: 64,
            d_ff: 2048,
            num_layers: 6,
            num_decoder_layers: None,
            num_heads: 8,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            layer_norm_epsilon: 1e-6,
            feed_forward_proj: FeedForward {
                gated: false,
                activation: Activation::Relu,
            },
            tie_word_embeddings: true,
            scale_decoder_outputs: None,
            decoder_start_token_id: None,
            pad_token_id: 0,
            eos_token_id: TokenIds::One(1),
        }
    }
}

impl T5Config {
    /// Decoder layers.
    pub fn num_decoder_layers(&self) -> usize {
        self.num_decoder_layers.unwrap_or(self.num_layers)
    }

    /// Width of all heads together.
    pub fn inner_dim(&self) -> usize {
        self.num_heads * self.d_kv
    }

    /// The id the decoder starts from; the padding id where none is given,
    /// as for every T5.
    pub fn decoder_start(&self) -> u32 {
        self.decoder_start_token_id.unwrap_or(self.pad_token_id)
    }

    /// Whether a tied head sees the decoder's output times `d_model^-0.5`.
    pub fn scales_tied_output(&self) -> bool {
        self.scale_decoder_outputs
            .unwrap_or(self.tie_word_embeddings)
    }
}

/// One token id or several, as `eos_token_id` may be.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum TokenIds {
    /// A single id.
    One(u32),
    /// Any of these.
    Many(Vec<u32>),
}

impl TokenIds {
    /// Whether `id` is among them.
    pub fn contains(&self, id: u32) -> bool {
        match self {
            Self::One(one) => *one == id,
            Self::Many(many) => many.contains(&id),
        }
    }

    /// All of them.
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// The form of T5's feed-forward layer, written as `[gated-]ACTIVATION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct FeedForward {
    /// Whether a second projection gates the first.
    pub gated: bool,
    /// The activation on the first projection.
    pub activation: Activation,
}

impl TryFrom<String> for FeedForward {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // `gated-gelu` has always meant the tanh approximation, whatever
        // `dense_act_fn` says (transformers' T5Config does the same).
        let (gated, activation) = match text.as_str() {
            "gated-gelu" => (true, Activation::GeluNew),
            "gated-silu" => (true, Activation::Silu),
            "gated-relu" => (true, Activation::Relu),
            "relu" => (false, Activation::Relu),
            "gelu" => (false, Activation::Gelu),
            "gelu_new" => (false, Activation::GeluNew),
            "silu" => (false, Activation::Silu),
            _ => return Err(format!("unknown feed_forward_proj `{text}`")),
        };
        Ok(Self { gated, activation })
    }
}
