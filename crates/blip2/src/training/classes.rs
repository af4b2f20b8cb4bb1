//! What sees, taught without the words.
//!
//! Through a language model that cannot read them yet, the vision encoder and the
//! Q-Former learn slowly: what they are told comes through few queries and many
//! layers. Linear classifiers tell them directly: one over all hidden states of the
//! vision encoder, what each place of a picture has to show, and one over the
//! projected queries, what the language model is to be given. Both are thrown away
//! afterwards.

use std::ops::Range;

use candle_core::{DType, Result, Tensor};

use super::batch::Images;
use super::objective::{Loss, Step};
use super::{Learning, Trainee};
use crate::blip2::Blip2;
use crate::engine::{Engine, Plan, WeightType};
use crate::error::Error;
use crate::linear::Linear;
use crate::model::Blip2Model;
use crate::parameters::{Parameter, Registry};
use crate::{ops, tape};

/// What the names of the classifier's parameters begin with.
const CLASSIFIER: &str = "classifier.";

/// What the names of all parameters begin with that learn.
const TAUGHT: [&str; 5] = [
    CLASSIFIER,
    "vision_model.",
    "qformer.",
    "query_tokens",
    "language_projection.",
];

/// Some questions about some photographs whose answers are classes.
#[derive(Debug, Clone)]
pub struct ClassBatch<'a> {
    /// The photographs, as pixel values.
    pub images: Images<'a>,
    /// The questions.
    pub rows: Vec<ClassRow>,
}

/// A question about one of the photographs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassRow {
    /// Which photograph.
    pub image: usize,
    /// The class that answers it.
    pub class: usize,
    /// The classes that could.
    pub among: Range<usize>,
}

/// Two linear layers to the same classes.
#[derive(Debug)]
pub(super) struct Classifier {
    of_hidden_states: Linear,
    of_queries: Linear,
    classes: usize,
}

impl Classifier {
    /// The classifier, if one learns; it begins with zeros.
    pub(super) fn new(
        learning: &Learning,
        blip2: &Blip2,
        registry: &Registry,
    ) -> Result<Option<Self>> {
        let &Learning::Sight { classes } = learning else {
            return Ok(None);
        };
        let plan = Plan {
            engine: match registry.by_candle() {
                true => Engine::Candle,
                false => Engine::Packed,
            },
            weights: WeightType::Plain(DType::F32),
        };
        let layer = |name: &str, inputs: usize| {
            let parameter = |part: &str, shape: &[usize]| {
                let zeros = Tensor::zeros(shape, DType::F32, blip2.device())?;
                registry.parameter(&format!("{CLASSIFIER}{name}.{part}"), &zeros)
            };
            let weight = parameter("weight", &[classes, inputs])?;
            let bias = parameter("bias", &[classes])?.leaf().clone();
            Linear::trained(&weight, Some(bias), (classes, inputs), plan)
        };
        let config = blip2.config();
        let vision = &config.vision_config;
        let hidden_states = (1 + vision.num_patches()) * vision.hidden_size;
        let queries = config.num_query_tokens * config.text_config.d_model;
        Ok(Some(Self {
            of_hidden_states: layer("hidden_states", hidden_states)?,
            of_queries: layer("queries", queries)?,
            classes,
        }))
    }

    /// Whether a parameter learns beside it.
    pub(super) fn teaches(parameter: &Parameter) -> bool {
        TAUGHT.iter().any(|part| parameter.name().starts_with(part))
    }

    /// Both layers' classes, `(photographs, 2 · classes)`.
    fn forward(&self, model: &Blip2Model, pixels: &Tensor) -> Result<Tensor> {
        let hidden = model.vision_model.forward(pixels)?;
        let queries = model.project(&model.query(&hidden)?)?;
        let classify = |layer: &Linear, states: &Tensor| -> Result<Tensor> {
            let states = tape::alias(states.flatten_from(1)?, states);
            let logits = layer.forward(&states)?;
            Ok(tape::alias(logits.unsqueeze(1)?, &logits))
        };
        let both = ops::join_tokens(
            &classify(&self.of_hidden_states, &hidden)?,
            &classify(&self.of_queries, &queries)?,
        )?;
        Ok(tape::alias(both.flatten_from(1)?, &both))
    }

    /// What is asked of both layers.
    fn of_both(&self, rows: &[ClassRow]) -> Vec<ClassRow> {
        let of_queries = rows.iter().map(|row| ClassRow {
            image: row.image,
            class: row.class + self.classes,
            among: row.among.start + self.classes..row.among.end + self.classes,
        });
        rows.iter().cloned().chain(of_queries).collect()
    }
}

