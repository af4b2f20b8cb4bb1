//! Pictures are put into the bucket; the rest happens by itself, and their
//! descriptions appear beside them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use local_stack::Stack;
use tokio::task::JoinHandle;

use crate::function_log;
use crate::page::Picture;
use crate::photos::Photo;
use crate::product::{Outcome, Product, Way};
use crate::progress::Progress;
use crate::run::DEFAULT_CATEGORY;

/// The text is written by one model on this machine, at which several pictures
/// would only wait for each other: the times would say how long the queue is.
const AT_ONCE: usize = 1;
const POLL: Duration = Duration::from_millis(50);

/// How long a picture may take of which nothing is heard.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long a failed attempt may wait for its repetition, where nothing says
/// that there is none.
const PATIENCE_AFTER_FAILURE: Duration = Duration::from_secs(45);

/// Sends all photos and waits for each; one that fails does not stop the
/// others.
///
/// # Errors
/// When a program of the stack ends, or the bucket cannot be read.
pub async fn describe(
    stack: &mut Stack,
    photos: &[Photo],
    progress: &mut Progress,
) -> Result<Vec<Product>> {
    let mut waiting = photos.iter().enumerate();
    let mut under_way: Vec<Upload> = Vec::new();
    let mut finished: Vec<(usize, Product)> = Vec::new();
    loop {
        while under_way
            .iter()
            .filter(|upload| !upload.waits_for_retry())
            .count()
            < AT_ONCE
        {
            let Some((index, photo)) = waiting.next() else {
                break;
            };
            match Upload::start(stack, index, photo).await {
                Ok(upload) => under_way.push(upload),
                Err(error) => {
                    let product = unsent(photo, &error);
                    progress.done(&crate::summary::line(&product));
                    finished.push((index, product));
                }
            }
        }
        if under_way.is_empty() {
            break;
        }
        stack.check()?;
        let mut still = Vec::new();
        for mut upload in under_way {
            match upload.outcome(stack).await? {
                Some(outcome) => {
                    let index = upload.index;
                    let product = upload.finish(outcome).await;
                    progress.done(&crate::summary::line(&product));
                    finished.push((index, product));
                }
                None => still.push(upload),
            }
        }
        under_way = still;
        let ids: Vec<&str> = under_way
            .iter()
            .map(|upload| upload.photo.id.as_str())
            .collect();
        progress.under_way(&ids.join(", "));
        tokio::time::sleep(POLL).await;
    }
    finished.sort_by_key(|(index, _)| *index);
    Ok(finished.into_iter().map(|(_, product)| product).collect())
}

/// A picture that lies in the bucket and waits for its description.
struct Upload<'a> {
    index: usize,
    photo: &'a Photo,
    key: String,
    start: Instant,
    picture: JoinHandle<Option<Picture>>,
    failures: Vec<String>,
    last_sign: Instant,
}

impl<'a> Upload<'a> {
    async fn start(stack: &Stack, index: usize, photo: &'a Photo) -> Result<Self> {
        let bytes = tokio::fs::read(&photo.path)
            .await
            .with_context(|| format!("cannot read {}", photo.file_name()))?;
        let key = format!("incoming/{}.{}", photo.id, photo.format.extension());
        let start = Instant::now();
        stack.bucket().put(&key, bytes.clone()).await?;
        let picture = tokio::task::spawn_blocking(move || Picture::scaled(&bytes));
        let failures = Vec::new();
        Ok(Self {
            index,
            photo,
            key,
            start,
            picture,
            failures,
            last_sign: start,
        })
    }

    /// What came of it, once that is known.
    async fn outcome(&mut self, stack: &mut Stack) -> Result<Option<Outcome>> {
        let result = format!("descriptions/{}.json", self.photo.id);
        let answer = stack.bucket().get(&result).await;
        if answer.is_err() {
            // A program that has ended is the better reason.
            stack.check()?;
        }
        if let Some(answer) = answer? {
            let steps = function_log::steps(&stack.function().output(), &self.photo.id);
            return Ok(Some(Outcome::of_answer(&answer, steps)));
        }
        let log = stack.function().output();
        let failures = function_log::failures(&log, &self.key);
        if failures.len() > self.failures.len() {
            (self.failures, self.last_sign) = (failures, Instant::now());
        }
        let patience = if self.waits_for_retry() {
            PATIENCE_AFTER_FAILURE
        } else {
            PATIENCE
        };
        let is_over = self.last_sign.elapsed() >= patience
            || function_log::is_final(&log, &self.key)
            || is_given_up(&stack.local_cloud().output(), &self.key);
        if !is_over {
            return Ok(None);
        }
        let reason = self.failures.last().cloned().unwrap_or_else(|| {
            let seconds = self.start.elapsed().as_secs();
            format!("no result after {seconds} s, and the function's log has no reason")
        });
        Ok(Some(Outcome::Failed { reason }))
    }

    /// After a failed attempt, nothing happens for a while.
    fn waits_for_retry(&self) -> bool {
        !self.failures.is_empty()
    }

    async fn finish(self, outcome: Outcome) -> Product {
        Product {
            seconds: self.start.elapsed().as_secs_f64(),
            // A picture that cannot be shown is no reason to fail.
            picture: self.picture.await.ok().flatten(),
            outcome,
            ..of(self.photo)
        }
    }
}

/// Whether the local cloud has lost the event about `key` after its last retry.
fn is_given_up(log: &str, key: &str) -> bool {
    let key = format!("{key:?}");
    log.lines()
        .any(|line| line.contains("notification lost") && line.contains(&key))
}

fn unsent(photo: &Photo, error: &anyhow::Error) -> Product {
    Product {
        outcome: Outcome::Failed {
            reason: format!("{error:#}"),
        },
        ..of(photo)
    }
}

fn of(photo: &Photo) -> Product {
    Product {
        id: photo.id.clone(),
        file: photo.file_name(),
        way: Way::S3Event,
        // An S3 event says nothing of a category.
        asked_as: DEFAULT_CATEGORY.to_owned(),
        drawn: photo.drawn.clone(),
        picture: None,
        seconds: 0.0,
        outcome: Outcome::Failed {
            reason: String::new(),
        },
    }
}
