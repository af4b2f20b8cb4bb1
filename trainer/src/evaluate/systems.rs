//! Everybody who answers: the model, whom it is compared with, the baselines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use catalogue::Progress;
use serde::Serialize;

use super::ask::{Answerer, Collected, Endpoint, LocalModel, Reply, Wire, collect};
use super::baselines::Baselines;
use super::data::Row;
use super::inputs::Inputs;
use super::judged::{Judged, judge};
use super::neighbours::encode_neighbours;
use super::options::EvaluateArgs;

/// What kind of answerer it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The checkpoint that is evaluated.
    Model,
    /// A running model server.
    Endpoint,
    /// The checkpoint before fine-tuning.
    BeforeFineTuning,
    /// The most frequent training value of the attribute.
    Constant,
    /// The most frequent training value of the same question.
    ConstantByQuestion,
    /// The vote of the nearest training products.
    NearestNeighbours,
}

/// An answerer and what it answered.
#[derive(Debug)]
pub struct System {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where it comes from.
    pub source: String,
    /// Its replies as they were given, by item; baselines give none.
    pub replies: Vec<Option<Reply>>,
    /// Free answers by item; baselines give none.
    pub free: Option<Vec<Option<Judged>>>,
    /// Answers that are held to the vocabulary, by item.
    pub held: Vec<Option<Judged>>,
}

/// All answers.
#[derive(Debug, Default)]
pub struct Answers {
    /// The first one is what is evaluated.
    pub systems: Vec<System>,
    /// Products that somebody could not use, and why.
    pub unusable: BTreeMap<usize, String>,
    /// Training photos that can't be used, by the product's id.
    pub unusable_training: BTreeMap<String, String>,
    /// Training products that the nearest neighbours were found among.
    pub neighbours: usize,
}

/// Asks everybody. The running model server is the one that `wire` leads to, else the
/// one that the arguments name.
///
/// # Errors
/// When somebody can't be asked, or no photo can be used.
pub fn answer(
    args: &EvaluateArgs,
    inputs: &Inputs,
    wire: Option<Arc<dyn Wire>>,
    progress: &dyn Progress,
) -> Result<Answers> {
    // That nobody is there is known before the long work.
    let endpoint = reached(args, inputs, wire)?;
    let mut asking = Asking {
        args,
        inputs,
        progress,
        answers: Answers::default(),
        nearest: None,
    };
    if let Some(folder) = &args.model_dir {
        asking.checkpoint(Kind::Model, args.model_name(), folder)?;
    }
    if let Some(endpoint) = endpoint {
        asking.endpoint(endpoint)?;
    }
    if let Some(folder) = &args.before_model_dir {
        asking.checkpoint(
            Kind::BeforeFineTuning,
            "before fine-tuning".to_owned(),
            folder,
        )?;
    }
    asking.baselines();
    Ok(asking.answers)
}

fn reached(
    args: &EvaluateArgs,
    inputs: &Inputs,
    wire: Option<Arc<dyn Wire>>,
) -> Result<Option<Endpoint>> {
    let concurrency = usize::try_from(args.concurrency)?;
    let endpoint = match (wire, &args.endpoint) {
        (Some(wire), _) => Endpoint::over(wire, &inputs.vocabulary, concurrency)?,
        (None, Some(url)) => Endpoint::new(url, &inputs.vocabulary, concurrency)?,
        (None, None) => return Ok(None),
    };
    endpoint.reach()?;
    Ok(Some(endpoint))
}

struct Asking<'a> {
    args: &'a EvaluateArgs,
    inputs: &'a Inputs,
    progress: &'a dyn Progress,
    answers: Answers,
    /// The answers of the nearest neighbours, by the features of the first
    /// checkpoint.
    nearest: Option<Vec<Option<Judged>>>,
}

