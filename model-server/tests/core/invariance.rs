//! An answer is the same alone and in any company: the small checkpoint, asked
//! by random mixes of requests at one time, with adapters and without.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use blip2::training::{Learning, Trainee};
use blip2::{GenerationParameters, LoadOptions, LoraConfig, TargetModules};
use bytes::Bytes;
use model_server::backend::{self, Backend};
use model_server::core::{
    AdapterOptions, Answer, Choices, Core, Limits, QuestionForm, Scheduling, TaskForm,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::observed::Observed;
use crate::support::{answered, ask_adapter};

const TOLERANCE: f64 = 1e-5;

/// A question that may be asked, as numbers that stand for its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asked {
    photo: usize,
    adapter: usize,
    prompt: usize,
    task: usize,
}

/// Questions about one photo to one adapter, by prompt and task.
#[derive(Clone, Debug)]
struct Request {
    photo: usize,
    adapter: usize,
    questions: Vec<(usize, usize)>,
}

/// Requests that are sent at one time.
#[derive(Clone, Debug)]
struct Mix {
    requests: Vec<Request>,
    max_batch_tokens: usize,
    keeps_features: bool,
}

const PHOTOS: [&str; 3] = ["drawn-01.jpg", "drawn-05.jpg", "drawn-09.jpg"];

const ADAPTERS: [Option<&str>; 3] = [None, Some("one"), Some("other")];

const PROMPTS: [&str; 5] = [
    "What is the fabric of the shirt in this picture?",
    "What is the sleeve length of the shirt in this picture?",
    "What is the colour of the clothing in this picture?",
    "Which?",
    "Of all the things that one could say about the garment in this picture, its collar, its \
     sleeves, its neck and its pattern, which one would a customer of a shop like to know most?",
];

fn tasks() -> Vec<TaskForm> {
    let free = |change: fn(&mut GenerationParameters)| {
        let mut parameters = GenerationParameters::default();
        change(&mut parameters);
        TaskForm::Generate(parameters)
    };
    let held = |texts: &[&str]| {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        TaskForm::Choose(Choices {
            values: texts.clone(),
            texts,
            abstain_below: Some(0.5),
        })
    };
    vec![
        free(|_| {}),
        free(|parameters| parameters.num_beams = 3),
        free(|parameters| {
            parameters.num_beams = 2;
            parameters.max_new_tokens = 6;
            parameters.repetition_penalty = 1.3;
        }),
        free(|parameters| {
            parameters.do_sample = true;
            parameters.seed = Some(7);
            parameters.temperature = 1.5;
        }),
        free(|parameters| {
            parameters.min_new_tokens = 40;
            parameters.max_new_tokens = 40;
        }),
        held(&[
            "Fabric: Cotton",
            "Fabric: Polyester",
            "Fabric: Cotton Blend",
        ]),
        held(&[
            "Sleeve Length: Long Sleeves",
            "Sleeve Length: Short Sleeves",
            "Colour: Red",
        ]),
    ]
}

fn mix() -> impl Strategy<Value = Mix> {
    let question = (0..PROMPTS.len(), 0..tasks().len());
    let questions = prop::collection::vec(question, 1..5);
    let request =
        (0..PHOTOS.len(), 0..ADAPTERS.len(), questions).prop_map(|(photo, adapter, questions)| {
            Request {
                photo,
                adapter,
                questions,
            }
        });
    (
        prop::collection::vec(request, 2..7),
        prop::sample::select(vec![150, 600, 4_096]),
        any::<bool>(),
    )
        .prop_map(|(requests, max_batch_tokens, keeps_features)| Mix {
            requests,
            max_batch_tokens,
            keeps_features,
        })
}

struct Models {
    backend: Arc<Observed>,
    photos: Vec<Bytes>,
    tasks: Vec<TaskForm>,
    /// A core that is asked one question at a time.
    quiet: Arc<Core>,
    alone: HashMap<Asked, Answer>,
    adapters: AdapterOptions,
    _folder: tempfile::TempDir,
}

/// Writes adapters for the checkpoint whose numbers are made up, but enough to
/// change what it answers.
fn write_adapters(checkpoint: &Path, folder: &Path) {
    for (number, name) in ADAPTERS.iter().flatten().enumerate() {
        let config = LoraConfig {
            r: 8,
            alpha: 16.0,
            dropout: 0.0,
            target_modules: TargetModules::Names(["q", "v"].map(str::to_owned).to_vec()),
            use_rslora: false,
        };
        let learning = Learning::NewAdapter(config, number as u64);
        let trainee = Trainee::load(checkpoint, &LoadOptions::default(), &learning).unwrap();
        for parameter in trainee.parameters() {
            let change = |values: &mut [f32]| {
                for (at, value) in values.iter_mut().enumerate() {
                    *value += 0.03 * ((at + number) as f32 * 1.3).sin();
                }
            };
            parameter.update(change).unwrap();
        }
        let folder = folder.join(name);
        std::fs::create_dir(&folder).unwrap();
        trainee.adapter().unwrap().unwrap().write(&folder).unwrap();
    }
}

