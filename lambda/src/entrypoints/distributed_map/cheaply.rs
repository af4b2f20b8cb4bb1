//! The cheap way through a catalogue. Between three steps of the function AWS's batch
//! services work, for hours and at about half the price:
//!
//! | step | reads | writes | then |
//! |---|---|---|---|
//! | `questions` | photos | `questions/NAME.jsonl`, `photos/NAME.json` | Batch Transform makes `answers/NAME.jsonl.out` |
//! | `prompts` | answers | `prompts/NAME.jsonl` | Bedrock's batch inference makes `texts/JOB/NAME.jsonl.out` |
//! | `results` | texts | the results, as always | |
//!
//! NAME stands for one batch of photos and follows from them, so that a step that is
//! repeated writes the same files. Each step describes the product as always, but for
//! [`stand_ins`] in the place of endpoint and writer: so questions, prompts, checks,
//! results and records are those of every product. What a step can't do is left out, and
//! described as any other product afterwards.

mod stand_ins;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::stand_ins::{
    KnownAnswers, KnownText, NotingDescriber, NotingModel, mark_of_prompt, mark_of_questions,
};
use super::{BatchInput, ListedObject, to_upload};
use crate::adapters::bedrock::batch;
use crate::adapters::sagemaker::transform;
use crate::domain::{
    Condition, Deadline, ObjectAddress, Services, StoreError, WrittenDescription, describe_product,
    digest, is_bucket_name,
};
use crate::entrypoints::concurrently::each;
use crate::entrypoints::request_body::invalid;
use crate::entrypoints::stored::{Outcome, done_already};
use crate::entrypoints::upload::{self, Work};
use crate::entrypoints::{App, json_error};
use crate::problem::Problem;

/// The most bytes of a file that a batch service wrote: texts come with their prompts.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;
/// The digits of a record's place in its file.
const PLACE_DIGITS: usize = 5;
/// What the batch services put behind a file's name.
const OUTPUT: &str = ".jsonl.out";

/// One of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// From photos to lines for Batch Transform.
    Questions,
    /// From its answers to records for batch inference.
    Prompts,
    /// From its texts to results.
    Results,
}

/// A photo in a file of questions.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Asked {
    /// As it was listed.
    key: String,
    /// As it was listed.
    etag: Option<String>,
    /// When it was last written, as it was listed, in ms since 1970. Missing in the files of
    /// runs that began before it was kept.
    at_ms: Option<u64>,
    /// What was asked, by [`mark_of_questions`].
    questions: String,
}

/// Where a run has its files.
struct Place<'a> {
    bucket: &'a str,
    /// Ends with "/".
    run: &'a str,
}

impl Place<'_> {
    fn file(&self, folder: &str, name: &str, ending: &str) -> ObjectAddress {
        ObjectAddress {
            bucket: self.bucket.to_owned(),
            key: format!("{}{folder}/{name}{ending}", self.run),
        }
    }

    /// NAME of a file in `folder` or below it that a batch service wrote; nothing for what
    /// else it leaves there.
    fn name_of<'k>(&self, folder: &str, key: &'k str) -> Option<&'k str> {
        let path = key.strip_prefix(self.run)?.strip_prefix(folder)?;
        let (_, file) = path.rsplit_once('/')?;
        file.strip_suffix(OUTPUT)
    }
}

/// Does one step for the items of a batch: photos for `questions`, else files that a batch
/// service wrote. The answer counts what was done. An error is for the task's `Retry`.
pub(super) async fn handle(
    app: &App,
    step: Step,
    items: Vec<Value>,
    common: &BatchInput,
    deadline: Deadline,
) -> Result<Value, Problem> {
    let bucket = common.bucket.as_deref().filter(|name| is_bucket_name(name));
    let run = common.run.as_deref().filter(|run| run.ends_with('/'));
    let (Some(bucket), Some(run)) = (bucket, run) else {
        return Err(invalid(
            "a step of the cheap way needs BatchInput {\"bucket\": its name, \"run\": the prefix \
             of the run's files, which ends with \"/\"}",
        ));
    };
    let place = Place { bucket, run };
    let prefix = common
        .prefix
        .as_deref()
        .unwrap_or(&app.settings.incoming_prefix);
    let items = items
        .into_iter()
        .map(serde_json::from_value::<ListedObject>)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            let words = json_error::words(&error);
            invalid(format!("an item is no listed object: {words}"))
        })?;
    let way = Way { app, place, prefix };
    match step {
        Step::Questions => way.ask(items, deadline).await,
        Step::Prompts => way.prompt(&items, deadline).await,
        Step::Results => {
            let model = common.model.as_deref().unwrap_or("batch inference");
            way.take(&items, model, deadline).await
        }
    }
}

/// What all steps of a run share.
struct Way<'a> {
    app: &'a App,
    place: Place<'a>,
    /// What stands before the products' names in the keys of photos.
    prefix: &'a str,
}

