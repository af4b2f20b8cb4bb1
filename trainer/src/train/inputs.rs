//! What the job is given, looked at before the model is loaded: loading takes
//! minutes, and what is wrong with the rest is seen in a moment.

use std::path::{Path, PathBuf};

use anyhow::bail;
use blip2::training::Learning;

use super::classes::Classes;
use super::container::Container;
use super::data::{Example, Questions};
use super::hyperparameters::{Hyperparameters, SelectBest, Train};
use super::photos::Photos;
use super::validation::have_true_values;
use super::{initial_adapter, log};

/// The files of the contract.
pub(super) struct Inputs {
    pub(super) model_dir: PathBuf,
    pub(super) questions: Questions,
    /// Nothing where there is no such file.
    pub(super) validation: Option<Questions>,
    pub(super) photos: Photos,
    pub(super) learning: Learning,
    /// Where answers are learnt as classes.
    pub(super) classes: Option<Classes>,
}

impl Inputs {
    /// Reads all but the model and the photographs.
    ///
    /// # Errors
    /// When a channel or a file is missing or malformed, or too many photographs
    /// are missing.
    pub(super) fn read(container: &Container, settings: &Hyperparameters) -> anyhow::Result<Self> {
        let folder = container.channel("input_file")?;
        let images = container.channel("images")?;
        let model_dir = container.channel("model")?;
        let mut photos = Photos::new(&images);
        let questions = Questions::read(&folder.join(&settings.file_name), &mut photos)?;
        let validation = folder.join(&settings.validation_file_name);
        let validation = match validation.is_file() {
            true => Some(Questions::read(&validation, &mut photos)?),
            false => {
                let reason = format!("there is no {}", validation.display());
                do_without_validation(&reason, settings)?;
                None
            }
        };
        photos.look_for_files(settings.max_bad_photos)?;
        let is_classified = settings.train == Train::Sight;
        let classes = is_classified.then(|| Classes::of(questions.answers()));
        Ok(Self {
            model_dir,
            questions,
            validation,
            photos,
            learning: learning(container, settings, classes.as_ref())?,
            classes,
        })
    }
}

/// Looks whether the validation questions that are left, of the file `path`, say
/// what the job needs to know of an epoch.
///
/// # Errors
/// When they do not.
pub(super) fn check_validation(
    path: &Path,
    validation: &[Example],
    settings: &Hyperparameters,
) -> anyhow::Result<()> {
    if validation.is_empty() {
        let reason = match settings.train {
            Train::Sight => "has a photograph and an answer that is learnt",
            Train::Lora(_) | Train::All => "has a photograph",
        };
        let reason = format!("no question of {} {reason}", path.display());
        return do_without_validation(&reason, settings);
    }
    if settings.select_best == SelectBest::MacroF1 && !have_true_values(validation) {
        bail!(
            "`select-best` = `macro-f1` needs validation questions with a true value, and no \
             answer in {} is a value of the attribute that is asked for",
            path.display()
        );
    }
    Ok(())
}

fn do_without_validation(reason: &str, settings: &Hyperparameters) -> anyhow::Result<()> {
    if settings.select_best != SelectBest::None || settings.early_stopping_patience > 0 {
        bail!(
            "`select-best` and `early-stopping-patience` need validation questions, and {reason}"
        );
    }
    log(&format!("no validation: {reason}"));
    Ok(())
}

fn learning(
    container: &Container,
    settings: &Hyperparameters,
    classes: Option<&Classes>,
) -> anyhow::Result<Learning> {
    Ok(match (&settings.train, &settings.initial_adapter) {
        (Train::All, _) => Learning::All,
        (Train::Sight, _) => Learning::Sight {
            classes: classes.map_or(0, Classes::count),
        },
        (Train::Lora(config), None) => Learning::NewAdapter(config.clone(), settings.seed),
        (Train::Lora(config), Some(folder)) => {
            Learning::Adapter(initial_adapter::read(container, folder, settings, config)?)
        }
    })
}
