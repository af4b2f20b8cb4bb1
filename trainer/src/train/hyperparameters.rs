//! `hyperparameters.json`: every value a string, as SageMaker passes them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use blip2::{LoraConfig, NumberType, TargetModules};

use super::hyperparameter_values::{Values, plain, wrong};
use super::optimiser::Algorithm;
use super::schedule::Shape;
use crate::json_members::Members;

/// What learns.
#[derive(Debug, Clone, PartialEq)]
pub enum Train {
    /// Adapters.
    Lora(LoraConfig),
    /// Every weight.
    All,
    /// The weights of what sees, from answers as classes.
    Sight,
}

/// What tells which epoch's weights are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectBest {
    /// Nothing: the last epoch's are.
    None,
    /// The smallest validation loss.
    Loss,
    /// The largest macro-F1 on the validation questions, the mean over the
    /// attributes.
    MacroF1,
}

/// The job's settings, resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters {
    /// How often all questions are learnt from.
    pub epochs: u64,
    /// Questions of one pass.
    pub batch_size: usize,
    /// Passes whose gradients are added up for one step.
    pub gradient_accumulation_steps: usize,
    /// The learning rate that the schedule scales.
    pub learning_rate: f64,
    /// The questions to learn from.
    pub file_name: String,
    /// The questions to validate with.
    pub validation_file_name: String,
    /// What the model card calls the model.
    pub model_name: Option<String>,
    /// The optimiser.
    pub optimizer: Algorithm,
    /// Its weight decay.
    pub weight_decay: f64,
    /// How the learning rate changes.
    pub scheduler: Shape,
    /// The share of all steps in which it rises from 0.
    pub warmup_ratio: f64,
    /// The norm that gradients are clipped to; 0 is off.
    pub max_grad_norm: f64,
    /// The share of the label's probability that is spread over all tokens.
    pub label_smoothing: f64,
    /// What learns.
    pub train: Train,
    /// The adapter to go on from.
    pub initial_adapter: Option<PathBuf>,
    /// The number type of the frozen weights and of what is multiplied by
    /// them.
    pub precision: Option<NumberType>,
    /// Whether the order of the questions is drawn anew each epoch.
    pub shuffle: bool,
    /// Whether questions of similar length share a batch.
    pub group_by_length: bool,
    /// Whether photographs are shifted, mirrored and brightened at random;
    /// only where the model learns to see.
    pub augment: bool,
    /// Whether the Q-Former begins anew, its weights drawn from the seed.
    pub fresh_qformer: bool,
    /// What all randomness is drawn from.
    pub seed: u64,
    /// Which epoch's weights are kept.
    pub select_best: SelectBest,
    /// Epochs without an improvement after which the job ends; 0 is off.
    pub early_stopping_patience: u64,
    /// Steps in a row whose loss or gradient is no number after which the job
    /// fails.
    pub max_bad_steps: u64,
    /// The share of photographs that may be missing or unreadable.
    pub max_bad_photos: f64,
    /// How much room the image features may take on the disk, in MiB.
    pub feature_store_mib: u64,
    /// After how many steps the state is saved, besides each epoch's end.
    pub checkpoint_steps: u64,
    /// After how many steps the job ends; 0 is off.
    pub max_steps: u64,
    /// How many sample answers are printed after an epoch.
    pub sample_answers: usize,
    /// Every name with its text, given or by default. What of it holds is said by
    /// `training.json`.
    pub texts: BTreeMap<&'static str, String>,
    /// The names that were given.
    pub given: BTreeSet<&'static str>,
}

/// Every name, with the value where none is given.
const DEFAULTS: [(&str, &str); 33] = [
    ("augment", "false"),
    ("batch-size", "16"),
    ("checkpoint-steps", "200"),
    ("early-stopping-patience", "0"),
    ("epochs", "10"),
    ("feature-store-mib", "4096"),
    ("file-name", "vqa_train.csv"),
    ("fresh-qformer", "false"),
    ("gradient-accumulation-steps", "1"),
    ("group-by-length", "false"),
    ("initial-adapter", ""),
    ("label-smoothing", "0"),
    ("lora-alpha", "32"),
    ("lora-dropout", "0.05"),
    ("lora-r", "8"),
    ("lora-target-modules", "q,v"),
    ("lr", "0.0025"),
    ("max-bad-photos", "0.01"),
    ("max-bad-steps", "3"),
    ("max-grad-norm", "0"),
    ("max-steps", "0"),
    ("model-name", ""),
    ("optimizer", "adam"),
    ("precision", ""),
    ("sample-answers", "4"),
    ("scheduler", "constant"),
    ("seed", "42"),
    ("select-best", "none"),
    ("shuffle", "true"),
    ("train", "lora"),
    ("validation-file-name", "vqa_val.csv"),
    ("warmup-ratio", "0"),
    ("weight-decay", "0"),
];