/// What became of a photo that was to be asked about.
enum Noted {
    Line(Asked, Bytes),
    /// It is described.
    Done,
    /// It can't be asked about now.
    Left,
}

impl Way<'_> {
    async fn ask(&self, photos: Vec<ListedObject>, deadline: Deadline) -> Result<Value, Problem> {
        let name = name_of_batch(&photos);
        let count = photos.len();
        let concurrency = self.app.settings.product_concurrency;
        let noted = each(photos, concurrency, deadline, |photo, deadline| {
            self.question(photo, deadline)
        })
        .await;
        let mut asked = Vec::new();
        let mut lines: Vec<u8> = Vec::new();
        let (mut done, mut left) = (0, 0);
        for noted in noted {
            match noted? {
                Noted::Line(photo, line) => {
                    asked.push(photo);
                    lines.extend_from_slice(&line);
                    lines.push(b'\n');
                }
                Noted::Done => done += 1,
                Noted::Left => left += 1,
            }
        }
        if !asked.is_empty() {
            // What the lines are about comes first: without it their answers are of no use.
            let photos = json!(asked).to_string().into();
            let place = &self.place;
            self.put(&place.file("photos", &name, ".json"), photos, deadline)
                .await?;
            let lines = lines.into();
            self.put(&place.file("questions", &name, ".jsonl"), lines, deadline)
                .await?;
        }
        Ok(json!({"photos": count, "asked": asked.len(), "skipped": done, "left": left}))
    }

    async fn question(&self, photo: ListedObject, deadline: Deadline) -> Result<Noted, Problem> {
        let at_ms = photo.at_ms();
        let ListedObject { key, etag, .. } = photo;
        let Ok(work) = self.work(key.clone(), etag.clone(), at_ms) else {
            return Ok(Noted::Done);
        };
        if done_already(self.app, &work, deadline).await?.is_some() {
            return Ok(Noted::Done);
        }
        let model = Arc::new(NotingModel::new(self.app.services.model.clone()));
        let services = Services {
            model: model.clone(),
            ..self.app.services.clone()
        };
        let outcome = describe_product(&services, work.request, deadline).await;
        let Some(question) = model.take() else {
            let error = outcome.err().map(|error| error.to_string());
            tracing::warn!(photo = key, error, "left for later");
            return Ok(Noted::Left);
        };
        let line = transform::line(&question.photo, &question.questions);
        let asked = Asked {
            key,
            etag,
            at_ms,
            questions: mark_of_questions(&question.questions),
        };
        Ok(Noted::Line(asked, line))
    }

    async fn prompt(&self, files: &[ListedObject], deadline: Deadline) -> Result<Value, Problem> {
        let (mut photos, mut prompts) = (0, 0);
        for file in files {
            let Some(name) = self.place.name_of("answers", &file.key) else {
                continue;
            };
            let answered = self.answered(name, deadline).await?;
            photos += answered.len();
            let concurrency = self.app.settings.product_concurrency;
            let items: Vec<(usize, (Asked, String))> = answered.into_iter().enumerate().collect();
            let records = each(items, concurrency, deadline, |(index, item), deadline| {
                self.record(index, item, deadline)
            })
            .await;
            let mut lines: Vec<u8> = Vec::new();
            for record in records.into_iter().flatten() {
                prompts += 1;
                lines.extend_from_slice(&record);
                lines.push(b'\n');
            }
            if !lines.is_empty() {
                let address = self.place.file("prompts", name, ".jsonl");
                self.put(&address, lines.into(), deadline).await?;
            }
        }
        Ok(json!({"photos": photos, "prompts": prompts}))
    }

    /// The record for a product whose answers came; nothing where there is nothing to
    /// write about it.
    async fn record(
        &self,
        index: usize,
        (asked, line): (Asked, String),
        deadline: Deadline,
    ) -> Option<Bytes> {
        let work = self.work(asked.key.clone(), asked.etag, asked.at_ms).ok()?;
        let live = &self.app.services;
        let describer = Arc::new(NotingDescriber::default());
        let services = Services {
            model: Arc::new(KnownAnswers {
                otherwise: None,
                live: live.model.clone(),
                questions: asked.questions,
                line,
            }),
            describer: describer.clone(),
            ..live.clone()
        };
        let outcome = describe_product(&services, work.request, deadline).await;
        let Some(prompt) = describer.take() else {
            let error = outcome.err().map(|error| error.to_string());
            tracing::warn!(photo = asked.key, error, "left for later");
            return None;
        };
        let id = record_id(index, &mark_of_prompt(&prompt));
        Some(batch::record(&id, &prompt, &self.app.settings))
    }

    async fn take(
        &self,
        files: &[ListedObject],
        model: &str,
        deadline: Deadline,
    ) -> Result<Value, Problem> {
        let mut outcomes = Vec::new();
        for file in files {
            let Some(name) = self.place.name_of("texts", &file.key) else {
                continue;
            };
            let address = ObjectAddress {
                bucket: self.place.bucket.to_owned(),
                key: file.key.clone(),
            };
            let mut texts: HashMap<usize, (String, WrittenDescription)> = self
                .text_of(&address, deadline)
                .await?
                .lines()
                .filter_map(|line| {
                    let (id, written) = batch::read(line, model)?;
                    let (index, prompt) = read_record_id(&id)?;
                    Some((index, (prompt.to_owned(), written)))
                })
                .collect();
            let answered = self.answered(name, deadline).await?;
            let items: Vec<(Asked, String, (String, WrittenDescription))> = answered
                .into_iter()
                .enumerate()
                .filter_map(|(index, (asked, line))| Some((asked, line, texts.remove(&index)?)))
                .collect();
            let concurrency = self.app.settings.product_concurrency;
            outcomes.extend(
                each(
                    items,
                    concurrency,
                    deadline,
                    |(asked, line, text), deadline| self.result(asked, line, text, deadline),
                )
                .await,
            );
        }
        let count = |is: fn(&Result<Outcome, Problem>) -> bool| {
            outcomes.iter().filter(|outcome| is(outcome)).count()
        };
        Ok(json!({
            "texts": outcomes.len(),
            "written": count(|outcome| matches!(outcome, Ok(Outcome::Written(_)))),
            "skipped": count(|outcome| matches!(outcome, Ok(Outcome::Skipped(_)))),
            "failed": count(|outcome| matches!(outcome, Ok(Outcome::Failed { .. }) | Err(_)))
        }))
    }

    async fn result(
        &self,
        asked: Asked,
        line: String,
        (prompt, written): (String, WrittenDescription),
        deadline: Deadline,
    ) -> Result<Outcome, Problem> {
        let live = &self.app.services;
        let services = Services {
            model: Arc::new(KnownAnswers {
                otherwise: Some(live.model.clone()),
                live: live.model.clone(),
                questions: asked.questions,
                line,
            }),
            describer: Arc::new(KnownText::new(live.describer.clone(), prompt, written)),
            ..live.clone()
        };
        let app = App::new(self.app.settings.clone(), services);
        let bucket = self.place.bucket.to_owned();
        let upload = to_upload(asked.key, asked.etag, asked.at_ms, bucket);
        upload::handle(&app, upload, self.prefix, deadline).await
    }

    /// What there is to do about a photo of the run's bucket.
    fn work(
        &self,
        key: String,
        etag: Option<String>,
        at_ms: Option<u64>,
    ) -> Result<Work, &'static str> {
        let upload = to_upload(key, etag, at_ms, self.place.bucket.to_owned());
        upload::work(upload, self.prefix)
    }

    /// The photos of a batch, each with the line that answers its questions; none where
    /// not every line has its answer, which would be another's.
    async fn answered(
        &self,
        name: &str,
        deadline: Deadline,
    ) -> Result<Vec<(Asked, String)>, Problem> {
        let photos = self.place.file("photos", name, ".json");
        let text = self.text_of(&photos, deadline).await?;
        let asked: Vec<Asked> = serde_json::from_str(&text).map_err(|error| {
            let words = json_error::words(&error);
            invalid(format!("{photos} is no list of photos: {words}"))
        })?;
        let answers = self.place.file("answers", name, OUTPUT);
        let text = self.text_of(&answers, deadline).await?;
        // A line's end may come from the server and from the service that puts lines together.
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        if lines.len() != asked.len() {
            tracing::error!(%answers, lines = lines.len(), photos = asked.len(), "not a line each");
            return Ok(Vec::new());
        }
        let lines = lines.into_iter().map(str::to_owned);
        Ok(asked.into_iter().zip(lines).collect())
    }

    async fn text_of(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<String, StoreError> {
        let store = &self.app.services.store;
        let bytes = store.read(address, MAX_FILE_BYTES, deadline).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes a file, over that of an earlier try.
    async fn put(
        &self,
        address: &ObjectAddress,
        bytes: Bytes,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let store = &self.app.services.store;
        let found = store.look(address, deadline).await?;
        let condition = Condition::unchanged(found.as_ref());
        store
            .write(address, bytes, None, &condition, deadline)
            .await?;
        Ok(())
    }
}

/// What the files of a batch are called.
fn name_of_batch(photos: &[ListedObject]) -> String {
    let mut name = digest(photos.iter().map(|photo| photo.key.as_bytes()));
    name.truncate(16);
    name
}

/// A product's place in its batch, and the mark of its prompt; letters and digits alone.
fn record_id(index: usize, prompt: &str) -> String {
    format!("{index:0PLACE_DIGITS$}{prompt}")
}

fn read_record_id(id: &str) -> Option<(usize, &str)> {
    let (index, prompt) = id.split_at_checked(PLACE_DIGITS)?;
    Some((index.parse().ok()?, prompt))
}
