//! The Q-Former's part.

use serde::Deserialize;

use super::Activation;

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
