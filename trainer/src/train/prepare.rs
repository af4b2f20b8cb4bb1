//! From the contract's files to a job that can run.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use blip2::training::{Learning, Trainee};
use blip2::{Adapter, LoadOptions, NumberType};

use super::container::Container;
use super::data;
use super::feature_store::FeatureStore;
use super::hyperparameters::{Hyperparameters, SelectBest, Train};
use super::interrupt::Interrupt;
use super::job::{Job, restore};
use super::metrics::{Event, Metrics};
use super::optimiser::Optimiser;
use super::photos::Photos;
use super::sight::{Features, Pixels, Sight};
use super::state::{Checkpoints, State};
use super::{TrainArgs, fingerprint, log};

/// Loads everything, looks at the photographs, and goes on where an earlier run
/// was; `None` where the job is told to stop before it began.
///
/// # Errors
/// When a file is missing or malformed, or too many photographs cannot be used.
pub fn prepare(
    args: &TrainArgs,
    container: &Container,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Job>> {
    let settings = Hyperparameters::read(&container.hyperparameters())?;
    let questions = container.channel("input_file")?.join(&settings.file_name);
    let images = container.channel("images")?;
    let model_dir = container.channel("model")?;
    let trainee = load(args, container, &settings, &model_dir)?;
    let mut photos = Photos::new(&images);
    let mut examples = data::read(&questions, trainee.blip2(), &mut photos)?;
    let validation_file = questions.with_file_name(&settings.validation_file_name);
    let mut validation = Vec::new();
    if validation_file.is_file() {
        validation = data::read(&validation_file, trainee.blip2(), &mut photos)?;
    } else {
        let needs_it =
            settings.select_best != SelectBest::None || settings.early_stopping_patience > 0;
        if needs_it {
            bail!(
                "`select-best` and `early-stopping-patience` need validation questions, and there \
                 is no {}",
                validation_file.display()
            );
        }
        log(&format!(
            "no validation: there is no {}",
            validation_file.display()
        ));
    }
    let job = fingerprint_of_job(
        &settings,
        &trainee,
        &model_dir,
        &questions,
        &validation_file,
    )?;

    let mut sight = sight(args, container, &settings, &trainee, &model_dir)?;
    let started = std::time::Instant::now();
    sight.prepare(&mut photos, &trainee, interrupt)?;
    if interrupt.is_set() {
        return Ok(None);
    }
    photos.judge(settings.max_bad_photos, log)?;
    examples.retain(|example| !photos.is_bad(example.photo));
    validation.retain(|example| !photos.is_bad(example.photo));
    if examples.is_empty() {
        bail!("no question of {} has a photograph", questions.display());
    }
    let looked = looked(&sight, &photos, started.elapsed().as_secs_f64());

    let checkpoints = Checkpoints::open(&container.checkpoints())?;
    let parameters = trainee.parameters();
    let lengths: Vec<usize> = parameters.iter().map(|one| one.elem_count()).collect();
    let mut optimiser = Optimiser::new(settings.optimizer, settings.weight_decay, &lengths);
    let names: Vec<&str> = parameters.iter().map(|one| one.name()).collect();
    let (mut state, mut events) = (State::new(job.clone()), Vec::new());
    if let Some(checkpoint) = checkpoints.newest(&job, &names, log)? {
        restore(&trainee, &checkpoint.parameters)?;
        optimiser.steps = checkpoint.state.optimiser_steps;
        optimiser.moments = checkpoint.moments;
        (state, events) = (checkpoint.state, checkpoint.events);
        log(&format!(
            "going on after step {}, in epoch {}",
            state.step,
            state.epoch + 1
        ));
    }
    let mut metrics = Metrics::begin(&container.output_data().join("metrics.jsonl"), events)?;
    metrics.record(looked)?;
    log(&format!(
        "{} parameters learn in {} tensors",
        lengths.iter().sum::<usize>(),
        lengths.len()
    ));
    Ok(Some(Job {
        settings,
        container: container.clone(),
        trainee,
        photos,
        sight,
        examples,
        validation,
        interrupt: interrupt.clone(),
        checkpoints,
        metrics,
        state,
        optimiser,
        last_good: None,
    }))
}

fn load(
    args: &TrainArgs,
    container: &Container,
    settings: &Hyperparameters,
    model_dir: &Path,
) -> anyhow::Result<Trainee> {
    let learning = match (&settings.train, &settings.initial_adapter) {
        (Train::All, _) => Learning::All,
        (Train::Lora(config), None) => Learning::NewAdapter(config.clone(), settings.seed),
        (Train::Lora(config), Some(folder)) => {
            let folder = adapter_folder(container, folder)?;
            let mut adapter = Adapter::read(&folder)
                .with_context(|| format!("`initial-adapter` {}", folder.display()))?;
            // What it was trained with before says nothing of this job.
            adapter.config.dropout = config.dropout;
            Learning::Adapter(adapter)
        }
    };
    let device = args.device()?;
    let options = LoadOptions {
        device,
        number_type: Some(match (settings.precision, &settings.train) {
            (Some(precision), _) => precision,
            (None, Train::All) => NumberType::F32,
            (None, Train::Lora(_)) => NumberType::default_for(device),
        }),
        engine: args.engine,
        threads: args.threads,
        ..LoadOptions::default()
    };
    let trainee = Trainee::load(model_dir, &options, &learning)
        .with_context(|| format!("the model in {}", model_dir.display()))?;
    if let Some(report) = trainee.blip2().engine_report() {
        log(&format!("computing {report}"));
    }
    if settings.fresh_qformer {
        trainee.begin_qformer_anew(settings.seed)?;
        log("the Q-Former and its queries begin anew");
    }
    Ok(trainee)
}

/// A path of its own, or one within an input channel.
fn adapter_folder(container: &Container, folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    let mut parts = folder.components();
    let channel = parts
        .next()
        .and_then(|part| part.as_os_str().to_str())
        .ok_or_else(|| anyhow!("`initial-adapter` is no folder"))?;
    Ok(container.channel(channel)?.join(parts.as_path()))
}

fn sight(
    args: &TrainArgs,
    container: &Container,
    settings: &Hyperparameters,
    trainee: &Trainee,
    model_dir: &Path,
) -> anyhow::Result<Sight> {
    if trainee.learns_to_see() {
        log("what a photograph gives changes as the model learns: every step encodes its own");
        return Ok(Sight::Learnt(Pixels::new(settings.augment)));
    }
    if settings.augment {
        log("`augment` has no effect: what a photograph gives is computed once");
    }
    let config = trainee.blip2().config();
    let shape = (config.num_query_tokens, config.text_config.d_model);
    let folder = match &args.feature_store {
        Some(folder) => folder.clone(),
        None => container.checkpoints().join("features"),
    };
    let model = [
        fingerprint::of_checkpoint(model_dir)?,
        computation(trainee),
        env!("CARGO_PKG_VERSION").to_owned(),
    ]
    .join(" ");
    let limit_bytes = settings.feature_store_mib << 20;
    let store = FeatureStore::open(&folder, &model, shape.0 * shape.1, limit_bytes)?;
    Ok(Sight::Kept(Features::new(store, shape)))
}

/// What decides, beside the weights, what is computed to the last bit. The
/// number of threads does not.
pub(super) fn computation(trainee: &Trainee) -> String {
    let model = trainee.blip2();
    match model.engine_report() {
        Some(report) => format!("{} by {}", report.weights, report.engine),
        None => format!("{} on a GPU", model.number_type()),
    }
}

fn looked(sight: &Sight, photos: &Photos, seconds: f64) -> Event {
    let (mut encoded, mut from_store) = (0, 0);
    if let Sight::Kept(features) = sight {
        let counts = features.counts();
        (encoded, from_store) = (counts.encoded, counts.from_store);
        let per_photo = features.seconds_per_photo().unwrap_or(0.0);
        log(&format!(
            "image features: {from_store} of {} photographs from the store (some {:.1} s saved), \
             {encoded} encoded in {:.1} s",
            photos.len(),
            from_store as f64 * per_photo,
            counts.encoding.as_secs_f64()
        ));
    }
    Event::Photographs {
        photographs: photos.len(),
        bad: photos.bad_count(),
        encoded,
        from_store,
        seconds,
    }
}

/// What a checkpoint has to share with a job to be of use to it: all that
/// decides what the job computes.
fn fingerprint_of_job(
    settings: &Hyperparameters,
    trainee: &Trainee,
    model_dir: &Path,
    questions: &Path,
    validation: &Path,
) -> anyhow::Result<String> {
    let defaults = Hyperparameters::parse("{}")?;
    let settings = Hyperparameters {
        // What decides only how the job goes about it.
        checkpoint_steps: defaults.checkpoint_steps,
        feature_store_mib: defaults.feature_store_mib,
        max_bad_photos: defaults.max_bad_photos,
        max_bad_steps: defaults.max_bad_steps,
        model_name: defaults.model_name,
        sample_answers: defaults.sample_answers,
        texts: defaults.texts,
        ..settings.clone()
    };
    let mut texts = vec![
        format!("{settings:?}"),
        computation(trainee),
        fingerprint::of_checkpoint(model_dir)?,
        fingerprint::of_file(questions)?,
    ];
    if validation.is_file() {
        texts.push(fingerprint::of_file(validation)?);
    }
    if let Some(adapter) = trainee.adapter()? {
        let begin = adapter.layers.iter().map(|(layer, (a, _))| {
            let first: Vec<f32> = a.flatten_all()?.to_vec1()?;
            anyhow::Ok(format!("{layer} {:?}", first.iter().sum::<f32>().to_bits()))
        });
        texts.extend(begin.collect::<anyhow::Result<Vec<_>>>()?);
    }
    Ok(fingerprint::of_texts(&texts))
}
