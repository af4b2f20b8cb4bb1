//! The published `config.json`, as it is.
//!
//! Field names are those of `transformers`' `Blip2Config`; a field that a
//! file leaves out has the default of `transformers`. Files of both
//! generations of the schema load: older ones carry every inherited setting
//! and know no `image_token_index`, newer ones carry only what differs.

mod activation;
mod qformer;
mod t5;
mod vision;

use serde::Deserialize;

pub use activation::Activation;
pub use qformer::QFormerConfig;
pub use t5::{FeedForward, T5Config, TokenIds};
pub use vision::VisionConfig;

use crate::error::Error;
use crate::unique_json;

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

fn default_num_query_tokens() -> usize {
    32
}

/// No size of a model that could be loaded is above it, and products of a few
/// sizes below it do not overflow.
const LARGEST_SIZE: usize = 1 << 20;

impl Blip2Config {
    /// Parses a `config.json` and checks that the parts fit each other.
    ///
    /// # Errors
    /// [`Error::Config`] with what does not fit.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let config: Self =
            unique_json::read(text).map_err(|error| Error::Config(error.to_string()))?;
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
            if value == 0 || value > LARGEST_SIZE {
                return fail(format!(
                    "{name} is {value}, it must be from 1 to {LARGEST_SIZE}"
                ));
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
            (
                r#"{"text_config": {"d_model": 512, "_name": "a", "_name": "b"}}"#,
                "the key `_name` twice",
            ),
            (
                r#"{"num_query_tokens": 32, "num_query_tokens": 16}"#,
                "the key `num_query_tokens` twice",
            ),
        ] {
            let message = Blip2Config::from_json(json).unwrap_err().to_string();
            assert!(message.contains(needle), "{message}");
        }
    }
}
