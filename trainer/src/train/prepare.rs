//! From the contract's files to a job that can run.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use blip2::training::{Learning, Trainee};
use blip2::{LoadOptions, NumberType};

use super::checkpoints::Checkpoints;
use super::classes::Classes;
use super::container::Container;
use super::feature_store::FeatureStore;
use super::hyperparameters::{FEATURE_STORE_MIB, Hyperparameters, Train};
use super::inputs::{Inputs, check_validation};
use super::interrupt::Interrupt;
use super::job::{Job, restore};
use super::metrics::{Event, Metrics};
use super::optimiser::Optimiser;
use super::photos::Photos;
use super::sight::{Features, Pixels, Sight};
use super::state::State;
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
    let Inputs {
        model_dir,
        questions,
        validation,
        mut photos,
        learning,
        classes,
    } = Inputs::read(container, &settings)?;
    let trainee = load(args, &settings, &model_dir, &learning)?;
    let question_files: Vec<PathBuf> = std::iter::once(&questions)
        .chain(&validation)
        .map(|file| file.path().to_owned())
        .collect();
    let mut examples = questions.examples(trainee.blip2(), &mut photos)?;
    let mut validation = match validation {
        Some(questions) => questions.examples(trainee.blip2(), &mut photos)?,
        None => Vec::new(),
    };

    let mut sight = sight(args, container, &settings, &trainee, &model_dir)?;
    let started = std::time::Instant::now();
    sight.prepare(&mut photos, &trainee, interrupt)?;
    if interrupt.is_set() {
        return Ok(None);
    }
    photos.judge(settings.max_bad_photos, log)?;
    examples.retain(|example| !photos.is_bad(example.photo));
    validation.retain(|example| !photos.is_bad(example.photo));
    if let Some(classes) = &classes {
        validation.retain(|example| classes.has(&example.answer));
        tell_of_classes(classes, &settings);
    }
    if examples.is_empty() {
        bail!(
            "no question of {} has a photograph",
            question_files[0].display()
        );
    }
    if let Some(path) = question_files.get(1) {
        check_validation(path, &validation, &settings)?;
    }
    let job = fingerprint::Job {
        settings: &settings,
        trainee: &trainee,
        model_dir: &model_dir,
        question_files: &question_files,
        photos: &photos,
    }
    .fingerprint()?;
    let looked = looked(&sight, &photos, started.elapsed().as_secs_f64());

    let checkpoints = Checkpoints::open(&container.checkpoints())?;
    let parameters = trainee.parameters();
    let lengths: Vec<usize> = parameters.iter().map(|one| one.elem_count()).collect();
    let mut optimiser = Optimiser::new(settings.optimizer, settings.weight_decay, &lengths);
    let names: Vec<&str> = parameters.iter().map(|one| one.name()).collect();
    let (mut state, mut events) = (State::new(job.clone()), Vec::new());
    let mut last_good = None;
    if let Some(checkpoint) = checkpoints.newest(&job, &names, log)? {
        checkpoints.prune(&checkpoint.state)?;
        restore(&trainee, &checkpoint.parameters)?;
        optimiser.steps = checkpoint.state.optimiser_steps;
        optimiser.moments = checkpoint.moments;
        last_good = checkpoint.last_good;
        (state, events) = (checkpoint.state, checkpoint.events);
        log(&format!(
            "going on after step {}, in epoch {}",
            state.step,
            state.epoch + 1
        ));
    }
    let mut metrics = Metrics::begin(&container.output_data().join("metrics.jsonl"), events)?;
    // A job that has ended takes no more time: this start only writes the model again.
    if !state.finished {
        metrics.record(looked)?;
    }
    log(&format!(
        "{} parameters learn in {} tensors",
        lengths.iter().sum::<usize>(),
        lengths.len()
    ));
    let mut job = Job {
        settings,
        container: container.clone(),
        trainee,
        photos,
        sight,
        examples,
        validation,
        classes,
        interrupt: interrupt.clone(),
        checkpoints,
        metrics,
        state,
        optimiser,
        last_good,
    };
    job.note_hyperparameters();
    Ok(Some(job))
}

fn load(
    args: &TrainArgs,
    settings: &Hyperparameters,
    model_dir: &Path,
    learning: &Learning,
) -> anyhow::Result<Trainee> {
    let device = args.device()?;
    let options = LoadOptions {
        device,
        number_type: Some(match (settings.precision, &settings.train) {
            (Some(precision), _) => precision,
            (None, Train::All | Train::Sight) => NumberType::F32,
            (None, Train::Lora(_)) => NumberType::default_for(device),
        }),
        engine: args.engine,
        threads: args.threads,
        ..LoadOptions::default()
    };
    let trainee = Trainee::load(model_dir, &options, learning)
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

fn tell_of_classes(classes: &Classes, settings: &Hyperparameters) {
    log(&format!(
        "what sees learns alone, to tell {} answers apart",
        classes.count()
    ));
    if settings.sample_answers > 0 {
        log("`sample-answers` has no effect: nothing learns to answer");
    }
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
        if settings.given.contains(FEATURE_STORE_MIB) {
            log(&format!(
                "`{FEATURE_STORE_MIB}` has no effect: no features are kept"
            ));
        }
        if settings.group_by_length {
            log(
                "`group-by-length` has no effect: questions about one photograph share a batch, \
                 so that it is encoded once",
            );
        }
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