/// The largest of numbers without a bound of their own: f32, in which is computed,
/// holds little more.
const LARGEST: f64 = 1e38;

/// More epochs than any job has; steps are their product with the batches.
const MOST_EPOCHS: u64 = 1_000_000;

/// More steps than any job has.
const MOST_STEPS: u64 = 1_000_000_000;

/// More questions, or passes, than memory or patience has room for at one time.
const MOST_TOGETHER: usize = 65_536;

/// A pebibyte, in MiB.
const MOST_STORE_MIB: u64 = 1 << 30;

/// What the names begin with that are about adapters.
pub(super) const OF_ADAPTERS: &str = "lora-";

/// What the model card calls the model.
pub(super) const MODEL_NAME: &str = "model-name";

/// How much room the image features may take on the disk.
pub(super) const FEATURE_STORE_MIB: &str = "feature-store-mib";

/// How many sample answers are printed after an epoch.
pub(super) const SAMPLE_ANSWERS: &str = "sample-answers";

/// The adapter to go on from.
const INITIAL_ADAPTER: &str = "initial-adapter";

/// What a file may begin with that an editor has written.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Names that SageMaker adds for itself.
const SAGEMAKER: &str = "sagemaker_";

impl Hyperparameters {
    /// Reads the file.
    ///
    /// # Errors
    /// When it is missing or malformed, has an unknown name, one twice, one without
    /// effect on what is trained, or a value out of its range; the error says which and
    /// what is allowed.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| {
            format!("the hyperparameters cannot be read from {}", path.display())
        })?;
        Self::parse(&text).with_context(|| format!("{}", path.display()))
    }

    /// Parses the file's text.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        // SageMaker writes none, but some editors do; it says nothing.
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let Members(given) =
            serde_json::from_str(text).context("it has to be a JSON object of strings")?;
        let mut values: BTreeMap<&'static str, String> = DEFAULTS
            .iter()
            .map(|&(name, value)| (name, value.to_owned()))
            .collect();
        let mut names = BTreeSet::new();
        for (name, value) in &given {
            if !names.insert(name.as_str()) {
                bail!("hyperparameter `{name}` is given more than once: keep one of them");
            }
            if name.starts_with(SAGEMAKER) {
                continue;
            }
            let Some(place) = values.get_mut(name.as_str()) else {
                let known: Vec<&str> = values.keys().copied().collect();
                bail!(
                    "unknown hyperparameter `{name}`; known are {}",
                    known.join(", ")
                );
            };
            *place = plain(name, value)?;
        }
        let known = values.keys().copied();
        let given = known.filter(|name| names.contains(name)).collect();
        Values(values).resolve(given)
    }
}

