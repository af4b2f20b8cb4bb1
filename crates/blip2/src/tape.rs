//! What was computed and how its gradients are had, for the engines that
//! candle's own record knows nothing of.
//!
//! candle's backward pass makes a tensor of zeros for every gradient, adds to
//! it on threads of its own, and holds everything until its end; for a model of
//! this size that costs as much as computing does. Here a gradient is a buffer
//! that operations add to in place, and what an operation kept is dropped as
//! soon as it is passed.
//!
//! A tape belongs to the thread that computes. While [`recording`], operations
//! that depend on a watched tensor call [`record`]; without a tape that does
//! nothing. A tensor whose numbers are another one's, in another shape or order
//! of dimensions, is its [`alias`]: both have one gradient, laid out as the
//! storage is.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{Result, Tensor, TensorId};
use kernels::{Avx512, add_scaled};

/// Adds the gradients of an operation's operands, given that of its result.
type Backward = Box<dyn FnOnce(Vec<f32>, &mut Gradients) -> Result<()>>;

thread_local! {
    static TAPE: RefCell<Option<Tape>> = const { RefCell::new(None) };
}

/// Operations in the order in which they were computed.
#[derive(Default)]
pub(crate) struct Tape {
    nodes: Vec<(TensorId, Backward)>,
    /// The tensor that holds the gradient, and its length, for each that is
    /// watched.
    watched: HashMap<TensorId, Place>,
}

#[derive(Clone, Copy)]
struct Place {
    id: TensorId,
    length: usize,
}

/// Runs `forward` with a tape on which everything is recorded that depends on
/// `leaves`.
pub(crate) fn recording<'a, T>(
    leaves: impl IntoIterator<Item = &'a Tensor>,
    forward: impl FnOnce() -> Result<T>,
) -> Result<(T, Tape)> {
    /// Leaves no tape behind where the forward pass fails.
    struct Guard;
    impl Drop for Guard {
        fn drop(&mut self) {
            TAPE.set(None);
        }
    }
    let mut tape = Tape::default();
    for leaf in leaves {
        tape.watch(leaf);
    }
    TAPE.set(Some(tape));
    let guard = Guard;
    let result = forward()?;
    let tape = TAPE.take().unwrap_or_default();
    drop(guard);
    Ok((result, tape))
}

/// Whether a gradient of the tensor is wanted.
pub(crate) fn is_watched(tensor: &Tensor) -> bool {
    TAPE.with_borrow(|tape| {
        let tape = tape.as_ref();
        tape.is_some_and(|tape| tape.watched.contains_key(&tensor.id()))
    })
}

/// The tensor, one number after the other in memory. A copy would be another
/// tensor, to which no gradient leads: what is watched has to be so already.
pub(crate) fn dense(tensor: &Tensor) -> Result<Tensor> {
    if is_watched(tensor) && !tensor.is_contiguous() {
        candle_core::bail!("a tensor that is trained through is not contiguous");
    }
    tensor.contiguous()
}

/// Notes how `result` was computed, if one of the operands is watched.
pub(crate) fn record<F>(
    operands: &[&Tensor],
    result: Tensor,
    backward: impl FnOnce() -> F,
) -> Tensor
where
    F: FnOnce(Vec<f32>, &mut Gradients) -> Result<()> + 'static,
{
    TAPE.with_borrow_mut(|tape| {
        let Some(tape) = tape else { return };
        if operands
            .iter()
            .any(|one| tape.watched.contains_key(&one.id()))
        {
            tape.watch(&result);
            tape.nodes.push((result.id(), Box::new(backward())));
        }
    });
    result
}

/// Notes that `view` has the numbers of `base`, or that its gradient is that of
/// `base`.
pub(crate) fn alias(view: Tensor, base: &Tensor) -> Tensor {
    TAPE.with_borrow_mut(|tape| {
        let Some(tape) = tape else { return };
        if let Some(&place) = tape.watched.get(&base.id()) {
            tape.watched.insert(view.id(), place);
        }
    });
    view
}

impl Tape {
    fn watch(&mut self, tensor: &Tensor) {
        let place = Place {
            id: tensor.id(),
            length: tensor.elem_count(),
        };
        self.watched.insert(place.id, place);
    }

    /// The gradients of all that was watched, given that of `result`.
    pub(crate) fn backward(mut self, result: &Tensor, gradient: Vec<f32>) -> Result<Gradients> {
        let mut gradients = Gradients {
            watched: std::mem::take(&mut self.watched),
            buffers: HashMap::new(),
        };
        gradients.add(result, gradient)?;
        while let Some((id, backward)) = self.nodes.pop() {
            // What leads nowhere has none.
            if let Some(gradient) = gradients.buffers.remove(&id) {
                backward(gradient, &mut gradients)?;
            }
        }
        Ok(gradients)
    }
}

/// Gradients as far as they are known.
pub(crate) struct Gradients {
    watched: HashMap<TensorId, Place>,
    buffers: HashMap<TensorId, Vec<f32>>,
}

impl Gradients {
    /// Adds to the gradient of a tensor, if it is wanted, one laid out as the
    /// tensor's storage is.
    pub(crate) fn add(&mut self, tensor: &Tensor, gradient: Vec<f32>) -> Result<()> {
        let Some(place) = self.watched.get(&tensor.id()) else {
            return Ok(());
        };
        if gradient.len() != place.length {
            candle_core::bail!(
                "a gradient has {} numbers for a tensor of {}",
                gradient.len(),
                place.length
            );
        }
        match self.buffers.get_mut(&place.id) {
            Some(sum) => add_scaled(processor()?, sum, 1.0, &gradient),
            None => {
                self.buffers.insert(place.id, gradient);
            }
        }
        Ok(())
    }

