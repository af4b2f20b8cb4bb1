//! Plain structs in the place of AWS, for tests.

mod audience;
mod store;
pub mod uploads;

use std::collections::{HashMap, VecDeque};
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use image::{ImageFormat, RgbImage};
use serde_json::Value;

use crate::domain::{
    AskError, AttributeModel, Deadline, Describer, DescriberError, Format, ModelAnswer, Photo,
    Prompt, Services, TextCheck, Usage, WrittenDescription,
};
use crate::entrypoints::App;
use crate::settings::Settings;

pub use self::audience::{FakeAudience, Heard};
pub use self::store::FakeStore;

/// What is logged in a test.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// All lines so far.
    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// The same, each as what it is: a JSON document.
    pub fn documents(&self) -> Vec<Value> {
        let text = self.text();
        let documents = text.lines().map(|line| serde_json::from_str(line).unwrap());
        documents.collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A small real photo.
pub fn photo_bytes() -> Bytes {
    let mut bytes = Vec::new();
    RgbImage::new(8, 8)
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    bytes.into()
}

/// The same in base64.
pub fn photo_base64() -> String {
    STANDARD.encode(photo_bytes())
}

/// The services of one test, to be set up before and looked at after.
#[derive(Default)]
pub struct Fakes {
    pub model: Arc<FakeModel>,
    pub describer: Arc<FakeDescriber>,
    pub store: Arc<FakeStore>,
    /// Settings other than the defaults.
    pub variables: HashMap<&'static str, &'static str>,
}

impl Fakes {
    pub fn services(&self) -> Services {
        let settings = self.settings();
        Services {
            check: Arc::new(TextCheck::new(
                &settings.attribute_set,
                &settings.wording.style,
            )),
            certainty: settings.certainty,
            wording: settings.wording,
            unfaithful: settings.unfaithful,
            attribute_set: settings.attribute_set,
            default_category: settings.default_category,
            default_format: settings.default_format,
            model: self.model.clone(),
            describer: self.describer.clone(),
            store: self.store.clone(),
        }
    }

    pub fn app(&self) -> App {
        App::new(self.settings(), self.services())
    }

    /// Whether the endpoint is too slow to answer.
    pub fn is_slow(&self, slow: bool) {
        let error = AskError::TimedOut {
            endpoint: "fake-endpoint".into(),
        };
        *self.model.error.lock().unwrap() = slow.then_some(error);
    }

    /// How often the endpoint was called.
    pub fn calls(&self) -> usize {
        self.model.asked.lock().unwrap().len()
    }

    fn settings(&self) -> Settings {
        Settings::read(|name| self.variables.get(name).map(|value| (*value).to_owned())).unwrap()
    }
}

/// Knows the fabric and the colour of everything, and nothing else.
#[derive(Default)]
pub struct FakeModel {
    /// What it says to every question instead.
    pub error: Mutex<Option<AskError>>,
    /// The most bytes of a photo; no limit where absent.
    pub max_photo_bytes: Mutex<Option<usize>>,
    /// The questions and the size of the photo of every call.
    pub asked: Mutex<Vec<(Vec<String>, usize)>>,
}

#[async_trait]
impl AttributeModel for FakeModel {
    fn name(&self) -> &str {
        "fake-endpoint"
    }

    fn max_photo_bytes(&self, _questions: &[String]) -> usize {
        self.max_photo_bytes.lock().unwrap().unwrap_or(usize::MAX)
    }

    async fn ask(
        &self,
        photo: &Photo,
        questions: &[String],
        _deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>> {
        self.asked
            .lock()
            .unwrap()
            .push((questions.to_vec(), photo.bytes.len()));
        if let Some(error) = self.error.lock().unwrap().clone() {
            return vec![Err(error); questions.len()];
        }
        let answer = |question: &String| {
            let text = match question {
                question if question.contains("fabric") => "Fabric: Cotton",
                question if question.contains("colour") => "Colour: Blue",
                _ => "",
            };
            Ok(ModelAnswer {
                text: text.to_owned(),
                confidence: text.starts_with("Fabric").then_some(0.5),
            })
        };
        questions.iter().map(answer).collect()
    }
}

/// Writes one sentence, which is true to what it is told of fabric and colour.
#[derive(Default)]
pub struct FakeDescriber {
    /// What it fails with.
    pub error: Mutex<Option<DescriberError>>,
    /// What it fails with where a text is to be mended.
    pub mending_error: Mutex<Option<DescriberError>>,
    /// What it writes instead of its own, one after the other.
    pub texts: Mutex<VecDeque<&'static str>>,
    /// How many of its next texts are stopped before their end.
    pub cut_short: Mutex<usize>,
    /// How long it writes.
    pub turn: Mutex<Duration>,
    /// Every prompt, with the time that was left.
    pub prompts: Mutex<Vec<(Prompt, Duration)>>,
}

#[async_trait]
impl Describer for FakeDescriber {
    async fn describe(
        &self,
        prompt: &Prompt,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        self.prompts
            .lock()
            .unwrap()
            .push((prompt.clone(), deadline.remaining()));
        let turn = *self.turn.lock().unwrap();
        if !turn.is_zero() {
            tokio::time::sleep(turn).await;
        }
        if prompt.correction.is_some()
            && let Some(error) = self.mending_error.lock().unwrap().clone()
        {
            return Err(error);
        }
        if let Some(error) = self.error.lock().unwrap().clone() {
            return Err(error);
        }
        let given = self.texts.lock().unwrap().pop_front();
        let is_cut_short = {
            let mut left = self.cut_short.lock().unwrap();
            let is_cut_short = *left > 0;
            *left = left.saturating_sub(1);
            is_cut_short
        };
        let own = || {
            let says = |line: &str, word: &'static str| {
                if prompt.user.contains(line) { word } else { "" }
            };
            let colour = says("\nColour: Blue\n", "blue ");
            let fabric = says("\nFabric: Cotton\n", "cotton ");
            let description = format!("A {colour}{fabric}garment.");
            match prompt.format {
                Format::Description => description,
                Format::Listing => listing(&format!("{colour}{fabric}"), &description),
            }
        };
        Ok(WrittenDescription {
            text: given.map_or_else(own, str::to_owned),
            model: "fake-model".to_owned(),
            usage: Usage {
                input_tokens: 7,
                output_tokens: 5,
                cost: None,
            },
            warnings: Vec::new(),
            is_cut_short,
        })
    }
}

/// The texts of a listing, all within their limits.
fn listing(adjectives: &str, description: &str) -> String {
    serde_json::json!({
        "title": format!("A {adjectives}shirt for every day, every evening and every season"),
        "bullets": vec!["For every day of the year."; 5],
        "description": description,
        "search_keywords": ["shirt", "day shirt", "evening shirt", "season shirt", "year shirt"],
        "alt_text": format!("A {adjectives}shirt on a plain background"),
        "meta_description": format!(
            "A {adjectives}shirt that goes with much, for every day and for long evenings."
        )
    })
    .to_string()
}