impl Values {
    fn resolve(&self, given: BTreeSet<&'static str>) -> anyhow::Result<Hyperparameters> {
        let any = || 0.0..=LARGEST;
        let train = self.train(&given)?;
        let fresh_qformer = self.flag("fresh-qformer")?;
        if fresh_qformer && matches!(train, Train::Lora(_)) {
            bail!(
                "hyperparameter `fresh-qformer` needs `train` to be `all` or `sight`: an adapter \
                 would be trained on a Q-Former that has learnt nothing"
            );
        }
        let initial_adapter = self.adapter_folder(INITIAL_ADAPTER)?;
        let best = [
            ("none", SelectBest::None),
            ("loss", SelectBest::Loss),
            ("macro-f1", SelectBest::MacroF1),
        ];
        let select_best = self.one_of("select-best", &best)?;
        if train == Train::Sight && select_best == SelectBest::MacroF1 {
            bail!(
                "hyperparameter `select-best` = `macro-f1` needs answers, which the language model \
                 does not learn with `train` = `sight`: take `loss`"
            );
        }
        // Nothing, the default, is that of the device.
        let precisions = [("f32", NumberType::F32), ("bf16", NumberType::Bf16)];
        let precision = self.optional("precision");
        let precision = precision.map(|_| self.one_of("precision", &precisions));
        let shapes = [
            ("constant", Shape::Constant),
            ("linear", Shape::Linear),
            ("cosine", Shape::Cosine),
        ];
        Ok(Hyperparameters {
            epochs: self.whole("epochs", 1..=MOST_EPOCHS)?,
            batch_size: self.whole("batch-size", 1..=MOST_TOGETHER)?,
            gradient_accumulation_steps: self
                .whole("gradient-accumulation-steps", 1..=MOST_TOGETHER)?,
            learning_rate: self.number("lr", any())?,
            file_name: self.file("file-name")?,
            validation_file_name: self.file("validation-file-name")?,
            model_name: self.optional(MODEL_NAME).map(str::to_owned),
            optimizer: self.one_of(
                "optimizer",
                &[("adam", Algorithm::Adam), ("adamw", Algorithm::AdamW)],
            )?,
            weight_decay: self.number("weight-decay", any())?,
            scheduler: self.one_of("scheduler", &shapes)?,
            warmup_ratio: self.number("warmup-ratio", 0.0..=1.0)?,
            max_grad_norm: self.number("max-grad-norm", any())?,
            label_smoothing: self.smoothing("label-smoothing")?,
            train,
            initial_adapter,
            precision: precision.transpose()?,
            shuffle: self.flag("shuffle")?,
            group_by_length: self.flag("group-by-length")?,
            augment: self.flag("augment")?,
            fresh_qformer,
            seed: self.whole("seed", 0..=u64::MAX)?,
            select_best,
            early_stopping_patience: self.whole("early-stopping-patience", 0..=MOST_EPOCHS)?,
            max_bad_steps: self.whole("max-bad-steps", 1..=MOST_STEPS)?,
            max_bad_photos: self.number("max-bad-photos", 0.0..=1.0)?,
            feature_store_mib: self.whole(FEATURE_STORE_MIB, 0..=MOST_STORE_MIB)?,
            checkpoint_steps: self.whole("checkpoint-steps", 1..=MOST_STEPS)?,
            max_steps: self.whole("max-steps", 0..=MOST_STEPS)?,
            sample_answers: self.whole(SAMPLE_ANSWERS, 0..=MOST_TOGETHER)?,
            texts: self.0.clone(),
            given,
        })
    }

    /// What learns. That something has no meaning for it is told before what is wrong
    /// with the value.
    fn train(&self, given: &BTreeSet<&'static str>) -> anyhow::Result<Train> {
        let trains = [
            ("lora", None),
            ("all", Some(Train::All)),
            ("sight", Some(Train::Sight)),
        ];
        if let Some(train) = self.one_of("train", &trains)? {
            let mut names = given.iter();
            let begins = |name: &&&str| name.starts_with(OF_ADAPTERS);
            let initial = || self.optional(INITIAL_ADAPTER).map(|_| INITIAL_ADAPTER);
            return match names.find(begins).copied().or_else(initial) {
                Some(name) => Err(of_lora_only(name)),
                None => Ok(train),
            };
        }
        let lora = LoraConfig {
            r: self.whole("lora-r", 1..=LoraConfig::MAX_R)?,
            alpha: self.number("lora-alpha", 0.0..=LARGEST)?,
            dropout: self.number("lora-dropout", 0.0..=0.99)?,
            target_modules: self.target_modules("lora-target-modules")?,
            use_rslora: false,
        };
        lora.validate()
            .context("hyperparameter `lora-target-modules`")?;
        Ok(Train::Lora(lora))
    }

    /// Names between commas, or a regular expression for the whole name of a layer:
    /// what has any sign that no name has.
    fn target_modules(&self, name: &str) -> anyhow::Result<TargetModules> {
        let text = self.text(name);
        if text.contains(['*', '(', '[', '\\', '|', '^', '$', '+', '?']) {
            return Ok(TargetModules::Pattern(text.to_owned()));
        }
        let names: Vec<String> = text
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        match names.is_empty() {
            true => Err(wrong(name, text, "names of layers or a pattern for them")),
            false => Ok(TargetModules::Names(names)),
        }
    }
}

/// The error that a setting says nothing of what is trained.
fn of_lora_only(name: &str) -> anyhow::Error {
    anyhow!(
        "hyperparameter `{name}` has a meaning with `train` = `lora` only: take it out, or change \
         `train`"
    )
}

#[cfg(test)]
mod tests;
