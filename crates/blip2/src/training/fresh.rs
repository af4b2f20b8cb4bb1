//! A Q-Former that begins anew.

use candle_core::Result;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::dropout::mix;
use crate::error::Error;
use crate::parameters::Parameter;

use super::Trainee;

/// How much wider than the others the layers are drawn that decide where a
/// query looks. With 1 every query begins by looking everywhere alike.
const LOOKING_GAIN: f32 = 2.0;

/// The parameter that the learned queries are.
const QUERIES: &str = "query_tokens";

impl Trainee {
    /// Draws the Q-Former's weights and its queries anew from `seed`; what sees
    /// and what speaks stays as it was.
    ///
    /// A small model's queries may all have come to ask the same. Equal queries
    /// get equal gradients, so that training never parts them again, and
    /// whatever the picture shows in one place only is lost between the vision
    /// encoder and the language model.
    ///
    /// Weights are uniform with variance 1/inputs, four times that for the
    /// queries and keys of the cross-attention; the learned queries have
    /// variance 1, biases are 0, norms begin as the identity.
    ///
    /// # Errors
    /// When its weights do not learn.
    pub fn begin_qformer_anew(&self, seed: u64) -> std::result::Result<(), Error> {
        let has_queries = |one: &Parameter| one.name() == QUERIES;
        if !self.parameters().iter().any(has_queries) {
            let reason = "only where its weights learn may the Q-Former begin anew";
            return Err(Error::Training(reason.to_owned()));
        }
        for parameter in self.parameters() {
            draw(parameter, seed)?;
        }
        Ok(())
    }
}

fn draw(parameter: &Parameter, seed: u64) -> Result<()> {
    let name = parameter.name();
    let is_norm = name.to_lowercase().contains("layernorm");
    let variance = match parameter.dims() {
        _ if name == QUERIES => 1.0,
        _ if !name.starts_with("qformer.") => return Ok(()),
        [_] => {
            let begin = f32::from(u8::from(is_norm && name.ends_with(".weight")));
            return parameter.update(|values| values.fill(begin));
        }
        [.., inputs] => gain(name).powi(2) / *inputs as f32,
        [] => return Ok(()),
    };
    let of_name = name
        .bytes()
        .fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
    let mut rng = ChaCha8Rng::seed_from_u64(of_name);
    // A uniform distribution on ±b has variance b²/3.
    let bound = (3.0 * variance).sqrt();
    parameter.update(|values| values.fill_with(|| rng.random_range(-bound..bound)))
}

fn gain(name: &str) -> f32 {
    let looks = ["query.weight", "key.weight"]
        .iter()
        .any(|end| name.ends_with(&format!("crossattention.attention.{end}")));
    if looks { LOOKING_GAIN } else { 1.0 }
}