    /// Calls `change` with the gradient of a tensor, if it is wanted, as the
    /// storage of the tensor is laid out; zeros where there was none yet.
    pub(crate) fn with(
        &mut self,
        tensor: &Tensor,
        change: impl FnOnce(&mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let Some(place) = self.watched.get(&tensor.id()) else {
            return Ok(());
        };
        let buffer = self
            .buffers
            .entry(place.id)
            .or_insert_with(|| vec![0.0; place.length]);
        change(buffer)
    }

    /// The same where `change` can overwrite what is there: it is told whether
    /// it has to add.
    pub(crate) fn product(
        &mut self,
        tensor: &Tensor,
        change: impl FnOnce(bool, &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let is_first = self
            .watched
            .get(&tensor.id())
            .is_some_and(|place| !self.buffers.contains_key(&place.id));
        self.with(tensor, |sum| change(!is_first, sum))
    }

    /// Takes the gradient of a tensor, if it is wanted, so that others can be
    /// reached while it is changed; zeros where there was none yet.
    pub(crate) fn detach(&mut self, tensor: &Tensor) -> Option<Vec<f32>> {
        let place = self.watched.get(&tensor.id())?;
        let taken = self.buffers.remove(&place.id);
        Some(taken.unwrap_or_else(|| vec![0.0; place.length]))
    }

    /// Puts back what [`Self::detach`] took.
    pub(crate) fn attach(&mut self, tensor: &Tensor, gradient: Option<Vec<f32>>) {
        if let (Some(place), Some(gradient)) = (self.watched.get(&tensor.id()), gradient) {
            self.buffers.insert(place.id, gradient);
        }
    }

    /// Adds to the gradient of heads, a tensor of `(batch, heads, tokens,
    /// head_dim)`, one that is `(batch, tokens, heads · head_dim)`.
    pub(crate) fn add_heads(&mut self, heads: &Tensor, gradient: Vec<f32>) -> Result<()> {
        let (batch, count, tokens, width) = heads.dims4()?;
        let layout = heads.layout();
        let dense = [tokens * count * width, width, count * width, 1];
        let is_whole = self
            .watched
            .get(&heads.id())
            .is_none_or(|place| place.length == gradient.len());
        if is_whole && layout.start_offset() == 0 && layout.stride() == dense {
            return self.add(heads, gradient);
        }
        let (first, stride) = (layout.start_offset(), layout.stride().to_vec());
        self.with(heads, |sum| {
            for (index, values) in gradient.chunks_exact(width).enumerate() {
                let (head, token) = (index % count, index / count % tokens);
                let at = first
                    + index / count / tokens * stride[0]
                    + head * stride[1]
                    + token * stride[2];
                let places = sum[at..].iter_mut().step_by(stride[3]);
                places.zip(values).for_each(|(sum, value)| *sum += value);
            }
            debug_assert_eq!(gradient.len(), batch * count * tokens * width);
            Ok(())
        })
    }

    /// The gradient of a tensor that is wanted, if anything led to it.
    pub(crate) fn take(&mut self, tensor: &Tensor) -> Option<Vec<f32>> {
        let place = self.watched.get(&tensor.id())?;
        self.buffers.remove(&place.id)
    }
}

/// The kernels' proof: tapes are only used where they run.
pub(crate) fn processor() -> Result<Avx512> {
    Avx512::detect().ok_or_else(|| candle_core::Error::Msg("no AVX-512".to_owned()))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn gradients_add_up_along_all_ways() {
        if Avx512::detect().is_none() {
            eprintln!("skipped: no AVX-512");
            return;
        }
        let leaf = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let other = Tensor::new(&[7f32], &Device::Cpu).unwrap();
        let ((sum, unused), tape) = recording([&leaf], || {
            let view = alias(leaf.t()?, &leaf);
            let doubled = record(&[&view], (&view * 2.0)?, || {
                let view = view.clone();
                move |dy: Vec<f32>, gradients: &mut Gradients| {
                    // In the order of the storage.
                    gradients.with(&view, |sum| {
                        sum.iter_mut()
                            .zip(&dy)
                            .for_each(|(sum, dy)| *sum += 2.0 * dy);
                        Ok(())
                    })
                }
            });
            let unused = record(&[&leaf], leaf.neg()?, || |_, _: &mut Gradients| Ok(()));
            assert!(is_watched(&doubled) && !is_watched(&other));
            Ok((doubled, unused))
        })
        .unwrap();
        assert!(!is_watched(&sum) && !is_watched(&unused));
        let mut gradients = tape.backward(&sum, vec![1.0, 0.0, 0.0, 0.5]).unwrap();
        assert_eq!(gradients.take(&leaf), Some(vec![2.0, 0.0, 0.0, 1.0]));
        assert_eq!(gradients.take(&other), None);
    }

    #[test]
    fn a_failed_pass_leaves_no_tape() {
        let leaf = Tensor::new(&[1f32], &Device::Cpu).unwrap();
        let failed = recording([&leaf], || -> Result<()> { candle_core::bail!("no") });
        assert!(failed.is_err() && !is_watched(&leaf));
    }
}
