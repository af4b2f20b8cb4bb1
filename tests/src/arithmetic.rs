//! How much there is to compute, from the shape alone.
//!
//! Counted are matrix multiplications, a multiplication and an addition as two
//! operations; norms, activations, softmax and the photo's decoding are left
//! out. So it is a floor of the work, and what is reached of a machine's peak
//! is a floor as well.

use anyhow::{Context, Result};
use serde_json::Value;

/// GFLOP of one request.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// Vision encoder, Q-Former and the projection of its queries.
    pub image: f64,
    /// Language model, all questions.
    pub questions: f64,
}

/// How many questions of how many tokens (with `</s>`, without the image's) a
/// request has, and how many tokens an answer.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// About one photo.
    pub questions: usize,
    /// Of each question.
    pub prompt_tokens: usize,
    /// Of each answer.
    pub answer_tokens: usize,
}

impl Work {
    /// `config` is a checkpoint's `config.json`.
    ///
    /// # Errors
    /// When it lacks a size.
    pub fn of(config: &Value, request: Request) -> Result<Work> {
        let queries = number(config, "num_query_tokens")?;
        let (vision, patches) = vision(&config["vision_config"])?;
        let qformer = qformer(&config["qformer_config"], queries, patches)?;
        let text = &config["text_config"];
        let (hidden, width) = (
            number(&config["qformer_config"], "hidden_size")?,
            number(text, "d_model")?,
        );
        let projection = queries * hidden * width;
        let question = text_of(
            text,
            queries + request.prompt_tokens as f64,
            request.answer_tokens as f64,
        )?;
        Ok(Work {
            image: gflop(vision + qformer + projection),
            questions: gflop(request.questions as f64 * question),
        })
    }
}

fn gflop(multiplications: f64) -> f64 {
    2.0 * multiplications / 1e9
}

/// Multiplications of the vision encoder, and how many tokens it gives.
fn vision(config: &Value) -> Result<(f64, f64)> {
    let width = number(config, "hidden_size")?;
    let inner = number(config, "intermediate_size")?;
    let layers = number(config, "num_hidden_layers")?;
    let patch = number(config, "patch_size")?;
    let side = number(config, "image_size")? / patch;
    // One more for the class.
    let tokens = side * side + 1.0;
    let embedding = side * side * 3.0 * patch * patch * width;
    // Queries, keys, values and the projection after them; scores and their
    // use; two layers of the MLP.
    let layer =
        tokens * (4.0 * width * width + 2.0 * width * inner) + 2.0 * tokens * tokens * width;
    Ok((embedding + layers * layer, tokens))
}

/// Multiplications of the Q-Former on `queries`, which look at `patches`.
fn qformer(config: &Value, queries: f64, patches: f64) -> Result<f64> {
    let width = number(config, "hidden_size")?;
    let inner = number(config, "intermediate_size")?;
    let layers = number(config, "num_hidden_layers")?;
    let image = number(config, "encoder_hidden_size")?;
    let every = number(config, "cross_attention_frequency")?;
    let layer =
        queries * (4.0 * width * width + 2.0 * width * inner) + 2.0 * queries * queries * width;
    // Keys and values are made of the image's tokens.
    let crossing = 2.0 * queries * width * width
        + 2.0 * patches * image * width
        + 2.0 * queries * patches * width;
    Ok(layers * layer + (layers / every).ceil() * crossing)
}

/// Multiplications of T5 for one question: an encoder over `read` tokens, a
/// decoder of `written` steps with its keys and values kept, and the head on
/// each of its outputs.
fn text_of(config: &Value, read: f64, written: f64) -> Result<f64> {
    let width = number(config, "d_model")?;
    let inner = number(config, "d_ff")?;
    let attention = number(config, "num_heads")? * number(config, "d_kv")?;
    // Queries, keys, values, output; the gated MLP has three layers.
    let projections = 4.0 * width * attention;
    let mlp = 3.0 * width * inner;
    let encoder = read * (projections + mlp) + 2.0 * read * read * attention;
    let steps = written * (written + 1.0) / 2.0;
    let decoder = written * (projections + mlp)
        + 2.0 * steps * attention
        // Across: queries and output a step, keys and values once.
        + written * 2.0 * width * attention
        + read * 2.0 * width * attention
        + 2.0 * written * read * attention;
    let head = written * width * number(config, "vocab_size")?;
    Ok(number(config, "num_layers")? * encoder
        + number(config, "num_decoder_layers")? * decoder
        + head)
}

fn number(config: &Value, name: &str) -> Result<f64> {
    let value = config[name].as_f64();
    value.with_context(|| format!("config.json does not say {name}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// ViT-B/16 on 224 pixels is known to take 17.6 billion multiplications.
    #[test]
    fn the_vision_encoder_is_counted_as_others_count_it() {
        let config = json!({
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
            "patch_size": 16, "image_size": 224
        });
        let (multiplications, tokens) = vision(&config).unwrap();
        assert_eq!(tokens, 197.0);
        assert!(
            (multiplications / 1e9 - 17.6).abs() < 0.1,
            "{multiplications}"
        );
    }

    #[test]
    fn an_encoder_layer_of_t5_is_its_weights_and_its_attention() {
        let config = |encoder, decoder| {
            json!({
                "d_model": 8, "d_ff": 16, "num_heads": 2, "d_kv": 4, "vocab_size": 10,
                "num_layers": encoder, "num_decoder_layers": decoder
            })
        };
        let head = text_of(&config(0, 0), 5.0, 3.0).unwrap();
        assert_eq!(head, 3.0 * 8.0 * 10.0);
        let layer = text_of(&config(1, 0), 5.0, 3.0).unwrap() - head;
        assert_eq!(layer, 5.0 * (4.0 * 64.0 + 3.0 * 128.0) + 2.0 * 25.0 * 8.0);
    }

    #[test]
    fn a_size_that_is_missing_is_named() {
        let request = Request {
            questions: 8,
            prompt_tokens: 19,
            answer_tokens: 6,
        };
        let error = Work::of(&json!({}), request).unwrap_err();
        assert!(error.to_string().contains("num_query_tokens"), "{error}");
    }
}