impl Trainee {
    /// The loss of a batch of classes, the mean over both classifiers, and its
    /// gradients.
    ///
    /// # Errors
    /// When it is not [`Learning::Sight`], the batch is empty or does not fit the
    /// model, or a computation fails.
    pub fn class_step(
        &self,
        batch: &ClassBatch,
        label_smoothing: f64,
    ) -> std::result::Result<Step, Error> {
        let (classifier, pixels) = self.classified(batch)?;
        let rows = classifier.of_both(&batch.rows);
        let judge = |logits: Vec<f32>| {
            class_losses(&logits, 2 * classifier.classes, &rows, label_smoothing)
        };
        let forward = || self.class_logits(classifier, pixels);
        let run = || match self.training.registry.by_candle() {
            false => self.by_tape(forward, judge),
            true => {
                let logits = forward()?.to_dtype(DType::F32)?;
                let (loss, gradient) = judge(logits.flatten_all()?.to_vec1()?);
                let gradient = Tensor::from_vec(gradient, logits.shape(), logits.device())?;
                let gradients = (logits * gradient)?.sum_all()?.backward()?;
                self.step_of(loss, gradients)
            }
        };
        self.blip2.threads().run(run)
    }

    /// The loss of a batch of classes alone.
    ///
    /// # Errors
    /// As [`Self::class_step`].
    pub fn class_loss(&self, batch: &ClassBatch) -> std::result::Result<Loss, Error> {
        let (classifier, pixels) = self.classified(batch)?;
        let rows = classifier.of_both(&batch.rows);
        let logits = self.blip2.threads().run(|| {
            let logits = self.class_logits(classifier, pixels)?.detach();
            logits.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()
        })?;
        Ok(class_losses(&logits, 2 * classifier.classes, &rows, 0.0).0)
    }

    fn classified<'a>(
        &'a self,
        batch: &'a ClassBatch,
    ) -> std::result::Result<(&'a Classifier, &'a [&'a Tensor]), Error> {
        let fail = |reason: &str| Err(Error::Training(reason.to_owned()));
        let Some(classifier) = &self.classifier else {
            return fail("only what sees alone learns classes");
        };
        let Images::Pixels(pixels) = &batch.images else {
            return fail("what sees learns from pixel values");
        };
        let fits = |row: &ClassRow| {
            row.image < pixels.len()
                && row.among.contains(&row.class)
                && row.among.end <= classifier.classes
        };
        if batch.rows.is_empty() || !batch.rows.iter().all(fits) {
            return fail("a batch without classes, or with one that there is not");
        }
        Ok((classifier, pixels))
    }

    fn class_logits(&self, classifier: &Classifier, pixels: &[&Tensor]) -> Result<Tensor> {
        let pixels = Tensor::stack(pixels, 0)?.to_device(self.blip2.device())?;
        classifier.forward(self.blip2.model(), &pixels)
    }
}

/// The loss of some rows, given the logits `(photographs, classes)`, and the
/// gradient of its mean for each logit. `smoothing` of a label's probability is
/// spread over the classes that could answer.
fn class_losses(
    logits: &[f32],
    classes: usize,
    rows: &[ClassRow],
    smoothing: f64,
) -> (Loss, Vec<f32>) {
    let mut gradient = vec![0.0; logits.len()];
    let mut sum = 0.0;
    let share = 1.0 / rows.len().max(1) as f64;
    for ClassRow {
        image,
        class,
        among,
    } in rows
    {
        let of_image = image * classes;
        let places = of_image + among.start..of_image + among.end;
        let logits = &logits[places.clone()];
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let exponentials = logits.iter().map(|logit| f64::from(logit - largest).exp());
        let log_sum = f64::from(largest) + exponentials.sum::<f64>().ln();
        let spread = smoothing / logits.len() as f64;
        for ((place, &logit), at) in places.zip(logits).zip(among.clone()) {
            let log_probability = f64::from(logit) - log_sum;
            let target = spread + if at == *class { 1.0 - smoothing } else { 0.0 };
            sum -= target * log_probability;
            gradient[place] += ((log_probability.exp() - target) * share) as f32;
        }
    }
    let loss = Loss {
        sum,
        tokens: rows.len(),
    };
    (loss, gradient)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_that_of_the_mean_loss() {
        let rows = [
            ClassRow {
                image: 0,
                class: 1,
                among: 0..3,
            },
            ClassRow {
                image: 0,
                class: 4,
                among: 3..5,
            },
            ClassRow {
                image: 1,
                class: 0,
                among: 0..3,
            },
        ];
        let logits = [0.3, -1.0, 2.0, 0.5, 0.1, 1.0, 0.0, -0.5, 7.0, 7.0];
        for smoothing in [0.0, 0.1] {
            let (loss, gradient) = class_losses(&logits, 5, &rows, smoothing);
            assert_eq!(loss.tokens, 3);
            for (at, &gradient) in gradient.iter().enumerate() {
                let moved = |by: f32| {
                    let mut logits = logits;
                    logits[at] += by;
                    class_losses(&logits, 5, &rows, smoothing).0.mean()
                };
                let expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                assert!((f64::from(gradient) - expected).abs() < 1e-4, "{at}");
            }
            // Of the second photograph, nobody asks for the last two.
            assert_eq!(gradient[8..], [0.0, 0.0]);
        }
        // One of three with these logits, by hand.
        let (loss, _) = class_losses(&logits, 5, &rows[2..], 0.0);
        let expected = -(1f64.exp() / (1f64.exp() + 1.0 + (-0.5f64).exp())).ln();
        assert!((loss.sum - expected).abs() < 1e-6);
    }
}
