//! Training: a checkpoint some of whose weights learn.
//!
//! [`Trainee`] computes losses and their gradients; what is done with them (the
//! optimiser, the order of the data) is its host's affair. The network is that
//! of inference, module by module. On the engine `candle` candle records what
//! was computed, elsewhere the crate's own tape does.

mod batch;
mod classes;
mod fresh;
mod objective;
mod output;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub use batch::{Batch, Images, Row};
pub use classes::{ClassBatch, ClassRow};
pub use objective::{Loss, Step};

use crate::blip2::{Blip2, LoadOptions};
use crate::checkpoint;
use crate::device::{DeviceKind, NumberType};
use crate::dropout::mix;
use crate::engine::Engine;
use crate::error::Error;
use crate::lora::{Adapter, LoraConfig};
use crate::parameters::{Parameter, Registry};
use crate::weights::{Training, Trains};
use classes::Classifier;

/// What learns.
#[derive(Debug, Clone)]
pub enum Learning {
    /// Every weight.
    All,
    /// What sees, that is the vision encoder, the Q-Former and the projection,
    /// from answers as classes: [`Trainee::class_step`].
    Sight {
        /// Classes of all questions.
        classes: usize,
    },
    /// A new adapter, its matrices as peft begins: `A` uniform in
    /// ±1/√inputs, drawn from the seed and the layer's name, `B` zero.
    NewAdapter(LoraConfig, u64),
    /// An adapter that goes on learning.
    Adapter(Adapter),
}

/// A checkpoint that is trained.
#[derive(Debug)]
pub struct Trainee {
    blip2: Blip2,
    model_dir: PathBuf,
    training: Arc<Training>,
    parameters: Vec<Parameter>,
    /// Where what sees learns alone.
    classifier: Option<Classifier>,
}

impl Trainee {
    /// Loads a checkpoint as [`Blip2::load`] does, ready to learn.
    ///
    /// Where no engine is given, a CPU uses `packed` if it can, else `candle`.
    ///
    /// # Errors
    /// As [`Blip2::load`], and when no layer has the name of one of the target modules,
    /// an adapter does not fit the layers or its own target modules, or weights would have
    /// to learn in another type than f32.
    pub fn load(
        model_dir: &Path,
        options: &LoadOptions,
        learning: &Learning,
    ) -> Result<Self, Error> {
        let options = training_options(options, learning)?;
        // Of a quantised file nothing can be written back.
        checkpoint::weight_files(model_dir)?;
        let by_candle = options.device != DeviceKind::Cpu || options.engine == Some(Engine::Candle);
        let training = Arc::new(Training {
            trains: trains(learning)?,
            registry: Registry::new(by_candle),
        });
        let blip2 = Blip2::load_training(model_dir, &options, Some(Arc::clone(&training)))?;
        let classifier =
            Classifier::new(learning, &blip2, &training.registry).map_err(Error::Weights)?;
        let mut parameters = training.registry.all();
        if classifier.is_some() {
            parameters.retain(Classifier::teaches);
        }
        check_layers(learning, &blip2, &parameters)?;
        Ok(Self {
            blip2,
            model_dir: model_dir.to_owned(),
            training,
            parameters,
            classifier,
        })
    }

    /// The model as it is now, for everything but training.
    pub fn blip2(&self) -> &Blip2 {
        &self.blip2
    }

    /// What learns, sorted by name.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Whether what the language model is given of a photograph changes as the
    /// model learns; if not, [`Blip2::encode_images`] of it may be kept.
    pub fn learns_to_see(&self) -> bool {
        let language = "language_model.";
        self.parameters
            .iter()
            .any(|parameter| !parameter.name().starts_with(language))
    }

    /// The adapter's settings, if it is an adapter that learns.
    pub fn lora_config(&self) -> Option<&LoraConfig> {
        match &self.training.trains {
            Trains::All => None,
            Trains::Lora(config, _) => Some(config),
        }
    }
}

