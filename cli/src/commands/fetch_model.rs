//! `lookbook fetch-model`: a checkpoint from the Hugging Face hub.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use futures::{StreamExt, stream};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::cache_folder::cache_folder;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::glob::Glob;
use crate::hub::download::{Came, fetch};
use crate::hub::http::Hub;
use crate::hub::listing::{HubFile, Model, list};
use crate::hub::model_id::ModelId;
use crate::hub::record::Record;
use crate::hub::selection::{are_pickled, select};
use crate::s3_location::S3Location;
use crate::terminal::table;
use crate::transfer_progress::{TransferProgress, size};
use crate::upload::local_files::Remark;
use crate::upload::send::{Item, SendOptions, Sender, patient};
use crate::upload::{objects, parts};

/// Parts of checkpoints in S3, and the size from which there are some.
const PART_BYTES: u64 = 32 << 20;

/// Parts at the same time.
const PARTS_AT_ONCE: usize = 8;

/// Where a checkpoint goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// On this machine.
    Folder(PathBuf),
    /// A bucket.
    S3(S3Location),
}

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Destination, String> {
        match text.starts_with("s3://") {
            true => text.parse().map(Destination::S3),
            false => Ok(Destination::Folder(PathBuf::from(text))),
        }
    }
}

/// What is fetched, and where to.
#[derive(Debug, Args)]
pub struct FetchModelArgs {
    /// The model's name on the hub, such as Salesforce/blip2-flan-t5-xl
    #[arg(value_name = "ID")]
    id: ModelId,
    /// A folder or s3://bucket/prefix; by default a folder of the model's name here
    #[arg(value_name = "DESTINATION")]
    to: Option<Destination>,
    /// A branch, a tag or a commit of the model
    #[arg(long, value_name = "REV", default_value = "main")]
    revision: String,
    /// The hub; a token of a user of it is taken from the variable HF_TOKEN
    #[arg(
        long,
        value_name = "URL",
        env = "HF_ENDPOINT",
        default_value = "https://huggingface.co"
    )]
    hub_url: String,
    /// Files that match, instead of those that a checkpoint needs; several may be given
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// Files at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=32))]
    concurrency: u16,
    /// Where files lie on their way to S3; by default in the user's cache. It needs room for
    /// as many of the largest as are fetched at the same time
    #[arg(long, value_name = "DIR")]
    staging: Option<PathBuf>,
}

/// What was fetched.
#[derive(Debug, Serialize)]
struct Fetched {
    model: String,
    revision: String,
    commit: String,
    place: String,
    files: Vec<FetchedFile>,
    failures: Vec<Remark>,
    seconds: f64,
}

#[derive(Debug, Serialize)]
struct FetchedFile {
    file: String,
    bytes: u64,
    checksum: String,
    came: Came,
}

/// What became of one file.
type Became<'a> = (&'a HubFile, Outcome<Came>);

/// Fetches the checkpoint.
///
/// # Errors
/// What the hub, S3 or this machine refused; what came is there for the next run.
pub async fn run(args: FetchModelArgs, context: &Context) -> Outcome {
    let began = Instant::now();
    let hub = Hub::new(&args.hub_url, std::env::var("HF_TOKEN").ok())?;
    let listing = list(&hub, &args.id, &args.revision);
    let model = context.interrupt.or(listing).await??;
    let files = select(&model.files, &args.include).map_err(|why| {
        Failure::new(
            Exit::NotFound,
            format!("model {} at revision {}: {why}", model.id, model.revision),
        )
        .next(format!(
            "--include names files; it has: {}",
            names(&model.files)
        ))
    })?;
    if args.include.is_empty() && are_pickled(&files) {
        context.terminal.say(
            "the model has PyTorch's pickled weights alone, which this project does not read: \
             load it with transformers and save it with save_pretrained",
        );
    }
    let to = match args.to {
        Some(to) => to,
        None => Destination::Folder(PathBuf::from(model.id.name())),
    };
    let at_once = usize::from(args.concurrency);
    let became = match &to {
        Destination::Folder(folder) => {
            into_folder(&hub, &model, &files, folder, at_once, context).await?
        }
        Destination::S3(place) => {
            let staging = staging(args.staging, &model)?;
            into_s3(&hub, &model, &files, place, &staging, at_once, context).await?
        }
    };
    let place = match &to {
        Destination::Folder(folder) => folder.display().to_string(),
        Destination::S3(place) => place.to_string(),
    };
    tell(&model, place, became, began, context)
}