impl Asking<'_> {
    fn checkpoint(&mut self, kind: Kind, name: String, folder: &Path) -> Result<()> {
        let vocabulary = &self.inputs.vocabulary;
        let mut model = LocalModel::load(folder, &self.args.load_options(), vocabulary)?;
        let collected = self.ask(&mut model, &name, self.args.batch_size)?;
        if self.nearest.is_none()
            && let Some(training) = &self.inputs.training
        {
            let nearest = self.nearest_neighbours(&model, training, &collected.features)?;
            self.nearest = Some(nearest);
        }
        self.add(kind, name, folder.display().to_string(), collected);
        Ok(())
    }

    fn endpoint(&mut self, mut endpoint: Endpoint) -> Result<()> {
        let source = endpoint.name().to_owned();
        // Several rounds of requests, so that the server seldom waits for the
        // slowest of a round.
        let batch_size = self.args.batch_size.saturating_mul(self.args.concurrency);
        let collected = self.ask(&mut endpoint, "endpoint", batch_size)?;
        self.add(Kind::Endpoint, "endpoint".to_owned(), source, collected);
        Ok(())
    }

    fn ask(&self, answerer: &mut dyn Answerer, name: &str, batch_size: u64) -> Result<Collected> {
        let test = &self.inputs.test;
        self.progress
            .stage(&format!("asking: {name}"), test.products.len() as u64);
        let batch_size = usize::try_from(batch_size).unwrap_or(usize::MAX);
        let collected = collect(answerer, test, &self.args.images, batch_size, self.progress)
            .with_context(|| format!("asking {name}"))?;
        if collected.unusable.len() == test.products.len() {
            let first = collected.unusable.values().next();
            bail!(
                "none of the {} photos in {} can be used; the first: {}",
                test.products.len(),
                self.args.images.display(),
                first.map_or("", String::as_str)
            );
        }
        Ok(collected)
    }

    fn add(&mut self, kind: Kind, name: String, source: String, collected: Collected) {
        let Inputs {
            set,
            test,
            vocabulary,
            ..
        } = self.inputs;
        let (free, held) = judge(&collected.replies, test, set, vocabulary);
        self.answers.unusable.extend(collected.unusable);
        self.answers.systems.push(System {
            name,
            kind,
            source,
            replies: collected.replies,
            free: Some(free),
            held,
        });
    }

    fn nearest_neighbours(
        &mut self,
        model: &LocalModel,
        training: &[Row],
        features: &BTreeMap<usize, Vec<f32>>,
    ) -> Result<Vec<Option<Judged>>> {
        let baselines = of_training(self.inputs, training);
        // A product of the test that is in the training file as well would be
        // its own nearest neighbour.
        let test = &self.inputs.test;
        let tested: BTreeSet<&str> = test.products.iter().map(String::as_str).collect();
        let mut products = baselines.products();
        products.retain(|id| !tested.contains(id));
        let folder = self.args.training_images();
        let (neighbours, unusable) = encode_neighbours(model, &products, folder, self.progress)?;
        self.answers.unusable_training = unusable;
        self.answers.neighbours = neighbours.len();
        let k = usize::try_from(self.args.neighbours)?;
        Ok(baselines.nearest_neighbours(features, &neighbours, k))
    }

    fn baselines(&mut self) {
        let (Some(training), Some(path)) = (&self.inputs.training, &self.args.train_data) else {
            return;
        };
        let baselines = of_training(self.inputs, training);
        let mut found = vec![
            (
                Kind::Constant,
                "constant answer".to_owned(),
                baselines.constant(),
            ),
            (
                Kind::ConstantByQuestion,
                "constant answer by question".to_owned(),
                baselines.constant_by_question(),
            ),
        ];
        if let Some(nearest) = self.nearest.take() {
            let name = format!("{} nearest neighbours", self.args.neighbours);
            found.push((Kind::NearestNeighbours, name, nearest));
        }
        for (kind, name, held) in found {
            self.answers.systems.push(System {
                name,
                kind,
                source: path.display().to_string(),
                replies: Vec::new(),
                free: None,
                held,
            });
        }
    }
}

fn of_training<'a>(inputs: &'a Inputs, training: &'a [Row]) -> Baselines<'a> {
    let name = |row: &Row| inputs.set.attributes()[row.attribute].name.as_str();
    Baselines::new(&inputs.test, training, name)
}
