//! The vision encoder: `Blip2VisionModel` of `transformers`.

use candle_core::{Result, Tensor};
use kernels::Avx512;

use crate::attention::attention;
use crate::config::{Activation, VisionConfig};
use crate::linear::Linear;
use crate::ops::LayerNorm;
use crate::tape::Gradients;
use crate::weights::Weights;
use crate::{ops, tape};

/// Pictures to hidden states, one a patch and one for the class token.
#[derive(Debug, Clone)]
pub struct VisionModel {
    embeddings: VisionEmbeddings,
    encoder: Vec<EncoderLayer>,
    post_layernorm: LayerNorm,
}

impl VisionModel {
    /// Loads the encoder from under `vision_model`.
    ///
    /// # Errors
    /// When a tensor is missing or has another shape.
    pub fn new(config: &VisionConfig, vb: Weights) -> Result<Self> {
        let layers = vb.pp("encoder").pp("layers");
        Ok(Self {
            embeddings: VisionEmbeddings::new(config, vb.pp("embeddings"))?,
            encoder: (0..config.num_hidden_layers)
                .map(|index| EncoderLayer::new(config, layers.pp(index)))
                .collect::<Result<_>>()?,
            post_layernorm: LayerNorm::new(
                config.hidden_size,
                config.layer_norm_eps,
                vb.pp("post_layernorm"),
            )?,
        })
    }

    /// Pixel values `(batch, 3, image_size, image_size)` to the last hidden
    /// state `(batch, 1 + patches, hidden)`, its layer norm applied to all.
    ///
    /// # Errors
    /// When the pixel values have another shape.
    pub fn forward(&self, pixel_values: &Tensor) -> Result<Tensor> {
        let mut hidden = self.embeddings.forward(pixel_values)?;
        for layer in &self.encoder {
            hidden = layer.forward(&hidden)?;
        }
        self.post_layernorm.forward(&hidden)
    }
}

#[derive(Debug, Clone)]
struct VisionEmbeddings {
    class_embedding: Tensor,
    patch_embedding: Linear,
    position_embedding: Tensor,
    image_size: usize,
    patch_size: usize,
}

impl VisionEmbeddings {
    fn new(config: &VisionConfig, vb: Weights) -> Result<Self> {
        let (hidden, patch) = (config.hidden_size, config.patch_size);
        let patches = vb.pp("patch_embedding");
        // The patches do not overlap: the convolution is one linear layer
        // over a patch's values.
        let bias = patches.get(hidden, "bias")?;
        let kernel = patches.linear((hidden, 3, patch, patch), "weight", Some(bias))?;
        Ok(Self {
            class_embedding: vb.get((1, 1, hidden), "class_embedding")?,
            patch_embedding: kernel,
            position_embedding: vb
                .get((1, 1 + config.num_patches(), hidden), "position_embedding")?,
            image_size: config.image_size,
            patch_size: patch,
        })
    }

    fn forward(&self, pixel_values: &Tensor) -> Result<Tensor> {
        let (size, patch) = (self.image_size, self.patch_size);
        let (batch, channels, height, width) = pixel_values.dims4()?;
        if (channels, height, width) != (3, size, size) {
            candle_core::bail!(
                "pixel values are {channels}×{height}×{width}, the model takes 3×{size}×{size}"
            );
        }
        let side = size / patch;
        let patches = pixel_values
            .reshape(vec![batch, 3, side, patch, side, patch])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((batch, side * side, 3 * patch * patch))?;
        let patches = self.patch_embedding.forward(&patches)?;
        let class = ops::repeat(&self.class_embedding, batch)?;
        let tokens = ops::join_tokens(&class, &patches)?;
        let sum = tokens.broadcast_add(&self.position_embedding)?;
        let positions = self.position_embedding.clone();
        Ok(tape::record(&[&tokens, &positions], sum, || {
            let (tokens, positions) = (tokens.clone(), positions.clone());
            move |dy: Vec<f32>, gradients: &mut Gradients| {
                gradients.with(&positions, |sum| ops::add_each(sum, &dy))?;
                gradients.add(&tokens, dy)
            }
        }))
    }
}

#[derive(Debug, Clone)]
struct EncoderLayer {
    layer_norm1: LayerNorm,
    self_attn: Attention,
    layer_norm2: LayerNorm,
    mlp: Mlp,
}

impl EncoderLayer {
    fn new(config: &VisionConfig, vb: Weights) -> Result<Self> {
        let norm = |name| LayerNorm::new(config.hidden_size, config.layer_norm_eps, vb.pp(name));
        Ok(Self {
            layer_norm1: norm("layer_norm1")?,
            self_attn: Attention::new(config, vb.pp("self_attn"))?,
            layer_norm2: norm("layer_norm2")?,
            mlp: Mlp::new(config, vb.pp("mlp"))?,
        })
    }

    fn forward(&self, hidden: &Tensor) -> Result<Tensor> {
        let normed = self.layer_norm1.forward(hidden)?;
        let hidden = self.self_attn.forward(&normed, hidden)?;
        let normed = self.layer_norm2.forward(&hidden)?;
        self.mlp.forward(&normed, &hidden)
    }
}

#[derive(Debug, Clone)]
struct Attention {
    /// One projection whose rows are all queries, then all keys, then all values.
    qkv: Linear,
    projection: Linear,
    num_heads: usize,
    kernels: Option<Avx512>,
}

impl Attention {
    fn new(config: &VisionConfig, vb: Weights) -> Result<Self> {
        let hidden = config.hidden_size;
        Ok(Self {
            qkv: Linear::new(hidden, 3 * hidden, config.qkv_bias, vb.pp("qkv"))?,
            projection: Linear::new(hidden, hidden, true, vb.pp("projection"))?,
            num_heads: config.num_attention_heads,
            kernels: vb.plan().kernels(),
        })
    }

    fn forward(&self, hidden: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let (batch, tokens, width) = hidden.dims3()?;
        let head_dim = width / self.num_heads;
        let projected = self.qkv.forward(hidden)?;
        let qkv = projected
            .reshape((batch, tokens, 3, self.num_heads, head_dim))?
            .permute((2, 0, 3, 1, 4))?;
        let scale = (head_dim as f64).powf(-0.5);
        // Views, not copies: `get` would make some.
        let part = |index| -> Result<Tensor> {
            let part = qkv.narrow(0, index, 1)?.squeeze(0)?;
            Ok(tape::alias(part, &projected))
        };
        let (query, key, value) = (part(0)?, part(1)?, part(2)?);
        let context = attention(self.kernels, [&query, &key, &value], scale, &[])?;
        self.projection.forward_added(&context, residual)
    }
}

#[derive(Debug, Clone)]
struct Mlp {
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl Mlp {
    fn new(config: &VisionConfig, vb: Weights) -> Result<Self> {
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        Ok(Self {
            fc1: Linear::new(hidden, intermediate, true, vb.pp("fc1"))?,
            fc2: Linear::new(intermediate, hidden, true, vb.pp("fc2"))?,
            activation: config.hidden_act,
        })
    }

    fn forward(&self, hidden: &Tensor, residual: &Tensor) -> Result<Tensor> {
        let inner = self.fc1.forward_activated(hidden, self.activation)?;
        self.fc2.forward_added(&inner, residual)
    }
}
