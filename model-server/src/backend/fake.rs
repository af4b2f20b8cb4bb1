//! A backend without a model, for tests of the other two rooms.
//!
//! It "sees" the size of a photograph, reads a prompt as one token a byte and
//! writes its answers at one byte a step, so that a long answer takes longer
//! than a short one. An adapter's weights are a word that it ends its answers
//! with.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ::blip2::{
    Adapter, ChoiceTree, Chosen, Generated, GenerationParameters, LoadedAdapter, Outcome, Question,
    Task,
};
use candle_core::{Device, Tensor};
use image::RgbImage;

use super::{Backend, BackendError, Decoding, Description};

/// What the fake "sees" of a photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Width of the photograph in pixels.
    pub width: u32,
    /// Height of the photograph in pixels.
    pub height: u32,
}

/// Something that the fake was made to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A photograph was preprocessed.
    Preprocessed(Seen),
    /// Photographs were encoded together.
    Encoded(Vec<Seen>),
    /// The adapter of that name was read.
    Adapted(String),
    /// Questions were read as one batch.
    Started(Vec<(Seen, String)>),
    /// The batch that was started as the so manieth went on by one step.
    Stepped(usize),
    /// So many questions of that batch were abandoned.
    Abandoned(usize, usize),
}

type Answers = dyn Fn(Seen, &[String]) -> Result<Vec<String>, BackendError> + Send + Sync;
type Before = dyn Fn(&Event) -> Result<(), BackendError> + Send + Sync;

/// How a fake behaves.
pub struct Script {
    /// The answers to the free questions about one photograph that are together
    /// in a batch. It may wait, fail, panic or miscount.
    pub answers: Box<Answers>,
    /// Called before the fake does what the event says; it may wait, fail or
    /// panic.
    pub before: Box<Before>,
    /// How many photographs it encodes together.
    pub images_per_batch: usize,
}

impl Default for Script {
    fn default() -> Self {
        Script {
            answers: Box::new(|_, prompts| Ok(prompts.to_vec())),
            before: Box::new(|_| Ok(())),
            images_per_batch: 1,
        }
    }
}

/// A backend whose texts are a function of the photograph's size and the
/// prompts, so that a test knows when an answer went to the wrong request.
pub struct FakeBackend(Arc<Inner>);

struct Inner {
    script: Script,
    events: Mutex<Vec<Event>>,
}

impl FakeBackend {
    /// A backend that behaves as the script says.
    pub fn scripted(script: Script) -> Arc<FakeBackend> {
        Arc::new(FakeBackend(Arc::new(Inner {
            script,
            events: Mutex::default(),
        })))
    }

    /// A backend that answers by `answers`: see [`Script::answers`].
    pub fn new(
        answers: impl Fn(Seen, &[String]) -> Result<Vec<String>, BackendError> + Send + Sync + 'static,
    ) -> Arc<FakeBackend> {
        FakeBackend::scripted(Script {
            answers: Box::new(answers),
            ..Script::default()
        })
    }

    /// A backend that answers each prompt by itself with `answer`.
    pub fn answering(
        answer: impl Fn(Seen, &str) -> String + Send + Sync + 'static,
    ) -> Arc<FakeBackend> {
        FakeBackend::new(move |seen, prompts| {
            Ok(prompts.iter().map(|prompt| answer(seen, prompt)).collect())
        })
    }

    /// How many photographs were preprocessed so far. A request is admitted
    /// before that, so a test knows from it that a request waits.
    pub fn photos_seen(&self) -> usize {
        let is_photo = |event: &&Event| matches!(event, Event::Preprocessed(_));
        self.0.lock().iter().filter(is_photo).count()
    }

    /// Everything that it was made to do so far, in order.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().clone()
    }

    /// How many photographs each encoding was of.
    pub fn encoded(&self) -> Vec<usize> {
        let count = |event: &Event| match event {
            Event::Encoded(photos) => Some(photos.len()),
            _ => None,
        };
        self.0.lock().iter().filter_map(count).collect()
    }

    /// The prompts of each batch.
    pub fn batches(&self) -> Vec<Vec<String>> {
        let prompts = |event: &Event| match event {
            Event::Started(questions) => {
                Some(questions.iter().map(|(_, prompt)| prompt.clone()).collect())
            }
            _ => None,
        };
        self.0.lock().iter().filter_map(prompts).collect()
    }
}

impl Inner {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        // A script that panics does so without the lock.
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, event: Event) -> Result<(), BackendError> {
        self.lock().push(event.clone());
        (self.script.before)(&event)
    }
}

impl Backend for FakeBackend {
    fn description(&self) -> Description {
        Description {
            device: "none".to_owned(),
            number_type: "none".to_owned(),
            computation: "fake".to_owned(),
            threads: 1,
        }
    }

    fn images_per_batch(&self) -> usize {
        self.0.script.images_per_batch
    }

    fn preprocess(&self, photo: &RgbImage) -> Result<Tensor, BackendError> {
        let (width, height) = photo.dimensions();
        self.0.record(Event::Preprocessed(Seen { width, height }))?;
        Ok(Tensor::new(&[[width, height]], &Device::Cpu)?)
    }

    fn encode_images(&self, pixel_values: &[Tensor]) -> Result<Vec<Tensor>, BackendError> {
        let photos = pixel_values.iter().map(seen).collect::<Result<_, _>>()?;
        self.0.record(Event::Encoded(photos))?;
        Ok(pixel_values.to_vec())
    }

    fn tokenize(&self, prompt: &str) -> Result<Vec<u32>, BackendError> {
        Ok(token_ids(prompt))
    }

