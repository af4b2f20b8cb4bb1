//! Where the modules get their weights from, and in which form.

use std::sync::Arc;

use candle_core::quantized::QTensor;
use candle_core::{DType, Result, Shape, Tensor};
use candle_nn::VarBuilder;

use crate::checkpoint::GgufFile;
use crate::embedding::Embedding;
use crate::engine::{Engine, Plan, WeightType};
use crate::linear::Linear;
use crate::lora::{LORA_A, LORA_B, LayerTable, Lora, LoraConfig};
use crate::parameters::{PackedParameter, Parameter, Registry};

/// A checkpoint's tensors under a path, with the plan of how linear layers
/// hold theirs. To the modules it is what `VarBuilder` is to those of candle.
#[derive(Clone)]
pub struct Weights<'a> {
    vb: VarBuilder<'a>,
    gguf: Option<GgufFile>,
    plan: Plan,
    training: Option<Arc<Training>>,
    /// The linear layers that were made of them.
    layers: Arc<LayerTable>,
}

/// What is trained of the weights.
#[derive(Debug)]
pub(crate) struct Training {
    pub(crate) trains: Trains,
    pub(crate) registry: Registry,
}

/// See [`Training`].
pub(crate) enum Trains {
    /// Every tensor.
    All,
    /// The two matrices of adapted layers, by the layer's name, outputs and
    /// inputs; `None` for a layer that stays as it is.
    Lora(LoraConfig, LayerMatrices),
}

/// Gives the two matrices of a layer.
pub(crate) type LayerMatrices =
    Box<dyn Fn(&str, usize, usize) -> Result<Option<(Tensor, Tensor)>> + Send + Sync>;

impl std::fmt::Debug for Trains {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::All => f.write_str("All"),
            Self::Lora(config, _) => f.debug_tuple("Lora").field(config).finish(),
        }
    }
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
            training: None,
            layers: Arc::default(),
        }
    }
}

impl<'a> Weights<'a> {
    pub(crate) fn new(vb: VarBuilder<'a>, gguf: Option<GgufFile>, plan: Plan) -> Self {
        Self {
            vb,
            gguf,
            plan,
            training: None,
            layers: Arc::default(),
        }
    }

    /// The same, of which some is trained.
    pub(crate) fn training(self, training: Arc<Training>) -> Self {
        Self {
            training: Some(training),
            ..self
        }
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

    /// The linear layers that were made of the weights, of any path.
    pub(crate) fn layers(&self) -> &Arc<LayerTable> {
        &self.layers
    }

    pub(crate) fn contains_tensor(&self, name: &str) -> bool {
        self.vb.contains_tensor(name)
    }

    pub(crate) fn get<S: Into<Shape>>(&self, shape: S, name: &str) -> Result<Tensor> {
        let shape = shape.into();
        match self.trained(&shape, name)? {
            Some(parameter) => Ok(parameter.leaf().clone()),
            None => self.vb.get(shape, name),
        }
    }

    /// Whether some of the weights are trained.
    pub(crate) fn is_training(&self) -> bool {
        self.training.is_some()
    }

    /// Whether two tensors are trained and begin with the same numbers; they are
    /// then one parameter, under the second name.
    pub(crate) fn trains_equal<S: Into<Shape>>(
        &self,
        shape: S,
        one: &str,
        other: &str,
    ) -> Result<bool> {
        let Some(Training {
            trains: Trains::All,
            registry,
        }) = self.training.as_deref()
        else {
            return Ok(false);
        };
        let shape = shape.into();
        let numbers = |name| -> Result<Vec<f32>> {
            let tensor = self.vb.to_dtype(DType::F32).get(&shape, name)?;
            tensor.flatten_all()?.to_vec1()
        };
        let equal = numbers(one)? == numbers(other)?;
        if equal {
            registry.tie(self.path(one), self.path(other));
        }
        Ok(equal)
    }

    /// A tensor that is trained, if all are.
    fn trained(&self, shape: &Shape, name: &str) -> Result<Option<Parameter>> {
        match self.training.as_deref() {
            Some(Training {
                trains: Trains::All,
                registry,
            }) => {
                let tensor = self.vb.get(shape, name)?;
                registry.parameter(&self.path(name), &tensor).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn path(&self, name: &str) -> String {
        match self.vb.prefix() {
            prefix if prefix.is_empty() => name.to_owned(),
            prefix => format!("{prefix}.{name}"),
        }
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
        Embedding::dense(match self.trained(&shape.into(), name)? {
            Some(parameter) => parameter.leaf().clone(),
            None => self.vb.to_dtype(dtype).get(shape, name)?,
        })
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
        let mut layer = self.tied_linear(stored, name, bias)?;
        if let Some(lora) = self.lora(outputs, inputs)? {
            layer = layer.with_lora(lora);
        }
        let number = self.layers.add(self.vb.prefix(), outputs, inputs);
        Ok(layer.numbered(number))
    }

    /// The same where the weight is an embedding as well. Adapters cannot add to
    /// it, neither one that learns nor those of a batch's rows: merged, they would
    /// change the embedding too.
    pub(crate) fn tied_linear<S: Into<Shape>>(
        &self,
        stored: S,
        name: &str,
        bias: Option<Tensor>,
    ) -> Result<Linear> {
        let stored = stored.into();
        let outputs = stored.dims()[0];
        let inputs = stored.elem_count() / outputs;
        if let Some(weight) = self.trained(&stored, name)? {
            return Linear::trained(&weight, bias, (outputs, inputs), self.plan);
        }
        self.frozen_linear(stored, name, bias)
    }

    /// What an adapter adds to the layer of this path, if it is one of its own.
    fn lora(&self, outputs: usize, inputs: usize) -> Result<Option<Arc<Lora>>> {
        let Some(Training {
            trains: Trains::Lora(config, matrices),
            registry,
        }) = self.training.as_deref()
        else {
            return Ok(None);
        };
        let layer = self.vb.prefix();
        let Some((a, b)) = matrices(&layer, outputs, inputs)? else {
            return Ok(None);
        };
        let parameter = |tensor: &Tensor, name: &str| {
            let tensor = tensor.to_device(self.vb.device())?;
            let parameter = registry.parameter(&format!("{layer}.{name}"), &tensor)?;
            PackedParameter::new(&parameter)
        };
        Ok(Some(Arc::new(Lora {
            a: parameter(&a, LORA_A)?,
            b: parameter(&b, LORA_B)?,
            scale: config.scale(),
            dropout: config.dropout,
        })))
    }

    fn frozen_linear(&self, stored: Shape, name: &str, bias: Option<Tensor>) -> Result<Linear> {
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
        gguf.blocks(&self.path(name), outputs, inputs)
    }
}
