//! Requests whose answers are known, because each was asked alone before.

use std::sync::Arc;

use attributes::{Attribute, AttributeSet, question, wrap_question};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use crate::capabilities::Capabilities;
use crate::photos::{Photo, Photos};

/// Characters of the longest prompt that the server takes.
pub const MAX_PROMPT_CHARACTERS: usize = 2_048;

const ORDINARY: usize = 160;
const DAMAGED: usize = 40;

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asked {
    One(String),
    Many(Vec<String>),
}

/// A request, and what it was answered alone.
#[derive(Debug)]
pub struct Known {
    pub photo: Arc<Photo>,
    asked: Asked,
    parameters: Value,
    /// 200, but for a damaged photo: its decoder may find a picture or none.
    pub status: u16,
    pub answer: Value,
}

impl Known {
    fn new(photo: &Arc<Photo>, asked: Asked, parameters: Value) -> Known {
        Known {
            photo: Arc::clone(photo),
            asked,
            parameters,
            status: 200,
            answer: Value::Null,
        }
    }

    /// The request as JSON, with these bytes of its photo.
    pub fn json(&self, photo: &[u8]) -> Vec<u8> {
        let mut body = String::with_capacity(photo.len() * 4 / 3 + 512);
        body.push_str(r#"{"image":""#);
        STANDARD.encode_string(photo, &mut body);
        body.push('"');
        for (name, value) in self.fields() {
            body.push_str(&format!(",{}:{value}", json!(name)));
        }
        body.push('}');
        body.into_bytes()
    }

    /// All of the request but its photo.
    pub fn fields(&self) -> Map<String, Value> {
        let mut fields = Map::new();
        match &self.asked {
            Asked::One(prompt) => fields.insert("prompt".to_owned(), json!(prompt)),
            Asked::Many(prompts) => fields.insert("prompts".to_owned(), json!(prompts)),
        };
        if !self.parameters.is_null() {
            fields.insert("parameters".to_owned(), self.parameters.clone());
        }
        fields
    }

    /// What a failure's text says of it.
    pub fn describe(&self) -> String {
        let fields: String = json!(self.fields()).to_string().chars().take(300).collect();
        format!("{}: {fields}", self.photo.name)
    }
}

/// Everything that is asked, by how often that can be.
pub struct Catalogue {
    pub ordinary: Vec<Known>,
    /// What the server's limits just allow.
    pub heavy: Vec<Known>,
    /// About photos of which some bytes were changed.
    pub damaged: Vec<Known>,
}

impl Catalogue {
    pub fn draw(photos: &Photos, capabilities: Capabilities, rng: &mut ChaCha8Rng) -> Catalogue {
        let set = AttributeSet::embedded();
        let (noun, shirt) = set.attributes_of("shirt");
        let wording = Wording {
            noun,
            attributes: shirt,
            choices: capabilities.choices,
        };
        let ordinary = (0..ORDINARY)
            .map(|index| wording.ordinary(&photos.ordinary[index % photos.ordinary.len()], rng))
            .collect();
        let damaged = (0..DAMAGED)
            .map(|index| {
                let photo = damaged(&photos.ordinary[index % photos.ordinary.len()], rng);
                Known::new(&photo, wording.one(rng), Value::Null)
            })
            .collect();
        Catalogue {
            ordinary,
            heavy: wording.heavy(photos, rng),
            damaged,
        }
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Known> {
        let ordinary = self.ordinary.iter_mut().chain(&mut self.heavy);
        ordinary.chain(&mut self.damaged)
    }
}

/// The same photo with some bytes changed, after its head.
fn damaged(photo: &Photo, rng: &mut ChaCha8Rng) -> Arc<Photo> {
    let mut bytes = photo.bytes.clone();
    let from = bytes.len() / 3;
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(from..bytes.len());
        bytes[at] = rng.random();
    }
    Arc::new(Photo {
        name: format!("damaged {}", photo.name),
        content_type: photo.content_type,
        bytes,
    })
}

struct Wording<'a> {
    noun: &'a str,
    attributes: Vec<&'a Attribute>,
    choices: bool,
}

