//! The upload of a folder, from looking at both sides to the last file.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use tokio::task::JoinSet;

use crate::failure::{Exit, Failure, Outcome};
use crate::interrupt::Interrupt;
use crate::s3_location::S3Location;
use crate::terminal::Terminal;
use crate::transfer_progress::TransferProgress;
use crate::upload::FileError;
use crate::upload::compare::{self, Asked, Compared, Glance, Look, Reason};
use crate::upload::deletion;
use crate::upload::index::{Entry, Index, IndexFile};
use crate::upload::local_files::{Filter, Folder, LocalFile, Remark, look_through};
use crate::upload::objects::{self, Listed};
use crate::upload::part_plan::PartPlan;
use crate::upload::parts::{self, Unfinished};
use crate::upload::send::{Item, SendOptions, Sender};
use crate::upload::summary::Summary;

/// After so many files in a row that S3 did not take, no more are tried.
const GIVE_UP_AFTER: usize = 16;

/// How often the index is written while files are sent, at most.
const SAVE_EVERY: Duration = Duration::from_secs(10);

/// Writing the index takes at most this part of the time.
const SAVE_SHARE: u32 = 20;

/// What is uploaded, and how.
#[derive(Debug)]
pub struct Job {
    /// The account.
    pub client: Client,
    /// The folder.
    pub folder: PathBuf,
    /// Where its files go.
    pub place: S3Location,
    /// Which of them.
    pub filter: Filter,
    /// Whether what links lead to is meant.
    pub follow_links: bool,
    /// How they are sent.
    pub send: SendOptions,
    /// Whether the index counts for nothing.
    pub verify: bool,
    /// Whether nothing is done but to look.
    pub dry_run: bool,
    /// What earlier runs knew; nothing where no index can be kept.
    pub index: Option<IndexFile>,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// What was done.
    pub summary: Summary,
    /// Objects that are of no file, by their names; known only where every file was come to
    /// and none failed.
    pub superfluous: Vec<String>,
    /// Why no more files were tried, where that was so.
    pub gave_up: Option<Failure>,
}

/// A file that is not known to be unchanged.
struct Task {
    file: LocalFile,
    work: Work,
    unfinished: Vec<Unfinished>,
}

enum Work {
    Send(Reason),
    Look(Look, Listed),
}

/// What became of it.
enum Became {
    Same(Entry),
    Sent { entry: Entry, kept_bytes: u64 },
    WouldBeSent(Reason),
}

/// What all tasks share.
struct Shared {
    sender: Sender,
    place: S3Location,
    progress: Arc<TransferProgress>,
    verify: bool,
    dry_run: bool,
}

