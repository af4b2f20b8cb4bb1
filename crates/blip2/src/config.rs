//! The published `config.json`, as it is.
//!
//! Field names are those of `transformers`' `Blip2Config`; a field that a
//! file leaves out has the default of `transformers`. Files of both
//! generations of the schema load: older ones carry every inherited setting
//! and know no `image_token_index`, newer ones carry only what differs.

use serde::Deserialize;

use crate::error::Error;

/// `Blip2Config`: one configuration for each of the three parts.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Blip2Config {
    /// The vision encoder's.
    #[serde(default)]
    pub vision_config: VisionConfig,
    /// The Q-Former's.
    #[serde(default)]
    pub qformer_config: QFormerConfig,
    /// The language model's.
    #[serde(default)]
    pub text_config: T5Config,
    /// How many learned queries ask the picture.
    #[serde(default = "default_num_query_tokens")]
    pub num_query_tokens: usize,
    /// The id that stands for a query token in a prompt. Checkpoints from
    /// before it existed put the query outputs in front of the prompt, which
    /// computes the same numbers; this crate always does that.
    #[serde(default, alias = "image_token_id")]
    pub image_token_index: Option<u32>,
}

/// `Blip2VisionConfig`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct VisionConfig {
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// How many transformer layers.
    pub num_hidden_layers: usize,
    /// How many attention heads a layer.
    pub num_attention_heads: usize,
    /// Side of the square picture, in pixels.
    pub image_size: usize,
    /// Side of a square patch, in pixels.
    pub patch_size: usize,
    /// The feed-forward layer's activation.
    pub hidden_act: Activation,
    /// Added to the variance in every layer norm.
    pub layer_norm_eps: f64,
    /// Whether the joint query/key/value projection has a bias.
    pub qkv_bias: bool,
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 1408,
            intermediate_size: 6144,
            num_hidden_layers: 39,
            num_attention_heads: 16,
            image_size: 224,
            patch_size: 14,
            hidden_act: Activation::Gelu,
            layer_norm_eps: 1e-6,
            qkv_bias: true,
        }
    }
}

impl VisionConfig {
    /// How many patches a picture has; the class token is not counted.
    pub fn num_patches(&self) -> usize {
        let side = self.image_size / self.patch_size;
        side * side
    }
}

/// `Blip2QFormerConfig`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default)]
pub struct QFormerConfig {
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// How many transformer layers.
    pub num_hidden_layers: usize,
    /// How many attention heads a layer.
    pub num_attention_heads: usize,
    /// The feed-forward layer's activation.
    pub hidden_act: Activation,
    /// Added to the variance in every layer norm.
    pub layer_norm_eps: f64,
    /// Every how many layers one looks at the picture.
    pub cross_attention_frequency: usize,
    /// Width of the vision encoder's hidden states.
    pub encoder_hidden_size: usize,
    /// Whether the Q-Former reads the prompt as well (InstructBLIP does).
    pub use_qformer_text_input: bool,
}

impl Default for QFormerConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            hidden_act: Activation::Gelu,
            layer_norm_eps: 1e-12,
            cross_attention_frequency: 2,
            encoder_hidden_size: 1408,
            use_qformer_text_input: false,
        }
    }
}

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

/// An activation function, by the name that `transformers` gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Activation {
    /// The exact form, by the error function.
    #[serde(rename = "gelu")]
    Gelu,
    /// The tanh approximation.
    #[serde(rename = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluNew,
    /// `max(x, 0)`.
    #[serde(rename = "relu")]
    Relu,
    /// `x · sigmoid(x)`.
    #[serde(rename = "silu", alias = "swish")]
    Silu,
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

fn default_num_query_tokens() -> usize {
    32
}

