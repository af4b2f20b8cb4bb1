//! An adapter beside a model that answers.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Result, Tensor};
use kernels::{Avx512, PackedWeights};

use super::Adapter;
use super::layers::{LayerNumber, LayerTable};
use super::strength::{STRONGEST, strength};
use crate::cpu;
use crate::error::Error;

/// What the names of the language model's layers begin with.
const LANGUAGE_MODEL: &str = "language_model.";

/// An adapter in the form in which a model computes with it, unmerged: beside
/// the frozen weights, which other adapters share. It belongs to the model that
/// made it ([`crate::Blip2::load_adapter`]).
#[derive(Debug)]
pub struct LoadedAdapter {
    name: String,
    layers: HashMap<LayerNumber, Matrices>,
    bytes: usize,
    /// Those of its model.
    table: Arc<LayerTable>,
}

impl LoadedAdapter {
    /// An adapter of no model that says it takes so many bytes: for the tests of
    /// a host that has none.
    pub fn stand_in(name: &str, bytes: usize) -> Self {
        Self {
            name: name.to_owned(),
            layers: HashMap::new(),
            bytes,
            table: Arc::default(),
        }
    }

    pub(crate) fn new(
        name: &str,
        adapter: &Adapter,
        table: &Arc<LayerTable>,
        device: &Device,
        kernels: Option<Avx512>,
    ) -> std::result::Result<Self, Error> {
        let fail = |reason: String| Err(Error::Adapter(reason));
        let mut loaded = Self {
            name: name.to_owned(),
            layers: HashMap::with_capacity(adapter.layers.len()),
            bytes: 0,
            table: Arc::clone(table),
        };
        for (layer, (a, b)) in &adapter.layers {
            let Some(entry) = table.get(layer) else {
                return fail(format!("the model has no layer {layer}"));
            };
            if !layer.starts_with(LANGUAGE_MODEL) {
                return fail(format!(
                    "{layer} is no layer of the language model: the adapter changes what the \
                     model sees of a photograph, which all questions about it share; merge it \
                     into a checkpoint of its own"
                ));
            }
            let (of_a, of_b) = (a.dims2()?, b.dims2()?);
            if of_a.1 != entry.inputs || of_b.0 != entry.outputs || of_a.0 != of_b.1 {
                return fail(format!(
                    "its matrices {of_a:?} and {of_b:?} do not fit {layer}, which has {} outputs \
                     and {} inputs: it was trained for another model",
                    entry.outputs, entry.inputs
                ));
            }
            for matrix in [a, b] {
                if !cpu::read(&matrix.contiguous()?, |all| {
                    all.iter().all(|x| x.is_finite())
                })? {
                    return fail(format!("a matrix of {layer} has what is no finite number"));
                }
            }
            let scale = adapter.config.scale();
            let strength = strength(a, b, scale)?;
            if strength > STRONGEST {
                return fail(format!(
                    "the matrices of {layer}, with their scale of {scale}, make up to \
                     {strength:.1e} of a 1, over {STRONGEST:e}: what follows from it would be no finite number in f32"
                ));
            }
            let b = (b * scale)?;
            let matrices = Matrices::new(a, &b, device, kernels)?;
            loaded.bytes += matrices.bytes();
            loaded.layers.insert(entry.number, matrices);
        }
        adapter.check_targets(&table.names())?;
        Ok(loaded)
    }

    /// What its host calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How much memory its matrices take, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it was made for the model that has these layers.
    pub(crate) fn is_for(&self, table: &Arc<LayerTable>) -> bool {
        Arc::ptr_eq(&self.table, table)
    }

    pub(super) fn matrices(&self, layer: LayerNumber) -> Option<&Matrices> {
        self.layers.get(&layer)
    }
}

/// What is added to a layer's result: `x Aᵀ Bᵀ`, `A` `(r, in)` and `B`
/// `(out, r)`, the adapter's scale within `B`.
#[derive(Debug)]
pub(super) enum Matrices {
    /// For this project's kernels.
    Packed { a: PackedWeights, b: PackedWeights },
    /// For candle, `Aᵀ` `(in, r)` and `Bᵀ` `(r, out)` in f32.
    Tensors { a: Tensor, b: Tensor },
}

impl Matrices {
    fn new(a: &Tensor, b: &Tensor, device: &Device, kernels: Option<Avx512>) -> Result<Self> {
        let Some(proof) = kernels else {
            let transposed = |matrix: &Tensor| matrix.t()?.contiguous()?.to_device(device);
            return Ok(Self::Tensors {
                a: transposed(a)?,
                b: transposed(b)?,
            });
        };
        let packed = |matrix: &Tensor| {
            let (outputs, inputs) = matrix.dims2()?;
            let numbers = matrix.contiguous()?;
            cpu::read(&numbers, |numbers| {
                PackedWeights::from_f32(proof, numbers, outputs, inputs)
            })?
            .map_err(candle_core::Error::wrap)
        };
        Ok(Self::Packed {
            a: packed(a)?,
            b: packed(b)?,
        })
    }

    fn bytes(&self) -> usize {
        let of_tensor = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
        match self {
            Self::Packed { a, b } => a.bytes() + b.bytes(),
            Self::Tensors { a, b } => of_tensor(a) + of_tensor(b),
        }
    }

    /// What is added to the results of `xs` `(…, in)`, of their number type.
    pub(super) fn product(&self, xs: &Tensor) -> Result<Tensor> {
        match self {
            Self::Tensors { a, b } => {
                let mut dims = xs.dims().to_vec();
                let inputs = dims.pop().unwrap_or_default();
                dims.push(b.dim(1)?);
                let wide = xs.to_dtype(a.dtype())?.contiguous()?;
                let delta = wide.reshape(((), inputs))?.matmul(a)?.matmul(b)?;
                delta.reshape(dims)?.to_dtype(xs.dtype())
            }
            Self::Packed { b, .. } => {
                let mut dims = xs.dims().to_vec();
                dims.pop();
                dims.push(b.outputs());
                let mut delta = vec![0f32; dims.iter().product()];
                cpu::read(&xs.contiguous()?, |x| self.add(x, &mut delta))??;
                Tensor::from_vec(delta, dims, xs.device())
            }
        }
    }

    /// Adds it to the results `y` of whole rows `x`.
    pub(super) fn add(&self, x: &[f32], y: &mut [f32]) -> Result<()> {
        match self {
            Self::Packed { a, b } => {
                let mut narrow = vec![0f32; x.len() / a.inputs() * a.outputs()];
                a.multiply(x, None, &mut narrow);
                b.multiply_add(&narrow, None, y);
            }
            Self::Tensors { a, .. } => {
                let inputs = a.dim(0)?;
                let xs = Tensor::from_slice(x, (x.len() / inputs, inputs), a.device())?;
                cpu::read(&self.product(&xs)?, |delta| {
                    y.iter_mut().zip(delta).for_each(|(y, delta)| *y += delta);
                })?;
            }
        }
        Ok(())
    }
}