impl Wording<'_> {
    fn ordinary(&self, photo: &Arc<Photo>, rng: &mut ChaCha8Rng) -> Known {
        if self.choices && rng.random_bool(0.25) {
            return self.held_to_choices(photo, rng);
        }
        let asked = if rng.random_bool(0.6) {
            self.one(rng)
        } else {
            let count = rng.random_range(1..=self.attributes.len());
            Asked::Many((0..count).map(|_| self.prompt(rng)).collect())
        };
        Known::new(photo, asked, parameters(rng))
    }

    fn one(&self, rng: &mut ChaCha8Rng) -> Asked {
        Asked::One(self.prompt(rng))
    }

    fn prompt(&self, rng: &mut ChaCha8Rng) -> String {
        let index = rng.random_range(0..self.attributes.len());
        let asked = question(self.attributes[index], self.noun);
        match rng.random_range(0..10) {
            0..=6 => asked,
            7 => wrap_question(&asked),
            8 => "What is in this picture? </s><pad> 何色ですか ßäöü \u{1f455}".to_owned(),
            _ => asked.repeat(3),
        }
    }

    fn held_to_choices(&self, photo: &Arc<Photo>, rng: &mut ChaCha8Rng) -> Known {
        let mut attributes = self.attributes.clone();
        attributes.shuffle(rng);
        let values = |attribute: &Attribute| -> Vec<String> {
            let values = attribute.values.iter().map(|value| value.name.clone());
            values.collect()
        };
        let mut parameters = json!({"details": rng.random_bool(0.8)});
        if rng.random_bool(0.3) {
            parameters["abstain_below"] = json!(0.5);
        }
        if rng.random_bool(0.5) {
            parameters["choices"] = json!(values(attributes[0]));
            let asked = Asked::One(question(attributes[0], self.noun));
            return Known::new(photo, asked, parameters);
        }
        attributes.truncate(rng.random_range(2..=4));
        let prompts = attributes
            .iter()
            .map(|&attribute| question(attribute, self.noun))
            .collect();
        parameters["choices"] = if rng.random_bool(0.5) {
            attributes
                .iter()
                .map(|&attribute| (attribute.name.clone(), json!(values(attribute))))
                .collect::<Map<_, _>>()
                .into()
        } else {
            // The last is answered freely.
            let (_, held) = attributes
                .split_last()
                .unwrap_or((&self.attributes[0], &[]));
            let mut choices: Vec<Value> = held.iter().map(|held| json!(values(held))).collect();
            choices.push(Value::Null);
            choices.into()
        };
        Known::new(photo, Asked::Many(prompts), parameters)
    }

    fn heavy(&self, photos: &Photos, rng: &mut ChaCha8Rng) -> Vec<Known> {
        let small = &photos.ordinary[0];
        // Of words that the tokenizer has whole, so that it is at the limit of
        // characters and not over that of tokens.
        let long: String = "pattern "
            .chars()
            .cycle()
            .take(MAX_PROMPT_CHARACTERS)
            .collect();
        let many = (0..64).map(|_| self.prompt(rng)).collect();
        let mut heavy = vec![
            Known::new(small, Asked::One(long), json!({"details": true})),
            Known::new(small, Asked::Many(many), json!({"details": true})),
            Known::new(
                small,
                self.one(rng),
                json!({"details": true, "max_new_tokens": 256, "min_new_tokens": 200}),
            ),
            Known::new(
                small,
                self.one(rng),
                json!({"details": true, "num_beams": 8, "max_new_tokens": 40}),
            ),
        ];
        for photo in &photos.large {
            heavy.push(Known::new(photo, self.one(rng), parameters(rng)));
        }
        if self.choices {
            let choices: Vec<String> = (0..500).map(|n| format!("Fabric: Choice {n}")).collect();
            let parameters = json!({"details": true, "choices": choices});
            heavy.push(Known::new(small, self.one(rng), parameters));
        }
        heavy
    }
}

/// Generation parameters of every kind; what is drawn is drawn by a seed.
fn parameters(rng: &mut ChaCha8Rng) -> Value {
    let seed: u32 = rng.random();
    let kinds = [
        json!(null),
        json!({}),
        json!({"details": true}),
        json!({"details": true, "max_new_tokens": 1}),
        json!({"details": true, "max_new_tokens": 3}),
        json!({"details": true, "max_new_tokens": 14, "min_new_tokens": 9}),
        json!({"details": true, "repetition_penalty": 1.5}),
        json!({"details": true, "num_beams": 2, "length_penalty": 0.5, "early_stopping": true}),
        json!({"details": true, "num_beams": 3}),
        json!({"num_beams": 4, "early_stopping": "never", "repetition_penalty": 1.2}),
        json!({"details": true, "do_sample": true, "seed": seed, "temperature": 0.8}),
        json!({"details": true, "do_sample": true, "seed": seed, "top_k": 0, "top_p": 0.9}),
        json!({"do_sample": true, "seed": seed, "top_k": 5, "temperature": 1.5}),
    ];
    kinds.choose(rng).cloned().unwrap_or_default()
}