fn training_options(options: &LoadOptions, learning: &Learning) -> Result<LoadOptions, Error> {
    let fail = |reason: &str| Err(Error::Training(reason.to_owned()));
    let number_type = options
        .number_type
        .unwrap_or_else(|| NumberType::default_for(options.device));
    if options.quantization.is_some() {
        return fail("quantised weights are not trained: give the original checkpoint");
    }
    let is_whole = matches!(learning, Learning::All | Learning::Sight { .. });
    if is_whole && number_type != NumberType::F32 {
        return fail("all weights learn in f32 only: ask for the precision f32");
    }
    if number_type == NumberType::F16 {
        return fail("f16 is too narrow for gradients: ask for the precision f32 or bf16");
    }
    if options.device == DeviceKind::Cpu
        && number_type == NumberType::Bf16
        && options.engine == Some(Engine::Candle)
    {
        return fail("on a CPU the engine `candle` trains in f32 only");
    }
    let mut options = options.clone();
    match (options.device, options.engine) {
        (DeviceKind::Cpu, None) => {
            let can = kernels::Avx512::detect().is_some();
            options.engine = Some(if can { Engine::Packed } else { Engine::Candle });
        }
        (_, Some(Engine::OneDnn)) => {
            return fail("the engine `onednn` computes no gradients: take `packed` or `candle`");
        }
        _ => {}
    }
    Ok(options)
}

fn trains(learning: &Learning) -> Result<Trains, Error> {
    Ok(match learning.clone() {
        Learning::All | Learning::Sight { .. } => Trains::All,
        Learning::NewAdapter(config, seed) => {
            config.validate()?;
            let is_target = config.target_modules.matcher()?;
            let rank = config.r;
            let matrices = move |layer: &str, outputs, inputs| {
                is_target(layer)
                    .then(|| new_matrices(layer, (outputs, inputs), rank, seed))
                    .transpose()
            };
            Trains::Lora(config, Box::new(matrices))
        }
        Learning::Adapter(Adapter { config, layers }) => {
            let matrices = move |layer: &str, outputs, inputs| {
                let Some((a, b)) = layers.get(layer) else {
                    return Ok(None);
                };
                if a.dim(1)? != inputs || b.dim(0)? != outputs {
                    candle_core::bail!(
                        "the adapter's matrices {:?} and {:?} do not fit {layer}, {outputs}×{inputs}",
                        a.dims(),
                        b.dims()
                    );
                }
                Ok(Some((a.clone(), b.clone())))
            };
            Trains::Lora(config, Box::new(matrices))
        }
    })
}

fn new_matrices(
    layer: &str,
    (outputs, inputs): (usize, usize),
    rank: usize,
    seed: u64,
) -> candle_core::Result<(Tensor, Tensor)> {
    let of_name = layer
        .bytes()
        .fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
    let mut rng = ChaCha8Rng::seed_from_u64(of_name);
    let bound = 1.0 / (inputs as f32).sqrt();
    let a: Vec<f32> = (0..rank * inputs)
        .map(|_| rng.random_range(-bound..bound))
        .collect();
    let device = candle_core::Device::Cpu;
    Ok((
        Tensor::from_vec(a, (rank, inputs), &device)?,
        Tensor::zeros((outputs, rank), DType::F32, &device)?,
    ))
}

/// Every layer that was meant must be there.
fn check_layers(learning: &Learning, blip2: &Blip2, parameters: &[Parameter]) -> Result<(), Error> {
    let has = |layer: &str| {
        parameters.iter().any(|parameter| {
            parameter
                .name()
                .rsplit_once('.')
                .is_some_and(|(of, _)| of == layer)
        })
    };
    match learning {
        Learning::All | Learning::Sight { .. } => Ok(()),
        Learning::NewAdapter(config, _) => {
            let layers = blip2.model().layers().names();
            // One of several that is misspelt would be learnt without, and nobody told.
            match config.target_modules.unmatched(&layers)?.first() {
                Some(target) => Err(Error::Adapter(format!(
                    "no linear layer of the model is a target module `{target}`; their names end \
                     with {}",
                    last_names(&layers)
                ))),
                None if parameters.is_empty() => {
                    Err(Error::Adapter("there are no target modules".to_owned()))
                }
                None => Ok(()),
            }
        }
        Learning::Adapter(adapter) => match adapter.layers.keys().find(|layer| !has(layer)) {
            Some(layer) => Err(Error::Adapter(format!("the model has no layer {layer}"))),
            None => adapter.check_targets(&blip2.model().layers().names()),
        },
    }
}

/// What the names of layers end with after their last dot, each once.
fn last_names(layers: &[String]) -> String {
    let last = |layer: &String| layer.rsplit('.').next().map(str::to_owned);
    let names: BTreeSet<String> = layers.iter().filter_map(last).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}
