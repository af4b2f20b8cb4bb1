//! The loss and its gradients.

use candle_core::backprop::GradStore;
use candle_core::{D, DType, Tensor};
use kernels::Avx512;

use super::Trainee;
use super::batch::{Batch, Images, Padded};
use crate::dropout::dropping;
use crate::error::Error;
use crate::{cpu, ops, tape};

/// A loss, summed up over tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Loss {
    /// The sum of the tokens' losses.
    pub sum: f64,
    /// How many tokens of answers there are.
    pub tokens: usize,
}

impl Loss {
    /// The mean over the tokens, as the reference computes it.
    pub fn mean(&self) -> f64 {
        self.sum / self.tokens.max(1) as f64
    }
}

/// What one pass over a batch gives.
#[derive(Debug)]
pub struct Step {
    /// The loss before anything was learnt from it.
    pub loss: Loss,
    /// The gradient of the mean loss for each of [`Trainee::parameters`].
    pub gradients: Vec<Vec<f32>>,
}

impl Trainee {
    /// The loss of a batch and its gradients. With `dropout_seed` the inputs
    /// of LoRA's layers are dropped out, as the adapter's settings say, drawn
    /// from the seed.
    ///
    /// # Errors
    /// When the batch is empty or does not fit the model, or a computation
    /// fails.
    pub fn step(
        &self,
        batch: &Batch,
        label_smoothing: f64,
        dropout_seed: Option<u64>,
    ) -> Result<Step, Error> {
        let labels = labels(batch)?;
        let run = || match self.training.registry.by_candle() {
            true => self.by_candle(batch, &labels, label_smoothing),
            false => {
                let judge = token_judge(tape::processor()?, &labels, label_smoothing);
                self.by_tape(|| self.logits(batch), judge)
            }
        };
        self.blip2.threads().run(|| match dropout_seed {
            Some(seed) => dropping(seed, run),
            None => run(),
        })
    }

    /// The loss of a batch alone.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn loss(&self, batch: &Batch) -> Result<Loss, Error> {
        let labels = labels(batch)?;
        let loss = self.blip2.threads().run(|| {
            let logits = self.logits(batch)?.detach().to_dtype(DType::F32)?;
            let losses = token_losses(&logits, &labels, 0.0)?;
            losses.to_dtype(DType::F64)?.sum_all()?.to_scalar::<f64>()
        })?;
        Ok(Loss {
            sum: loss,
            tokens: labels.len(),
        })
    }

    /// The logits of all tokens of a batch's answers, `(tokens, vocabulary)`,
    /// row by row: each given the answer before it.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn answer_logits(&self, batch: &Batch) -> Result<Tensor, Error> {
        labels(batch)?;
        Ok(self.blip2.threads().run(|| self.logits(batch))?)
    }

    fn logits(&self, batch: &Batch) -> candle_core::Result<Tensor> {
        let config = &self.blip2.config().text_config;
        let (model, device) = (self.blip2.model(), self.blip2.device());
        let images = match &batch.images {
            Images::Features(features) => Tensor::stack(features, 0)?
                .to_device(device)?
                .to_dtype(model.dtype())?,
            Images::Pixels(pixels) => {
                model.encode_images(&Tensor::stack(pixels, 0)?.to_device(device)?)?
            }
        };
        let count = batch.rows.len();
        let of_row: Vec<u32> = batch.rows.iter().map(|row| row.image as u32).collect();
        let features = ops::gather_rows(&images, &of_row)?;

        let prompts = Padded::new(batch.rows.iter().map(|row| row.prompt), config.pad_token_id);
        let shape = (count, prompts.longest);
        let ids = Tensor::from_vec(prompts.ids, shape, device)?;
        let is_padded = prompts.mask.contains(&0);
        let mask = Tensor::from_vec(prompts.mask, shape, device)?;
        let mut cache = model.read_prompts(&features, &ids, is_padded.then_some(&mask))?;

        // The decoder reads the answer up to the token that it is to say.
        let start = config.decoder_start();
        let read: Vec<Vec<u32>> = batch
            .rows
            .iter()
            .map(|row| {
                let before = &row.answer[..row.answer.len().saturating_sub(1)];
                std::iter::once(start)
                    .chain(before.iter().copied())
                    .collect()
            })
            .collect();
        let read = Padded::new(read.iter().map(Vec::as_slice), config.pad_token_id);
        let ids = Tensor::from_vec(read.ids, (count, read.longest), device)?;
        let hidden = model.language_model.decode(&ids, &mut cache)?;
        let hidden = tape::alias(hidden.flatten(0, 1)?, &hidden);
        let said: Vec<u32> = (0..)
            .zip(&read.mask)
            .filter_map(|(at, &seen)| (seen == 1).then_some(at))
            .collect();
        let hidden = match said.len() == read.mask.len() {
            true => hidden,
            false => ops::gather_rows(&hidden, &said)?,
        };
        model.language_model.logits(&hidden)
    }

    /// A pass whose gradients the crate's own tape gives. `judge` makes of the
    /// logits the loss and the gradient of its mean for each of them.
    pub(super) fn by_tape(
        &self,
        forward: impl FnOnce() -> candle_core::Result<Tensor>,
        judge: impl FnOnce(Vec<f32>) -> (Loss, Vec<f32>),
    ) -> Result<Step, Error> {
        let leaves = self.parameters.iter().map(|parameter| parameter.leaf());
        let (logits, tape) = tape::recording(leaves, forward)?;
        let (loss, gradient) = judge(cpu::read(&logits, <[f32]>::to_vec)?);
        let mut gradients = tape.backward(&logits, gradient)?;
        let gradients = self
            .parameters
            .iter()
            .map(|parameter| {
                let gradient = gradients.take(parameter.leaf());
                gradient.unwrap_or_else(|| vec![0.0; parameter.elem_count()])
            })
            .collect();
        Ok(Step { loss, gradients })
    }

    fn by_candle(&self, batch: &Batch, labels: &[u32], smoothing: f64) -> Result<Step, Error> {
        let logits = self.logits(batch)?.to_dtype(DType::F32)?;
        let losses = token_losses(&logits, labels, smoothing)?;
        let sum = losses.sum_all()?;
        let gradients = (&sum / labels.len() as f64)?.backward()?;
        let loss = Loss {
            sum: f64::from(sum.to_scalar::<f32>()?),
            tokens: labels.len(),
        };
        self.step_of(loss, gradients)
    }

    /// The step whose gradients candle has computed.
    pub(super) fn step_of(&self, loss: Loss, mut gradients: GradStore) -> Result<Step, Error> {
        let gradients = self
            .parameters
            .iter()
            .map(|parameter| match gradients.remove(parameter.variable()) {
                Some(gradient) => gradient.flatten_all()?.to_vec1(),
                None => Ok(vec![0.0; parameter.elem_count()]),
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Step { loss, gradients })
    }
}