/// Some names of a model's files.
fn names(files: &[HubFile]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<&str> = files
        .iter()
        .take(SHOWN)
        .map(|file| file.name.as_str())
        .collect();
    match files.len() > SHOWN {
        true => format!("{} and {} more", shown.join(", "), files.len() - SHOWN),
        false => shown.join(", "),
    }
}

fn total(files: &[&HubFile]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// What an interrupt ends with.
fn goes_on(failure: Failure) -> Failure {
    failure.next("the same command goes on from here")
}

async fn into_folder<'a>(
    hub: &Hub,
    model: &Model,
    files: &[&'a HubFile],
    folder: &Path,
    at_once: usize,
    context: &Context,
) -> Outcome<Vec<Became<'a>>> {
    let progress = TransferProgress::new(&context.terminal, "fetched", total(files));
    let progress = &progress;
    let fetching = stream::iter(files.iter().copied())
        .map(|file| async move {
            let to = folder.join(&file.name);
            (file, fetch(hub, model, file, &to, progress).await)
        })
        .buffer_unordered(at_once)
        .collect();
    let became = context.interrupt.or(fetching).await.map_err(goes_on);
    progress.finish();
    became
}

/// The folder through which files of a commit go to S3.
fn staging(named: Option<PathBuf>, model: &Model) -> Outcome<PathBuf> {
    let folder = match (named, cache_folder()) {
        (Some(folder), _) => folder,
        (None, Some(cache)) => cache.join("models"),
        (None, None) => {
            return Err(Failure::usage(
                "there is no home folder for files on their way to S3: name one with --staging",
            ));
        }
    };
    Ok(folder
        .join(model.id.as_str().replace('/', "--"))
        .join(&model.commit))
}

async fn into_s3<'a>(
    hub: &Hub,
    model: &Model,
    files: &[&'a HubFile],
    place: &S3Location,
    staging: &Path,
    at_once: usize,
    context: &Context,
) -> Outcome<Vec<Became<'a>>> {
    let client = &patient(&context.s3().await);
    let looking = async {
        tokio::try_join!(
            objects::list(client, place),
            Record::read(client, place),
            parts::unfinished(client, place)
        )
    };
    let (objects, record, unfinished) = context.interrupt.or(looking).await??;
    // Each byte comes and goes.
    let progress = TransferProgress::new(&context.terminal, "moved", 2 * total(files));
    let progress = &Arc::new(progress);
    let options = SendOptions {
        concurrency: PARTS_AT_ONCE,
        part_bytes: PART_BYTES,
        threshold_bytes: PART_BYTES,
    };
    let sender = &Sender::new(
        client.clone(),
        place.bucket(),
        options,
        Arc::clone(progress),
    );
    let record = &Mutex::new(record);
    let (objects, unfinished) = (&objects, &unfinished);
    let bring = |file: &'a HubFile| async move {
        if record.lock().await.has(file, objects) {
            progress.add(2 * file.bytes);
            return Ok(Came::There);
        }
        let path = staging.join(&file.name);
        // Staged whole by an earlier run, it is there and yet did not come to its place.
        let came = match fetch(hub, model, file, &path, progress).await? {
            Came::There => Came::Resumed,
            came => came,
        };
        let item = Item {
            path: &path,
            key: &place.key(&file.name),
        };
        let earlier = unfinished.get(&file.name).map_or(&[][..], Vec::as_slice);
        let sent = sender
            .send(item, file.bytes, earlier)
            .await
            .map_err(|error| Failure::from(error).during(&file.name))?;
        let mut record = record.lock().await;
        record.note(model, file, &sent.entry);
        record.write(client, place).await?;
        // One that stays is found and written over by the next run.
        let _ = fs::remove_file(&path);
        Ok::<Came, Failure>(came)
    };
    let fetching = stream::iter(files.iter().copied())
        .map(|file| async move { (file, bring(file).await) })
        .buffer_unordered(at_once)
        .collect::<Vec<Became<'a>>>();
    let became = context.interrupt.or(fetching).await.map_err(goes_on);
    progress.finish();
    let became = became?;
    // Goes where it is empty, which it is if all files came to their place.
    let _ = fs::remove_dir(staging);
    Ok(became)
}

