//! Where the modules get their weights from, and in which form.

use candle_core::quantized::QTensor;
use candle_core::{DType, Result, Shape, Tensor};
use candle_nn::VarBuilder;

use crate::checkpoint::GgufFile;
use crate::embedding::Embedding;
use crate::engine::{Engine, Plan, WeightType};
use crate::linear::Linear;

/// A checkpoint's tensors under a path, with the plan of how linear layers
/// hold theirs. To the modules it is what `VarBuilder` is to those of candle.
#[derive(Clone)]
pub struct Weights<'a> {
    vb: VarBuilder<'a>,
    gguf: Option<GgufFile>,
    plan: Plan,
}

/// Every layer dense, in the number type of the builder.
impl<'a> From<VarBuilder<'a>> for Weights<'a> {
    fn from(vb: VarBuilder<'a>) -> Self {
        let plan = Plan {
            engine: Engine::Candle,
            weights: WeightType::Plain(vb.dtype()),
        };
        Self {
            vb,
            gguf: None,
            plan,
        }
    }
}

impl<'a> Weights<'a> {
    pub(crate) fn new(vb: VarBuilder<'a>, gguf: Option<GgufFile>, plan: Plan) -> Self {
        Self { vb, gguf, plan }
    }

    /// The tensors below `name`.
    pub(crate) fn pp<S: ToString>(&self, name: S) -> Self {
        Self {
            vb: self.vb.pp(name),
            ..self.clone()
        }
    }

    /// The same, the plain tensors in another number type.
    pub(crate) fn to_dtype(&self, dtype: DType) -> Self {
        Self {
            vb: self.vb.to_dtype(dtype),
            ..self.clone()
        }
    }

    /// The number type of what is computed between the linear layers.
    pub(crate) fn dtype(&self) -> DType {
        self.vb.dtype()
    }

    pub(crate) fn plan(&self) -> Plan {
        self.plan
    }

    pub(crate) fn contains_tensor(&self, name: &str) -> bool {
        self.vb.contains_tensor(name)
    }

    pub(crate) fn get<S: Into<Shape>>(&self, shape: S, name: &str) -> Result<Tensor> {
        self.vb.get(shape, name)
    }

    /// The rows that token ids select, in the form that takes the least memory
    /// within the plan's number type.
    pub(crate) fn embedding(&self, shape: (usize, usize), name: &str) -> Result<Embedding> {
        let dtype = match (self.plan.engine, self.plan.weights) {
            (Engine::Candle, WeightType::Plain(_)) => self.vb.dtype(),
            (_, WeightType::Plain(dtype)) => dtype,
            (_, WeightType::Quantised(_)) => {
                return Embedding::quantised(&self.vb.get(shape, name)?);
            }
        };
        Embedding::dense(self.vb.to_dtype(dtype).get(shape, name)?)
    }

    /// The linear layer whose weight is `weight`, stored `(out, in)` or, as a
    /// convolution's kernel, in a shape that begins with `out`.
    pub(crate) fn linear<S: Into<Shape>>(
        &self,
        stored: S,
        name: &str,
        bias: Option<Tensor>,
    ) -> Result<Linear> {
        let stored = stored.into();
        let outputs = stored.dims()[0];
        let inputs = stored.elem_count() / outputs;
        if let Some(blocks) = self.blocks(name, outputs, inputs)? {
            return Linear::from_blocks(blocks, (outputs, inputs), bias, self.plan);
        }
        let dtype = match (self.plan.engine, self.plan.weights) {
            // Where a half-precision model keeps a layer in f32, its builder
            // says so.
            (Engine::Candle, WeightType::Plain(_)) => self.vb.dtype(),
            (_, WeightType::Plain(dtype)) => dtype,
            (_, WeightType::Quantised(_)) => DType::F32,
        };
        let weight = self.vb.to_dtype(dtype).get(stored, name)?;
        let weight = match weight.rank() {
            2 => weight,
            _ => weight.reshape((outputs, inputs))?,
        };
        Linear::from_tensors(weight, bias, self.plan)
    }

    /// The quantised blocks of a tensor, if it is stored so.
    fn blocks(&self, name: &str, outputs: usize, inputs: usize) -> Result<Option<QTensor>> {
        let Some(gguf) = &self.gguf else {
            return Ok(None);
        };
        let path = match self.vb.prefix() {
            prefix if prefix.is_empty() => name.to_owned(),
            prefix => format!("{prefix}.{name}"),
        };
        gguf.blocks(&path, outputs, inputs)
    }
}