/// Uploads what changed.
///
/// # Errors
/// When a side cannot be looked at, or the interrupt came; what had been sent until then is
/// there and known to the next run.
pub async fn upload(job: &Job, terminal: &Terminal, interrupt: &Interrupt) -> Outcome<Done> {
    let began = Instant::now();
    let (folder, objects) = interrupt.or(both_sides(job)).await??;
    let (mut index, doubt) = job
        .index
        .as_ref()
        .map_or_else(Default::default, IndexFile::read);
    if let Some(why) = doubt {
        terminal.say(format!(
            "the index of earlier uploads is left out of account: {why}; files are compared with their objects"
        ));
    }
    let mut summary = Summary {
        folder: job.folder.display().to_string(),
        place: job.place.to_string(),
        dry_run: job.dry_run,
        left_out: folder.left_out,
        failures: folder.failures,
        ..Summary::default()
    };
    let names: HashSet<&str> = folder.files.iter().map(|file| file.name.as_str()).collect();
    let mut tasks = Vec::new();
    let mut bytes = 0;
    for file in &folder.files {
        let object = objects.get(&file.name);
        let work = match compare::glance(file, object, index.get(&file.name), job.verify) {
            Glance::Same => {
                summary.unchanged.add(file.stamp.bytes);
                continue;
            }
            Glance::Upload(reason) => {
                bytes += file.stamp.bytes;
                Work::Send(reason)
            }
            Glance::Look(look) => match object {
                Some(object) => Work::Look(look, object.clone()),
                None => Work::Send(Reason::New),
            },
        };
        tasks.push(Task {
            file: file.clone(),
            work,
            unfinished: Vec::new(),
        });
    }
    let has_large = tasks
        .iter()
        .any(|task| task.file.stamp.bytes >= job.send.threshold_bytes);
    if has_large && !job.dry_run {
        let mut found = interrupt
            .or(parts::unfinished(&job.client, &job.place))
            .await??;
        for task in &mut tasks {
            task.unfinished = found.remove(&task.file.name).unwrap_or_default();
        }
    }
    let progress = Arc::new(TransferProgress::new(terminal, "uploaded", bytes));
    let shared = Arc::new(Shared {
        sender: Sender::new(
            job.client.clone(),
            job.place.bucket(),
            job.send,
            Arc::clone(&progress),
        ),
        place: job.place.clone(),
        progress: Arc::clone(&progress),
        verify: job.verify,
        dry_run: job.dry_run,
    });
    let known = index.len();
    index.retain(|name, _| names.contains(name.as_str()) || !job.filter.takes(name));
    let mut ledger = Ledger {
        is_changed: index.len() != known,
        index,
        file: job.index.as_ref().filter(|_| !job.dry_run),
        saved: Instant::now(),
        pause: SAVE_EVERY,
    };
    let ended = all(shared, tasks, &mut summary, &mut ledger, interrupt).await;
    progress.finish();
    if let Err(error) = ledger.save() {
        terminal.say(format!(
            "the index can't be written: {error}; the next upload compares all files again"
        ));
    }
    summary.seconds = began.elapsed().as_secs_f64();
    let gave_up = match ended {
        End::All => None,
        End::GaveUp(failure) => Some(failure),
        End::Interrupted => {
            terminal.say(summary.text());
            return Err(Failure::new(
                Exit::Interrupted,
                "interrupted: what was sent is there, whole",
            )
            .next("the same command goes on from here"));
        }
    };
    let is_whole = summary.failures.is_empty() && summary.not_reached == 0;
    let superfluous = match is_whole {
        true => deletion::superfluous(objects.keys(), &names, &job.filter),
        false => Vec::new(),
    };
    Ok(Done {
        summary,
        superfluous,
        gave_up,
    })
}

/// The folder's files and the bucket's objects, looked for at the same time.
async fn both_sides(job: &Job) -> Outcome<(Folder, HashMap<String, Listed>)> {
    let (folder, filter) = (job.folder.clone(), job.filter.clone());
    let (follow_links, prefix_bytes) = (job.follow_links, job.place.prefix().len());
    let looking = tokio::task::spawn_blocking(move || {
        look_through(&folder, &filter, follow_links, prefix_bytes)
    });
    let looking = async {
        looking.await.unwrap_or_else(|error| {
            Err(Failure::new(
                Exit::Failed,
                format!("the folder can't be looked through: {error}"),
            ))
        })
    };
    tokio::try_join!(looking, objects::list(&job.client, &job.place))
}

/// How the tasks ended.
enum End {
    All,
    Interrupted,
    GaveUp(Failure),
}

/// Runs all tasks, some at the same time, and notes what becomes of them.
async fn all(
    shared: Arc<Shared>,
    tasks: Vec<Task>,
    summary: &mut Summary,
    ledger: &mut Ledger<'_>,
    interrupt: &Interrupt,
) -> End {
    // More than requests, so that files are read while others are sent.
    let at_once = shared.sender.options().concurrency.max(1) * 2;
    let mut waiting = tasks.into_iter();
    let mut running = JoinSet::new();
    let mut refused_in_a_row = 0;
    loop {
        while running.len() < at_once
            && let Some(task) = waiting.next()
        {
            running.spawn(one(Arc::clone(&shared), task));
        }
        let finished = tokio::select! {
            biased;
            () = interrupt.wait() => {
                summary.not_reached = running.len() + waiting.len();
                running.shutdown().await;
                return End::Interrupted;
            }
            finished = running.join_next() => finished,
        };
        let Finished {
            file,
            is_read,
            became,
        } = match finished {
            None => return End::All,
            Some(Ok(finished)) => finished,
            Some(Err(error)) => {
                let what = format!("a file's upload ended without a result: {error}");
                return End::GaveUp(Failure::new(Exit::Failed, what));
            }
        };
        summary.read += usize::from(is_read);
        match became {
            Ok(became) => {
                refused_in_a_row = 0;
                note(&file, became, summary, ledger);
            }
            Err(error) => {
                summary.failures.push(Remark {
                    file: file.name,
                    why: error.why().to_owned(),
                });
                if let FileError::Remote(failure) = error {
                    refused_in_a_row += 1;
                    if refused_in_a_row == GIVE_UP_AFTER {
                        summary.not_reached = running.len() + waiting.len();
                        running.shutdown().await;
                        return End::GaveUp(failure);
                    }
                }
            }
        }
        ledger.save_now_and_then();
    }
}