/// Says what was fetched, and ends as what failed asks for.
fn tell(
    model: &Model,
    place: String,
    became: Vec<Became<'_>>,
    began: Instant,
    context: &Context,
) -> Outcome {
    let mut result = Fetched {
        model: model.id.to_string(),
        revision: model.revision.clone(),
        commit: model.commit.clone(),
        place,
        files: Vec::new(),
        failures: Vec::new(),
        seconds: 0.0,
    };
    let mut failures = Vec::new();
    for (file, outcome) in became {
        match outcome {
            Ok(came) => result.files.push(FetchedFile {
                file: file.name.clone(),
                bytes: file.bytes,
                checksum: file.checksum.to_string(),
                came,
            }),
            Err(failure) => {
                result.failures.push(Remark {
                    file: file.name.clone(),
                    why: failure.what.clone(),
                });
                failures.push(failure);
            }
        }
    }
    result.files.sort_by(|a, b| a.file.cmp(&b.file));
    result.seconds = began.elapsed().as_secs_f64();
    context.terminal.result(&result, || text(&result))?;
    verdict(failures, result.files.len())
}

fn text(result: &Fetched) -> String {
    let rows: Vec<[String; 3]> = result
        .files
        .iter()
        .map(|file| {
            let came = match file.came {
                Came::Fetched => "fetched",
                Came::Resumed => "fetched, from where it broke off",
                Came::There => "was there",
            };
            [file.file.clone(), size(file.bytes), came.to_owned()]
        })
        .collect();
    let mut text = format!(
        "{} at {} ({}) in {}\n",
        result.model, result.revision, result.commit, result.place
    );
    text += &table(["file", "size", ""], &rows);
    for failure in &result.failures {
        text += &format!("failed: {}\n", failure.why);
    }
    text
}

/// One kind of failure alone says how the command ends; several, or some of the files, are a
/// part.
fn verdict(failures: Vec<Failure>, fetched: usize) -> Outcome {
    let count = failures.len();
    let is_one_kind = failures.windows(2).all(|two| two[0].exit == two[1].exit);
    let Some(first) = failures.into_iter().next() else {
        return Ok(());
    };
    if count == 1 && fetched == 0 {
        return Err(first);
    }
    let exit = match fetched == 0 && is_one_kind {
        true => first.exit,
        false => Exit::Partial,
    };
    Err(Failure {
        what: format!("{count} files failed, the first one: {}", first.what),
        next_step: first.next_step,
        exit,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_a_folder_or_a_place_in_s3() {
        let folder = Destination::Folder(PathBuf::from("models/a"));
        assert_eq!("models/a".parse(), Ok(folder));
        assert!(matches!(
            "s3://bucket/models".parse(),
            Ok(Destination::S3(_))
        ));
        assert!("s3://B".parse::<Destination>().is_err());
    }

    #[test]
    fn the_exit_code_is_that_of_the_failures_where_nothing_came() {
        let denied = || Failure::new(Exit::Denied, "401").next("sign in");
        let away = || Failure::new(Exit::Unavailable, "503");
        let exit = |failures, fetched| verdict(failures, fetched).unwrap_err().exit;
        assert_eq!(exit(vec![denied(), denied()], 0), Exit::Denied);
        assert_eq!(exit(vec![denied(), away()], 0), Exit::Partial);
        assert_eq!(exit(vec![away()], 3), Exit::Partial);
        assert_eq!(exit(vec![away()], 0), Exit::Unavailable);
        assert!(verdict(Vec::new(), 3).is_ok());
    }
}
