//! How good the model is on questions that it does not learn from.

use std::collections::BTreeMap;

use attributes::{Answer, AttributeSet, parse_pair, wrap_question};
use blip2::Error::NotANumber;
use blip2::training::{Batch, ClassBatch, Loss, Trainee};
use blip2::{GenerationParameters, Outcome, Question, Task};

use super::batch::{numbered, rows};
use super::classes::Classes;
use super::data::Example;
use super::interrupt::Interrupt;
use super::photos::Photos;
use super::sight::Sight;
use crate::progress::Progress;
use crate::scores::macro_f1;

/// Questions that are answered together.
const TOGETHER: usize = 32;

/// Longest answer, in tokens; those of the attributes have some six.
const MAX_NEW_TOKENS: usize = 24;

/// The job's parts that validation looks at.
pub struct Examinee<'a> {
    /// The model.
    pub trainee: &'a Trainee,
    /// Where it sees photographs.
    pub sight: &'a mut Sight,
    /// The photographs.
    pub photos: &'a Photos,
    /// Where answers are learnt as classes.
    pub classes: Option<&'a Classes>,
    /// Whether to stop.
    pub interrupt: &'a Interrupt,
}

impl Examinee<'_> {
    /// The mean loss over all tokens of the answers, or where they are classes over
    /// all questions; `None` where the job was
    /// told to stop.
    ///
    /// # Errors
    /// When a computation fails, or gives no number: [`is_no_number`].
    pub fn loss(&mut self, examples: &[Example]) -> anyhow::Result<Option<f64>> {
        let mut all = Loss {
            sum: 0.0,
            tokens: 0,
        };
        let mut progress = Progress::new("validation questions", examples.len());
        let mut done = 0;
        for examples in examples.chunks(TOGETHER) {
            if self.interrupt.is_set() {
                return Ok(None);
            }
            let (numbers, places) = numbered(examples.iter().map(|one| one.photo));
            let seen = self.sight.look(&numbers, self.photos, self.trainee, None)?;
            let loss = match self.classes {
                Some(classes) => self.trainee.class_loss(&ClassBatch {
                    images: seen.images(),
                    rows: classes.rows(examples.iter(), &places),
                })?,
                None => self.trainee.loss(&Batch {
                    images: seen.images(),
                    rows: rows(examples, &places),
                })?,
            };
            if !loss.sum.is_finite() {
                return Err(NotANumber.into());
            }
            all.sum += loss.sum;
            all.tokens += loss.tokens;
            done += examples.len();
            progress.show(done);
        }
        progress.finish();
        Ok(Some(all.mean()))
    }

    /// The model's answers, as likely as possible token by token; `None` where
    /// the job was told to stop.
    ///
    /// # Errors
    /// When a computation fails, or gives no number: [`is_no_number`].
    pub fn answers(&mut self, examples: &[Example]) -> anyhow::Result<Option<Vec<String>>> {
        let parameters = GenerationParameters {
            max_new_tokens: MAX_NEW_TOKENS,
            ..GenerationParameters::default()
        };
        let mut answers = Vec::with_capacity(examples.len());
        for examples in examples.chunks(TOGETHER) {
            if self.interrupt.is_set() {
                return Ok(None);
            }
            let (numbers, places) = numbered(examples.iter().map(|one| one.photo));
            let seen = self.sight.look(&numbers, self.photos, self.trainee, None)?;
            let features = seen.features(self.trainee)?;
            let questions = examples
                .iter()
                .zip(places)
                .map(|(example, image)| Question {
                    image_features: features[image].clone(),
                    prompt: example.prompt_ids.clone(),
                    task: Task::Generate(parameters.clone()),
                    adapter: None,
                });
            let mut answering = self.trainee.blip2().start(&questions.collect::<Vec<_>>())?;
            let mut of_batch = vec![String::new(); examples.len()];
            while !answering.is_done() {
                for (index, outcome) in answering.step()? {
                    if let Outcome::Generated(generated) = outcome {
                        of_batch[index] = generated.text;
                    }
                }
            }
            answers.append(&mut of_batch);
        }
        Ok(Some(answers))
    }
}

/// Whether it was the weights' fault: what they compute is no number.
#[must_use]
pub fn is_no_number(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref::<blip2::Error>(), Some(NotANumber))
}

/// The macro-F1 of each attribute that questions ask about. Values that are
/// called differently and mean the same are one; an answer about something else
/// is a wrong one. Questions without a true value do not count.
#[must_use]
pub fn macro_f1_by_attribute(
    set: &AttributeSet,
    examples: &[Example],
    answers: &[String],
) -> BTreeMap<String, f64> {
    let mut pairs: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (example, answer) in examples.iter().zip(answers) {
        let (name, truth, answer) =
            match set.attribute_of_question(&wrap_question(&example.question)) {
                Some(attribute) => {
                    let Answer::Value(truth) = set.interpret(attribute, &example.answer) else {
                        continue;
                    };
                    let answer = match set.interpret(attribute, answer) {
                        Answer::Value(value) => value,
                        Answer::OtherAttribute { .. } | Answer::Nothing => String::new(),
                    };
                    (attribute.name.clone(), truth, answer)
                }
                // Another wording, of attributes that the set need not know.
                None => match parse_pair(&example.answer) {
                    Some((name, _)) => (name, example.answer.clone(), answer.clone()),
                    None => (String::new(), example.answer.clone(), answer.clone()),
                },
            };
        pairs.entry(name).or_default().push((truth, answer));
    }
    pairs
        .into_iter()
        .map(|(name, pairs)| (name, macro_f1(&pairs)))
        .collect()
}

/// Whether some question has a true value, so that there is a macro-F1.
#[must_use]
pub fn have_true_values(examples: &[Example]) -> bool {
    let truths: Vec<String> = examples.iter().map(|one| one.answer.clone()).collect();
    !macro_f1_by_attribute(&AttributeSet::embedded(), examples, &truths).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        let set = AttributeSet::embedded();
        let example = |question: &str, answer: &str| Example {
            photo: 0,
            question: question.to_owned(),
            answer: answer.to_owned(),
            prompt_ids: vec![],
            answer_ids: vec![],
        };
        let sleeves = "What is the sleeve length of the shirt in this picture?";
        let examples = [
            example(sleeves, "Sleeve Length: Long Sleeves"),
            example(sleeves, "Sleeve Length: Sleeveless"),
            example(sleeves, "Sleeve Length: NA"),
            example("Is it red?", "yes"),
        ];
        let answers = ["Sleeve Length: full sleeves", "Fabric: Cotton", "x", "yes"];
        let answers = answers.map(str::to_owned);
        let scores = macro_f1_by_attribute(&set, &examples, &answers);
        assert_eq!(scores.len(), 2);
        // Long Sleeves right, Sleeveless wrong, and the empty answer a class.
        assert!((scores["Sleeve Length"] - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(scores[""], 1.0);
        assert!(have_true_values(&examples));
        assert!(!have_true_values(&examples[2..3]));
    }
}
