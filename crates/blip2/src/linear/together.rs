//! Layers that read one input. An engine brings it into the form in which it
//! multiplies once for all of them, and gives its threads the work of all at once.

use std::sync::Arc;

use candle_core::{Error, Result, Tensor};
use kernels::Avx512;

use super::Linear;
use super::forward::ForRows;
use crate::config::Activation;
use crate::lora::RowAdapters;
use crate::product::{self, Numbers, Product};

/// What each of some layers makes of one input `(…, in)`, in their order: bit for bit
/// what it makes of it alone, each row with its adapter. What is trained is computed
/// and recorded one layer after the other.
pub(crate) fn forward_all(
    layers: &[&Linear],
    xs: &Tensor,
    adapters: &RowAdapters,
) -> Result<Vec<Tensor>> {
    let layers: Vec<ForRows> = layers
        .iter()
        .map(|layer| layer.for_rows(adapters))
        .collect();
    let fused: Option<Vec<&Arc<dyn Product>>> =
        layers.iter().map(|layer| layer.fused(xs)).collect();
    let Some(fused) = fused else {
        return layers.iter().map(|layer| layer.forward(xs)).collect();
    };
    product::forward_each(&fused, xs, |x, each| {
        let finished = layers.iter().zip(each).map(|(layer, mut numbers)| {
            layer.add(x, &mut numbers.ys)?;
            numbers.into_tensor()
        });
        finished.collect()
    })
}

/// The same for a number of layers that is known.
pub(crate) fn forward_each<const N: usize>(
    layers: [&Linear; N],
    xs: &Tensor,
    adapters: &RowAdapters,
) -> Result<[Tensor; N]> {
    all_of(forward_all(&layers, xs, adapters)?)
}

/// What `gate` makes of an input `(…, in)`, activated, times what `up` makes of it.
pub(crate) fn forward_gated(
    [gate, up]: [&Linear; 2],
    xs: &Tensor,
    activation: Activation,
    adapters: &RowAdapters,
) -> Result<Tensor> {
    let (gate, up) = (gate.for_rows(adapters), up.for_rows(adapters));
    match (gate.fused(xs), up.fused(xs), Avx512::detect()) {
        (Some(of_gate), Some(of_up), Some(proof)) if activation == Activation::GeluNew => {
            product::forward_each(&[of_gate, of_up], xs, |x, each| {
                let [mut gated, mut up_numbers]: [Numbers; 2] = all_of(each)?;
                gate.add(x, &mut gated.ys)?;
                up.add(x, &mut up_numbers.ys)?;
                kernels::gelu_tanh_times(proof, &mut gated.ys, &up_numbers.ys);
                gated.into_tensor()
            })
        }
        _ => {
            let up = up.forward(xs)?;
            gate.forward_gating(xs, activation, &up)
        }
    }
}

fn all_of<T, const N: usize>(each: Vec<T>) -> Result<[T; N]> {
    each.try_into()
        .map_err(|each: Vec<T>| Error::msg(format!("{} results of {N} layers", each.len())))
}

#[cfg(test)]
mod tests;