    fn choice_tree(&self, texts: &[String]) -> Result<ChoiceTree, BackendError> {
        Ok(ChoiceTree::new(texts, 0, |text| Ok(token_ids(text)))?)
    }

    fn load_adapter(&self, name: &str, folder: &Path) -> Result<Arc<LoadedAdapter>, BackendError> {
        self.0.record(Event::Adapted(name.to_owned()))?;
        for file in Adapter::FILES {
            if !folder.join(file).is_file() {
                return Err(format!("{} is missing", folder.join(file).display()).into());
            }
        }
        let word = std::fs::read_to_string(folder.join(Adapter::FILES[1]))?;
        if word.is_empty() {
            return Err("it is cut off".into());
        }
        Ok(Arc::new(LoadedAdapter::stand_in(&word, word.len())))
    }

    fn start(&self, questions: &[Question]) -> Result<Box<dyn Decoding>, BackendError> {
        let asked: Vec<(Seen, String)> = questions
            .iter()
            .map(|question| Ok((seen(&question.image_features)?, text(&question.prompt)?)))
            .collect::<Result<_, BackendError>>()?;
        let mut batch = 0;
        for event in self.0.lock().iter() {
            batch += usize::from(matches!(event, Event::Started(_)));
        }
        self.0.record(Event::Started(asked.clone()))?;
        let mut unfinished = Vec::new();
        let mut free: Vec<(usize, &GenerationParameters)> = Vec::new();
        for (index, question) in questions.iter().enumerate() {
            match &question.task {
                Task::Generate(parameters) => free.push((index, parameters)),
                Task::Choose(tree) => unfinished.push((index, 1, choose(tree))),
            }
        }
        for about_one in free.chunk_by(|(one, _), (other, _)| asked[*one].0 == asked[*other].0) {
            let prompts: Vec<String> = about_one
                .iter()
                .map(|&(index, _)| asked[index].1.clone())
                .collect();
            let texts = (self.0.script.answers)(asked[about_one[0].0].0, &prompts)?;
            for (number, text) in texts.into_iter().enumerate() {
                // One answer too many is for a question that there is not.
                let default = GenerationParameters::default();
                let (index, parameters) = about_one
                    .get(number)
                    .copied()
                    .unwrap_or((questions.len() + number, &default));
                let adapter = questions.get(index).and_then(|one| one.adapter.as_ref());
                let text = match adapter {
                    Some(adapter) => format!("{text} {}", adapter.name()),
                    None => text,
                };
                let generated = generated(text, parameters);
                let steps = generated.token_ids.len().max(1);
                unfinished.push((index, steps, Outcome::Generated(generated)));
            }
        }
        Ok(Box::new(FakeDecoding {
            inner: Arc::clone(&self.0),
            batch,
            steps: 0,
            unfinished,
        }))
    }
}

struct FakeDecoding {
    inner: Arc<Inner>,
    batch: usize,
    steps: usize,
    /// Index of the question, the step that finishes it, and its answer.
    unfinished: Vec<(usize, usize, Outcome)>,
}

impl Decoding for FakeDecoding {
    fn step(&mut self) -> Result<Vec<(usize, Outcome)>, BackendError> {
        self.inner.record(Event::Stepped(self.batch))?;
        self.steps += 1;
        let is_finished = |&mut (_, steps, _): &mut (usize, usize, Outcome)| steps <= self.steps;
        Ok(self
            .unfinished
            .extract_if(.., is_finished)
            .map(|(index, _, outcome)| (index, outcome))
            .collect())
    }

    fn is_done(&self) -> bool {
        self.unfinished.is_empty()
    }

    fn abandon(&mut self, questions: &[usize]) -> Result<(), BackendError> {
        let event = Event::Abandoned(self.batch, questions.len());
        self.inner.record(event)?;
        self.unfinished
            .retain(|(index, _, _)| !questions.contains(index));
        Ok(())
    }
}

fn seen(features: &Tensor) -> Result<Seen, BackendError> {
    let size = features.flatten_all()?.to_vec1::<u32>()?;
    let &[width, height] = size.as_slice() else {
        return Err(format!("features of one photograph expected, got {size:?}").into());
    };
    Ok(Seen { width, height })
}

/// One token a byte, and an end.
fn token_ids(text: &str) -> Vec<u32> {
    text.bytes().map(u32::from).chain([1]).collect()
}

fn text(token_ids: &[u32]) -> Result<String, BackendError> {
    let (_, ids) = token_ids.split_last().ok_or("a prompt without an end")?;
    let bytes = ids
        .iter()
        .map(|&id| u8::try_from(id))
        .collect::<Result<_, _>>()?;
    Ok(String::from_utf8(bytes)?)
}

/// The text as a whole, of as many tokens as are allowed.
fn generated(text: String, parameters: &GenerationParameters) -> Generated {
    let token_ids: Vec<u32> = text
        .bytes()
        .map(u32::from)
        .take(parameters.max_new_tokens)
        .collect();
    let log_probability = -0.01 * token_ids.len() as f64;
    Generated {
        text,
        token_ids,
        log_probability,
    }
}

/// The fewer tokens a text has, the likelier it is.
fn choose(tree: &ChoiceTree) -> Outcome {
    let token_counts = tree.token_counts().to_vec();
    let log_probabilities = token_counts
        .iter()
        .map(|&tokens| -(tokens as f64))
        .collect();
    Outcome::Chosen(Chosen {
        log_probabilities,
        token_counts,
    })
}
