//! A core with a fake backend, and what asks it.

use std::io::Cursor;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use blip2::GenerationParameters;
use bytes::Bytes;
use image::{ImageFormat, RgbImage};
use model_server::backend::Backend;
use model_server::backend::fake::{Event, FakeBackend, Script};
use model_server::core::{
    AnswerRequest, Answered, Core, CoreError, Limits, QuestionForm, Scheduling, TaskForm,
};
use tokio::task::JoinHandle;

/// Long enough for anything on a busy machine; a test that gets here hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Longer than any test waits: what is held back for so long is held back
/// until company is there or none is coming.
pub const FOR_EVER: Duration = Duration::from_secs(3_600);

pub type Asked = JoinHandle<Result<Answered, CoreError>>;

pub fn start(backend: &Arc<FakeBackend>, scheduling: Scheduling) -> Arc<Core> {
    start_limited(backend, Limits::default(), scheduling)
}

pub fn start_limited(
    backend: &Arc<FakeBackend>,
    limits: Limits,
    scheduling: Scheduling,
) -> Arc<Core> {
    let backend: Arc<dyn Backend> = Arc::<FakeBackend>::clone(backend);
    Arc::new(Core::start(backend, limits, scheduling).unwrap())
}

pub fn waiting_for_ever() -> Scheduling {
    Scheduling {
        max_wait: FOR_EVER,
        ..Scheduling::default()
    }
}

/// A backend that answers each prompt with the photo's size and the question,
/// and calls `before` first.
pub fn echo_after(
    before: impl Fn(&Event) -> Result<(), model_server::backend::BackendError> + Send + Sync + 'static,
) -> Arc<FakeBackend> {
    FakeBackend::scripted(script(before))
}

pub fn script(
    before: impl Fn(&Event) -> Result<(), model_server::backend::BackendError> + Send + Sync + 'static,
) -> Script {
    Script {
        answers: Box::new(|seen, prompts| {
            let answer = |prompt: &String| format!("{}: {}", bare(prompt), seen.width);
            Ok(prompts.iter().map(answer).collect())
        }),
        before: Box::new(before),
        ..Script::default()
    }
}

pub fn echo() -> Arc<FakeBackend> {
    echo_after(|_| Ok(()))
}

/// The question without its wrapping.
pub fn bare(prompt: &str) -> &str {
    prompt
        .trim_start_matches("Question: ")
        .trim_end_matches(" Answer: ")
}

/// A photograph that no other width gives.
pub fn photo(width: u32) -> Bytes {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(width, 2)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner().into()
}

pub fn free(prompt: &str) -> QuestionForm {
    free_up_to(256, prompt)
}

pub fn free_up_to(max_new_tokens: usize, prompt: &str) -> QuestionForm {
    let parameters = GenerationParameters {
        max_new_tokens,
        ..Default::default()
    };
    QuestionForm {
        prompt: prompt.to_owned(),
        task: TaskForm::Generate(parameters),
    }
}

/// A request on its way.
pub fn ask(core: &Arc<Core>, image: Bytes, questions: Vec<QuestionForm>) -> Asked {
    ask_adapter(core, image, questions, None)
}

/// A request on its way to an adapter.
pub fn ask_adapter(
    core: &Arc<Core>,
    image: Bytes,
    questions: Vec<QuestionForm>,
    adapter: Option<&str>,
) -> Asked {
    let (core, adapter) = (Arc::clone(core), adapter.map(str::to_owned));
    tokio::spawn(async move {
        let request = AnswerRequest::new(image, questions, core.limits())?;
        core.answer(request.with_adapter(adapter)).await
    })
}

/// A request of one free question about a photo of this width.
pub fn ask_one(core: &Arc<Core>, width: u32, prompt: &str) -> Asked {
    ask(core, photo(width), vec![free(prompt)])
}

pub async fn answered(asked: Asked) -> Result<Answered, CoreError> {
    tokio::time::timeout(PATIENCE, asked)
        .await
        .expect("it is never answered")
        .unwrap()
}

pub async fn texts(asked: Asked) -> Vec<String> {
    let answers = answered(asked).await.unwrap().answers;
    answers.into_iter().map(|answer| answer.text).collect()
}

/// The value of a counter or gauge.
pub fn metric(core: &Core, name: &str) -> u64 {
    written(core, name).parse().unwrap()
}

/// A count, or a sum that is written with a point.
pub fn figure(core: &Core, name: &str) -> f64 {
    written(core, name).parse().unwrap()
}

fn written(core: &Core, name: &str) -> String {
    let text = core.metrics().encode();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.to_owned()
}

/// Waits until the condition holds.
pub async fn eventually(condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "waited in vain");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Something that the backend waits at.
#[derive(Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    pub fn closed() -> Arc<Gate> {
        Arc::default()
    }

    pub fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }

    pub fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        let (_open, timeout) = self
            .opened
            .wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open)
            .unwrap();
        assert!(!timeout.timed_out(), "the gate was never opened");
    }
}
