//! A checkpoint that answers in this process.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use attributes::wrap_question;
use blip2::{Blip2, ChoiceTree, GenerationParameters, LoadOptions, Outcome, Question, Task, photo};
use candle_core::{DType, IndexOp, Tensor};

use super::{Answerer, PhotoOutcome, PhotoQuestions, Reply};
use crate::evaluate::data::{Choice, Vocabulary};

/// Pixels of the largest photo that is decoded.
pub const MAX_PIXELS: u64 = 100_000_000;

/// A loaded checkpoint with the choices of each attribute.
pub struct LocalModel {
    model: Blip2,
    trees: Vec<Arc<ChoiceTree>>,
    parameters: GenerationParameters,
}

impl LocalModel {
    /// Loads a checkpoint. Free answers are generated as its own defaults say,
    /// but never drawn at random.
    ///
    /// # Errors
    /// When it can't be loaded, or can't tell two of the choices apart.
    pub fn load(folder: &Path, options: &LoadOptions, vocabulary: &Vocabulary) -> Result<Self> {
        let model = Blip2::load(folder, options)
            .with_context(|| format!("the checkpoint {} can't be loaded", folder.display()))?;
        let tree = |choices: &Vec<Choice>| {
            let texts: Vec<String> = choices.iter().map(|choice| choice.text.clone()).collect();
            Ok(Arc::new(model.choice_tree(&texts)?))
        };
        let trees = vocabulary
            .choices
            .iter()
            .map(tree)
            .collect::<Result<_, blip2::Error>>()
            .with_context(|| format!("the vocabulary, {}", vocabulary.source))?;
        let parameters = GenerationParameters {
            do_sample: false,
            ..model.generation_defaults().clone()
        };
        Ok(Self {
            model,
            trees,
            parameters,
        })
    }

    /// The image features of some photos, `(queries, d_model)` each; why not
    /// where one can't be used.
    fn encode(&self, photos: &[&[u8]]) -> Result<Vec<Result<Tensor, String>>> {
        let mut pixel_values = Vec::new();
        let mut failures = Vec::with_capacity(photos.len());
        for bytes in photos {
            match photo::decode(bytes, MAX_PIXELS) {
                Ok(picture) => {
                    pixel_values.push(self.model.preprocess(&picture)?);
                    failures.push(None);
                }
                Err(error) => failures.push(Some(error.to_string())),
            }
        }
        if pixel_values.is_empty() {
            return Ok(failures.into_iter().flatten().map(Err).collect());
        }
        let encoded = self.model.encode_images(&pixel_values)?;
        let mut next = 0..pixel_values.len();
        failures
            .into_iter()
            .map(|failure| match failure {
                Some(reason) => Ok(Err(reason)),
                None => {
                    let place = next.next().context("a photo has no features")?;
                    Ok(Ok(encoded.i(place)?))
                }
            })
            .collect()
    }

    /// The mean features of some photos, as [`PhotoOutcome::Answered`] has them.
    ///
    /// # Errors
    /// When the model fails.
    pub fn mean_features(&self, photos: &[&[u8]]) -> Result<Vec<Result<Vec<f32>, String>>> {
        self.encode(photos)?
            .into_iter()
            .map(|features| match features {
                Ok(features) => Ok(Ok(mean_of(&features)?)),
                Err(reason) => Ok(Err(reason)),
            })
            .collect()
    }
}

impl Answerer for LocalModel {
    fn answer(&mut self, photos: &[PhotoQuestions<'_>]) -> Result<Vec<PhotoOutcome>> {
        let bytes: Vec<&[u8]> = photos.iter().map(|photo| photo.photo.as_slice()).collect();
        let encoded = self.encode(&bytes)?;
        let mut questions = Vec::new();
        for (photo, features) in photos.iter().zip(&encoded) {
            let Ok(features) = features else { continue };
            for asked in &photo.questions {
                let prompt = self.model.tokenize(&wrap_question(asked.question))?;
                let choices = Arc::clone(&self.trees[asked.attribute]);
                for task in [
                    Task::Generate(self.parameters.clone()),
                    Task::Choose(choices),
                ] {
                    questions.push(Question {
                        image_features: features.clone(),
                        prompt: prompt.clone(),
                        task,
                        adapter: None,
                    });
                }
            }
        }
        let mut answers = self.answer_all(&questions)?.into_iter();
        photos
            .iter()
            .zip(encoded)
            .map(|(photo, features)| match features {
                Err(reason) => Ok(PhotoOutcome::Unusable(reason)),
                Ok(features) => Ok(PhotoOutcome::Answered {
                    replies: photo
                        .questions
                        .iter()
                        .map(|_| reply(&mut answers))
                        .collect::<Result<_>>()?,
                    features: Some(mean_of(&features)?),
                }),
            })
            .collect()
    }
}

impl LocalModel {
    /// The outcomes in the order of the questions.
    fn answer_all(&self, questions: &[Question]) -> Result<Vec<Outcome>> {
        if questions.is_empty() {
            return Ok(Vec::new());
        }
        let mut answering = self.model.start(questions)?;
        let mut outcomes = vec![None; questions.len()];
        while !answering.is_done() {
            for (place, outcome) in answering.step()? {
                outcomes[place] = Some(outcome);
            }
        }
        let all: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        all.context("the model left a question open")
    }
}

/// The next two outcomes: the free answer, then the choice.
fn reply(outcomes: &mut impl Iterator<Item = Outcome>) -> Result<Reply> {
    let (Some(Outcome::Generated(free)), Some(Outcome::Chosen(chosen))) =
        (outcomes.next(), outcomes.next())
    else {
        anyhow::bail!("the model answered another question than it was asked");
    };
    let confidence = free.confidence();
    let (choice, choice_confidence) = likeliest(&chosen.normalised());
    Ok(Reply {
        text: free.text,
        confidence,
        choice,
        choice_confidence,
    })
}

/// The place of the largest probability, the first of equal ones.
fn likeliest(probabilities: &[f64]) -> (usize, f64) {
    let mut best = (0, 0.0);
    for (place, &probability) in probabilities.iter().enumerate() {
        if probability > best.1 {
            best = (place, probability);
        }
    }
    best
}

/// `(queries, d_model)` to the mean over the queries, of length 1.
fn mean_of(features: &Tensor) -> candle_core::Result<Vec<f32>> {
    let mean = features.to_dtype(DType::F32)?.mean(0)?.to_vec1::<f32>()?;
    let length = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
    let scale = if length > 0.0 { length.recip() } else { 0.0 };
    Ok(mean.into_iter().map(|x| x * scale).collect())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn the_first_of_equally_likely_choices_is_taken() {
        assert_eq!(likeliest(&[0.2, 0.4, 0.4]), (1, 0.4));
        assert_eq!(likeliest(&[1.0]), (0, 1.0));
    }

    #[test]
    fn mean_features_have_length_one() {
        let features = Tensor::new(&[[1.0_f32, 2.0], [5.0, 6.0]], &Device::Cpu).unwrap();
        assert_eq!(mean_of(&features).unwrap(), [0.6, 0.8]);
        let nothing = Tensor::zeros((2, 2), DType::F32, &Device::Cpu).unwrap();
        assert_eq!(mean_of(&nothing).unwrap(), [0.0, 0.0]);
    }
}