fn note(file: &LocalFile, became: Became, summary: &mut Summary, ledger: &mut Ledger<'_>) {
    let entry = match became {
        Became::Same(entry) => {
            summary.unchanged.add(file.stamp.bytes);
            entry
        }
        Became::Sent { entry, kept_bytes } => {
            summary.uploaded.add(entry.bytes);
            summary.resumed_bytes += kept_bytes;
            entry
        }
        Became::WouldBeSent(reason) => {
            summary.uploaded.add(file.stamp.bytes);
            summary.would_upload.push(Remark {
                file: file.name.clone(),
                why: reason.name().to_owned(),
            });
            return;
        }
    };
    ledger.index.insert(file.name.clone(), entry);
    ledger.is_changed = true;
}

/// A task that has ended.
struct Finished {
    file: LocalFile,
    /// Whether the file was read to be compared.
    is_read: bool,
    became: Result<Became, FileError>,
}

async fn one(shared: Arc<Shared>, task: Task) -> Finished {
    let became = became(&shared, &task).await;
    Finished {
        is_read: matches!(task.work, Work::Look(..)),
        file: task.file,
        became,
    }
}

async fn became(shared: &Shared, task: &Task) -> Result<Became, FileError> {
    let file = &task.file;
    let key = shared.place.key(&file.name);
    let reason = match &task.work {
        Work::Send(reason) => *reason,
        Work::Look(look, object) => {
            let asked = Asked {
                client: shared.sender.client(),
                bucket: shared.place.bucket(),
                key: &key,
            };
            let plan = PartPlan::new(file.stamp.bytes, shared.sender.options().part_bytes);
            // Given back before the file is sent, which takes turns of its own.
            let turn = shared.sender.turn(0).await;
            let compared = compare::compare(
                asked,
                file,
                object,
                look.clone(),
                plan.part_bytes(),
                shared.verify,
            )
            .await?;
            drop(turn);
            match compared {
                Compared::Same(entry) => return Ok(Became::Same(entry)),
                Compared::Upload(reason) => {
                    shared.progress.more(file.stamp.bytes);
                    reason
                }
            }
        }
    };
    if shared.dry_run {
        return Ok(Became::WouldBeSent(reason));
    }
    let item = Item {
        path: &file.path,
        key: &key,
    };
    let sent = shared
        .sender
        .send(item, file.stamp.bytes, &task.unfinished)
        .await?;
    Ok(Became::Sent {
        entry: sent.entry,
        kept_bytes: sent.kept_bytes,
    })
}

/// The index while it changes.
struct Ledger<'a> {
    index: Index,
    is_changed: bool,
    /// Nothing where none is kept.
    file: Option<&'a IndexFile>,
    saved: Instant,
    pause: Duration,
}

impl Ledger<'_> {
    fn save(&mut self) -> std::io::Result<()> {
        if let Some(file) = self.file
            && self.is_changed
        {
            file.write(&self.index)?;
            self.is_changed = false;
        }
        Ok(())
    }

    /// So that a run that is killed has not been for nothing.
    fn save_now_and_then(&mut self) {
        if self.saved.elapsed() < self.pause {
            return;
        }
        let began = Instant::now();
        // That it can't be written is said at the end.
        let _ = self.save();
        self.saved = Instant::now();
        self.pause = SAVE_EVERY.max(began.elapsed() * SAVE_SHARE);
    }
}
