//! What a model learns.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, Device, InplaceOp1, Layout, Result, Tensor, Var};
use kernels::PackedWeights;

use crate::tape;

/// A tensor that is trained, in f32.
#[derive(Debug, Clone)]
pub struct Parameter {
    name: String,
    variable: Var,
    /// What the network computes with: the variable itself where candle records
    /// the gradients, else a tensor that shares its numbers.
    leaf: Tensor,
    version: Version,
}

impl Parameter {
    /// Its name: that of the tensor in the checkpoint, or that of the layer
    /// with `lora_A` or `lora_B`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its dimensions.
    pub fn dims(&self) -> &[usize] {
        self.leaf.dims()
    }

    /// How many numbers it has.
    pub fn elem_count(&self) -> usize {
        self.leaf.elem_count()
    }

    pub(crate) fn leaf(&self) -> &Tensor {
        &self.leaf
    }

    pub(crate) fn variable(&self) -> &Var {
        &self.variable
    }

    /// A copy of its numbers on the CPU.
    ///
    /// # Errors
    /// When they cannot be fetched from the device.
    pub fn values(&self) -> Result<Vec<f32>> {
        self.leaf.flatten_all()?.to_vec1()
    }

    /// Changes its numbers.
    ///
    /// # Errors
    /// When they cannot be fetched from or sent to the device.
    pub fn update(&self, change: impl FnOnce(&mut [f32])) -> Result<()> {
        self.version.0.fetch_add(1, Ordering::Relaxed);
        if self.leaf.device().is_cpu() {
            return self
                .leaf
                .inplace_op1(&InPlace(Mutex::new(Some(Box::new(change)))));
        }
        let mut values = self.values()?;
        change(&mut values);
        let values = Tensor::from_vec(values, self.leaf.shape(), &Device::Cpu)?;
        self.variable.set(&values.to_device(self.leaf.device())?)
    }
}

type Change<'a> = Box<dyn FnOnce(&mut [f32]) + 'a>;

/// A function that changes the numbers where they are.
struct InPlace<'a>(Mutex<Option<Change<'a>>>);

impl InplaceOp1 for InPlace<'_> {
    fn name(&self) -> &'static str {
        "update"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let change = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (storage, layout.contiguous_offsets(), change) {
            (CpuStorage::F32(numbers), Some((start, end)), Some(change)) => {
                change(&mut numbers[start..end]);
                Ok(())
            }
            _ => candle_core::bail!("a parameter is no contiguous f32"),
        }
    }
}

/// Counts the changes of all parameters of a model.
#[derive(Debug, Clone, Default)]
pub(crate) struct Version(Arc<AtomicU64>);

/// The parameters of a model that is being loaded.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    parameters: Mutex<BTreeMap<String, Parameter>>,
    /// Further names of parameters in the checkpoint.
    tied: Mutex<BTreeMap<String, String>>,
    version: Version,
    /// Whether candle records the gradients.
    by_candle: bool,
}

impl Registry {
    pub(crate) fn new(by_candle: bool) -> Self {
        Self {
            by_candle,
            ..Self::default()
        }
    }

    /// Whether candle records the gradients.
    pub(crate) fn by_candle(&self) -> bool {
        self.by_candle
    }

    /// The parameter of that name, made of `tensor` if it is new.
    pub(crate) fn parameter(&self, name: &str, tensor: &Tensor) -> Result<Parameter> {
        let mut parameters = self
            .parameters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parameters.get(name) {
            return Ok(known.clone());
        }
        let variable = Var::from_tensor(&tensor.contiguous()?)?;
        let parameter = Parameter {
            name: name.to_owned(),
            leaf: match self.by_candle {
                true => variable.as_tensor().clone(),
                false => variable.as_detached_tensor(),
            },
            variable,
            version: self.version.clone(),
        };
        parameters.insert(name.to_owned(), parameter.clone());
        Ok(parameter)
    }

    /// Notes that a tensor of the checkpoint is a parameter of another name.
    pub(crate) fn tie(&self, name: String, parameter: String) {
        let mut tied = self.tied.lock().unwrap_or_else(PoisonError::into_inner);
        tied.insert(name, parameter);
    }

    /// The name of the parameter that a tensor of the checkpoint is.
    pub(crate) fn parameter_name(&self, name: &str) -> String {
        let tied = self.tied.lock().unwrap_or_else(PoisonError::into_inner);
        tied.get(name).cloned().unwrap_or_else(|| name.to_owned())
    }

    /// All, sorted by name.
    pub(crate) fn all(&self) -> Vec<Parameter> {
        let parameters = self
            .parameters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        parameters.values().cloned().collect()
    }
}

/// A matrix `(out, in)` that is trained, packed anew when it was changed.
#[derive(Debug)]
pub(crate) struct PackedParameter {
    leaf: Tensor,
    /// `(out, in)`, whatever the shape that the checkpoint has.
    outputs: usize,
    version: Version,
    packed: Mutex<Option<(u64, Arc<PackedWeights>)>>,
}

impl PackedParameter {
    pub(crate) fn new(parameter: &Parameter) -> Result<Self> {
        Ok(Self {
            outputs: parameter.leaf.dim(0)?,
            leaf: parameter.leaf.clone(),
            version: parameter.version.clone(),
            packed: Mutex::new(None),
        })
    }

    pub(crate) fn tensor(&self) -> &Tensor {
        &self.leaf
    }

    pub(crate) fn outputs(&self) -> usize {
        self.outputs
    }

    pub(crate) fn inputs(&self) -> usize {
        self.leaf.elem_count() / self.outputs.max(1)
    }

    pub(crate) fn packed(&self) -> Result<Arc<PackedWeights>> {
        let version = self.version.0.load(Ordering::Relaxed);
        let mut packed = self.packed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_version, packed)) = &*packed
            && *of_version == version
        {
            return Ok(Arc::clone(packed));
        }
        let proof = tape::processor()?;
        let new = crate::cpu::read(&self.leaf, |numbers| {
            PackedWeights::from_f32(proof, numbers, self.outputs, self.inputs())
        })?;
        let new = Arc::new(new.map_err(candle_core::Error::wrap)?);
        *packed = Some((version, Arc::clone(&new)));
        Ok(new)
    }
}