/// Makes of the logits of all tokens the loss and the gradient of its mean.
fn token_judge(
    proof: Avx512,
    labels: &[u32],
    smoothing: f64,
) -> impl FnOnce(Vec<f32>) -> (Loss, Vec<f32>) {
    move |mut gradient| {
        let weight = 1.0 / labels.len() as f32;
        let losses = kernels::cross_entropy(proof, &mut gradient, labels, smoothing as f32, weight);
        let loss = Loss {
            sum: losses.iter().map(|&loss| f64::from(loss)).sum(),
            tokens: labels.len(),
        };
        (loss, gradient)
    }
}

/// The tokens of all answers.
fn labels(batch: &Batch) -> Result<Vec<u32>, Error> {
    let fail = |reason: &str| Err(Error::Training(reason.to_owned()));
    let images = match &batch.images {
        Images::Features(images) | Images::Pixels(images) => images.len(),
    };
    if batch.rows.is_empty() || batch.rows.iter().any(|row| row.answer.is_empty()) {
        return fail("a batch without an answer");
    }
    if batch.rows.iter().any(|row| row.image >= images) {
        return fail("a question about a photograph that is not in the batch");
    }
    let answers = batch.rows.iter().map(|row| row.answer);
    Ok(answers.flatten().copied().collect())
}

/// The cross entropy of each row of logits, by operations that candle records;
/// with label smoothing as PyTorch's `CrossEntropyLoss` defines it.
fn token_losses(logits: &Tensor, labels: &[u32], smoothing: f64) -> candle_core::Result<Tensor> {
    let labels = Tensor::from_slice(labels, (labels.len(), 1), logits.device())?;
    let log_probabilities = candle_nn::ops::log_softmax(logits, D::Minus1)?;
    let of_labels = log_probabilities.gather(&labels, 1)?.squeeze(1)?;
    if smoothing == 0.0 {
        return of_labels.neg();
    }
    let of_all = log_probabilities.mean(D::Minus1)?;
    ((of_labels * -(1.0 - smoothing))? - (of_all * smoothing)?)?.contiguous()
}