impl Models {
    fn load() -> Models {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        let checkpoint = root.join("models/blip2-mini");
        let backend = backend::load(&checkpoint, &LoadOptions::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_adapters(&checkpoint, folder.path());
        let adapters = AdapterOptions {
            folder: folder.path().to_owned(),
            max_bytes: 1 << 30,
        };
        let read = |name: &str| {
            Bytes::from(std::fs::read(Path::new(&root).join("samples").join(name)).unwrap())
        };
        let quiet = Core::start(
            Arc::clone(&backend),
            Limits::default(),
            Scheduling::default(),
        );
        Models {
            backend: Observed::new(backend),
            photos: PHOTOS.iter().map(|name| read(name)).collect(),
            tasks: tasks(),
            quiet: Arc::new(quiet.unwrap().with_adapters(adapters.clone())),
            alone: HashMap::new(),
            adapters,
            _folder: folder,
        }
    }

    fn question(&self, asked: Asked) -> QuestionForm {
        QuestionForm {
            prompt: PROMPTS[asked.prompt].to_owned(),
            task: self.tasks[asked.task].clone(),
        }
    }

    async fn alone(&mut self, asked: Asked) -> Answer {
        if !self.alone.contains_key(&asked) {
            let photo = self.photos[asked.photo].clone();
            let question = vec![self.question(asked)];
            let request = ask_adapter(&self.quiet, photo, question, ADAPTERS[asked.adapter]);
            let answer = answered(request).await.unwrap().answers.remove(0);
            self.alone.insert(asked, answer);
        }
        self.alone[&asked].clone()
    }

    async fn check(&mut self, mix: &Mix) -> Result<(), TestCaseError> {
        let scheduling = Scheduling {
            max_batch_tokens: mix.max_batch_tokens,
            max_wait: Duration::from_millis(20),
            image_cache_bytes: if mix.keeps_features { 1 << 20 } else { 0 },
        };
        let backend: Arc<dyn Backend> = Arc::<Observed>::clone(&self.backend);
        let core = Core::start(backend, Limits::default(), scheduling).unwrap();
        let core = Arc::new(core.with_adapters(self.adapters.clone()));
        let running: Vec<_> = mix
            .requests
            .iter()
            .map(|request| {
                let Request {
                    photo,
                    adapter,
                    questions,
                } = request;
                let asked: Vec<Asked> = questions
                    .iter()
                    .map(|&(prompt, task)| Asked {
                        photo: *photo,
                        adapter: *adapter,
                        prompt,
                        task,
                    })
                    .collect();
                let forms = asked.iter().map(|&one| self.question(one)).collect();
                let photo = self.photos[*photo].clone();
                (asked, ask_adapter(&core, photo, forms, ADAPTERS[*adapter]))
            })
            .collect();
        for (questions, request) in running {
            let answers = answered(request).await.unwrap().answers;
            prop_assert_eq!(answers.len(), questions.len());
            for (asked, answer) in questions.into_iter().zip(answers) {
                same(&answer, &self.alone(asked).await, asked)?;
            }
        }
        Ok(())
    }
}

fn same(answer: &Answer, alone: &Answer, asked: Asked) -> Result<(), TestCaseError> {
    let close = |one: f64, other: f64| (one - other).abs() <= TOLERANCE;
    prop_assert_eq!(&answer.text, &alone.text, "{:?}", asked);
    prop_assert_eq!(answer.generated_tokens, alone.generated_tokens);
    prop_assert_eq!(answer.abstained, alone.abstained);
    prop_assert!(
        close(answer.confidence, alone.confidence),
        "{asked:?}: {answer:?} {alone:?}"
    );
    let pairs = answer
        .choices
        .iter()
        .flatten()
        .zip(alone.choices.iter().flatten());
    for ((value, probability), (expected, expected_probability)) in pairs {
        prop_assert_eq!(value, expected);
        prop_assert!(
            close(*probability, *expected_probability),
            "{asked:?}: {value}"
        );
    }
    Ok(())
}

#[test]
fn answers_are_the_same_alone_and_in_any_company() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let models = {
        let _context = runtime.enter();
        std::cell::RefCell::new(Models::load())
    };
    let config = Config {
        cases: 32,
        max_shrink_iters: 32,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&mix(), |mix| {
            runtime.block_on(models.borrow_mut().check(&mix))
        })
        .unwrap();
    // There was company to be invariant in.
    let backend = &models.borrow().backend;
    assert!(backend.of_several_photos.load(Ordering::SeqCst) > 0);
    assert!(backend.of_both_kinds.load(Ordering::SeqCst) > 0);
    assert!(backend.of_several_adapters.load(Ordering::SeqCst) > 0);
}