impl Blip2Config {
    /// Parses a `config.json` and checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] with what does not fit.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let config: Self =
            serde_json::from_str(text).map_err(|error| Error::Config(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }

    fn validate(&self) -> Result<(), Error> {
        let fail = |message: String| Err(Error::Config(message));
        let (vision, qformer, text) =
            (&self.vision_config, &self.qformer_config, &self.text_config);
        if text.model_type != "t5" {
            return fail(format!(
                "text_config.model_type is `{}`; this program runs BLIP-2 with a T5 language \
                 model (for example Salesforce/blip2-flan-t5-xl)",
                text.model_type
            ));
        }
        if qformer.use_qformer_text_input {
            return fail(
                "qformer_config.use_qformer_text_input is true: that is InstructBLIP, not BLIP-2"
                    .to_owned(),
            );
        }
        let positive = [
            ("num_query_tokens", self.num_query_tokens),
            ("vision_config.hidden_size", vision.hidden_size),
            (
                "vision_config.num_attention_heads",
                vision.num_attention_heads,
            ),
            ("vision_config.patch_size", vision.patch_size),
            ("qformer_config.hidden_size", qformer.hidden_size),
            (
                "qformer_config.num_attention_heads",
                qformer.num_attention_heads,
            ),
            (
                "qformer_config.cross_attention_frequency",
                qformer.cross_attention_frequency,
            ),
            ("text_config.d_model", text.d_model),
            ("text_config.d_kv", text.d_kv),
            ("text_config.num_heads", text.num_heads),
            ("text_config.vocab_size", text.vocab_size),
            (
                "text_config.relative_attention_num_buckets",
                text.relative_attention_num_buckets,
            ),
        ];
        for (name, value) in positive {
            if value == 0 {
                return fail(format!("{name} is 0"));
            }
        }
        if vision.image_size % vision.patch_size != 0 || vision.image_size == 0 {
            return fail(format!(
                "vision_config.image_size {} is no multiple of patch_size {}",
                vision.image_size, vision.patch_size
            ));
        }
        for (part, hidden, heads) in [
            (
                "vision_config",
                vision.hidden_size,
                vision.num_attention_heads,
            ),
            (
                "qformer_config",
                qformer.hidden_size,
                qformer.num_attention_heads,
            ),
        ] {
            if hidden % heads != 0 {
                return fail(format!(
                    "{part}.hidden_size {hidden} is no multiple of num_attention_heads {heads}"
                ));
            }
        }
        if qformer.encoder_hidden_size != vision.hidden_size {
            return fail(format!(
                "qformer_config.encoder_hidden_size {} differs from vision_config.hidden_size {}",
                qformer.encoder_hidden_size, vision.hidden_size
            ));
        }
        if text.relative_attention_num_buckets < 4
            || text.relative_attention_max_distance <= text.relative_attention_num_buckets / 2
        {
            return fail(format!(
                "text_config: relative_attention_max_distance {} does not fit \
                 relative_attention_num_buckets {}",
                text.relative_attention_max_distance, text.relative_attention_num_buckets
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_nothing_has_the_defaults_of_transformers() {
        let config = Blip2Config::from_json("{}").unwrap();
        assert_eq!(config.vision_config.num_hidden_layers, 39);
        assert_eq!(config.qformer_config.cross_attention_frequency, 2);
        assert_eq!(config.text_config.d_model, 512);
        assert_eq!(config.num_query_tokens, 32);
        assert_eq!(config.image_token_index, None);
    }

    #[test]
    fn gated_gelu_is_the_tanh_approximation_whatever_dense_act_fn_says() {
        let text =
            r#"{"text_config": {"feed_forward_proj": "gated-gelu", "dense_act_fn": "gelu"}}"#;
        let config = Blip2Config::from_json(text).unwrap();
        assert_eq!(
            config.text_config.feed_forward_proj,
            FeedForward {
                gated: true,
                activation: Activation::GeluNew
            }
        );
    }

    #[test]
    fn what_cannot_run_is_refused_with_its_name() {
        for (json, needle) in [
            (r#"{"text_config": {"model_type": "opt"}}"#, "`opt`"),
            (
                r#"{"qformer_config": {"use_qformer_text_input": true}}"#,
                "InstructBLIP",
            ),
            (r#"{"vision_config": {"image_size": 225}}"#, "225"),
            (
                r#"{"vision_config": {"num_attention_heads": 0}}"#,
                "num_attention_heads",
            ),
            (r#"{"vision_config": {"hidden_size": 1400}}"#, "multiple"),
            (
                r#"{"qformer_config": {"encoder_hidden_size": 8}}"#,
                "encoder_hidden_size",
            ),
            (
                r#"{"text_config": {"feed_forward_proj": "maxout"}}"#,
                "maxout",
            ),
            (
                r#"{"vision_config": {"hidden_act": "quick_gelu"}}"#,
                "quick_gelu",
            ),
            ("{", "EOF"),
        ] {
            let message = Blip2Config::from_json(json).unwrap_err().to_string();
            assert!(message.contains(needle), "{message}");
        }
    }
}
