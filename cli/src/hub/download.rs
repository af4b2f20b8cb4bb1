//! One file of a hub into a folder.
//!
//! It grows as `NAME.CHECKSUM.part` and gets its name when it has the size and the checksum that
//! the hub says. What breaks off goes on where it was, in this run or in a later one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::checksum::{Checksum, Hasher};
use crate::failure::{Exit, Failure, Outcome};
use crate::hub::http::{Hub, Refusal};
use crate::hub::listing::{HubFile, Model};
use crate::transfer_progress::TransferProgress;

/// How often a download may break off without having brought a byte.
const FRUITLESS: u32 = 5;

/// The pause after one that broke off.
const PAUSE: Duration = Duration::from_secs(1);

/// How many bytes of a file are read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// How a file came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Came {
    /// From the hub, all of it.
    Fetched,
    /// From the hub, but for what an earlier run had brought.
    Resumed,
    /// It was there.
    There,
}

/// Brings a file of a model to `to`, unless it is there.
///
/// # Errors
/// When the hub refuses or stays away, when what comes is not what it says, or when it can't be
/// written. What has come stays for the next run, unless it is wrong.
pub async fn fetch(
    hub: &Hub,
    model: &Model,
    file: &HubFile,
    to: &Path,
    progress: &TransferProgress,
) -> Outcome<Came> {
    if is_there(file, to).await? {
        progress.add(file.bytes);
        return Ok(Came::There);
    }
    let mut part = Part::open(file, to).await?;
    let is_resumed = part.written > 0;
    progress.add(part.written);
    fill(hub, model, file, &mut part, progress).await?;
    if part.is_right() {
        part.finish(to)?;
        return Ok(match is_resumed {
            true => Came::Resumed,
            false => Came::Fetched,
        });
    }
    if is_resumed {
        // What an earlier run left may be the fault: it is brought anew, once.
        progress.say(&format!(
            "{}: what had come before is wrong: anew",
            file.name
        ));
        part.restart()?;
        progress.more(file.bytes);
        fill(hub, model, file, &mut part, progress).await?;
        if part.is_right() {
            part.finish(to)?;
            return Ok(Came::Fetched);
        }
    }
    part.remove();
    Err(Failure::new(
        Exit::Failed,
        format!(
            "{}: what came is not what the hub says: its checksum is another one than {}",
            file.name,
            file.checksum.hex()
        ),
    )
    .next("run the same command again; if it stays so, something between here and the hub changes files"))
}

/// Brings what a part lacks.
async fn fill(
    hub: &Hub,
    model: &Model,
    file: &HubFile,
    part: &mut Part,
    progress: &TransferProgress,
) -> Outcome {
    let mut parts: Vec<&str> = model.id.as_str().split('/').collect();
    parts.extend(["resolve", model.commit.as_str()]);
    parts.extend(file.name.split('/'));
    let url = hub.url(&parts);
    let mut fruitless = 0;
    while part.written < file.bytes {
        let before = part.written;
        let broken = match hub.get(&url, part.written).await {
            Ok(mut answer) => {
                let range = format!("bytes {}-", part.written);
                let is_range = answer
                    .header("content-range")
                    .is_some_and(|said| said.starts_with(&range));
                let starts_at = match answer.status() {
                    206 if is_range => part.written,
                    206 => {
                        let what = format!("{url} gives another range than {range}");
                        return Err(Refusal::Unanswered(what).failure(&file.name, hub));
                    }
                    // A server that knows no ranges sends all of it.
                    _ => 0,
                };
                if starts_at != part.written {
                    progress.more(part.written);
                    part.restart()?;
                }
                loop {
                    match answer.next().await {
                        Ok(Some(piece)) => {
                            part.append(&piece)?;
                            progress.add(piece.len() as u64);
                        }
                        Ok(None) => break None,
                        Err(refusal) => break Some(refusal),
                    }
                }
            }
            // What is there is all that the hub has: the checksum tells whether it is right.
            Err(Refusal::Status { status: 416, .. }) => return Ok(()),
            Err(refusal) => return Err(refusal.failure(&file.name, hub)),
        };
        fruitless = match part.written > before {
            true => 0,
            false => fruitless + 1,
        };
        if part.written < file.bytes {
            let refusal =
                broken.unwrap_or_else(|| Refusal::Unanswered("it ended too early".to_owned()));
            if fruitless == FRUITLESS {
                return Err(refusal.failure(&file.name, hub));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Whether a file is there with the content that the hub has.
async fn is_there(file: &HubFile, to: &Path) -> Outcome<bool> {
    match fs::metadata(to) {
        Ok(found) if found.is_file() && found.len() == file.bytes => {}
        Ok(found) if found.is_dir() => {
            return Err(Failure::usage(format!(
                "{} is a folder: the model has a file of that name",
                to.display()
            )));
        }
        _ => return Ok(false),
    }
    let (hasher, path) = (file.hasher(), to.to_owned());
    let read = tokio::task::spawn_blocking(move || hash(&path, hasher)).await;
    match read {
        Ok(Ok((hasher, _))) => Ok(hasher.finish() == file.checksum),
        Ok(Err(error)) => Err(unwritable(to, &error)),
        Err(error) => Err(Failure::new(Exit::Failed, error.to_string())),
    }
}

/// A file that is growing, for this process alone.
struct Part {
    path: PathBuf,
    file: File,
    written: u64,
    bytes: u64,
    /// Of what is written.
    hasher: Hasher,
    /// Of nothing yet.
    empty: Hasher,
    expected: Checksum,
}

impl Part {
    /// What an earlier run left of it, or a new one.
    async fn open(file: &HubFile, to: &Path) -> Outcome<Part> {
        let path = part_path(file, to);
        let (empty, expected, bytes) = (file.hasher(), file.checksum.clone(), file.bytes);
        let failed = {
            let to = to.to_owned();
            move |error: io::Error| unwritable(&to, &error)
        };
        let opening = tokio::task::spawn_blocking(move || -> Outcome<Part> {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(&failed)?;
            }
            let file = File::options()
                .create(true)
                .append(true)
                .read(true)
                .open(&path)
                .map_err(&failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(Failure::usage(format!(
                        "another process is bringing {}",
                        path.display()
                    ))
                    .next("wait for it, or end it"));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            let (hasher, written) = hash(&path, empty.clone()).map_err(&failed)?;
            let mut part = Part {
                path,
                file,
                written,
                bytes,
                hasher,
                empty,
                expected,
            };
            if part.written > part.bytes {
                part.restart()?;
            }
            Ok(part)
        });
        match opening.await {
            Ok(part) => part,
            Err(error) => Err(Failure::new(Exit::Failed, error.to_string())),
        }
    }

    fn append(&mut self, piece: &[u8]) -> Outcome {
        let written = self.written + piece.len() as u64;
        if written > self.bytes {
            self.restart()?;
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "{}: more comes than the {} bytes that the hub says",
                    self.path.display(),
                    self.bytes
                ),
            ));
        }
        self.file
            .write_all(piece)
            .map_err(|error| unwritable(&self.path, &error))?;
        self.hasher.update(piece);
        self.written = written;
        Ok(())
    }

    /// As if nothing had come.
    fn restart(&mut self) -> Outcome {
        self.file
            .set_len(0)
            .map_err(|error| unwritable(&self.path, &error))?;
        self.written = 0;
        self.hasher = self.empty.clone();
        Ok(())
    }

    fn is_right(&self) -> bool {
        self.written == self.bytes && self.hasher.clone().finish() == self.expected
    }

    /// Gives it its name, once it is on the disk.
    fn finish(self, to: &Path) -> Outcome {
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, to))
            .map_err(|error| unwritable(to, &error))
    }

    fn remove(self) {
        // It is made anew by the next run where it stays.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where a file grows: what comes of another commit is not taken for its beginning.
fn part_path(file: &HubFile, to: &Path) -> PathBuf {
    let mut path = to.as_os_str().to_owned();
    path.push(format!(".{}.part", &file.checksum.hex()[..12]));
    PathBuf::from(path)
}

/// Goes on hashing with what a file has; also how many bytes that are.
fn hash(path: &Path, mut hasher: Hasher) -> io::Result<(Hasher, u64)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((hasher, bytes)),
            Ok(read) => {
                hasher.update(&buffer[..read]);
                bytes += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(
        Exit::Failed,
        format!("{} can't be written: {error}", path.display()),
    );
    match error.kind() {
        io::ErrorKind::StorageFull => {
            failure.next("make room, and run the same command again: it goes on")
        }
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Algorithm;

    fn file(content: &[u8]) -> HubFile {
        HubFile {
            name: "config.json".to_owned(),
            bytes: content.len() as u64,
            checksum: Checksum::of(Algorithm::Sha256, content),
        }
    }

    #[tokio::test]
    async fn a_part_goes_on_where_it_was_and_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("deep/config.json");
        let file = file(b"abcdef");
        let mut part = Part::open(&file, &to).await.unwrap();
        part.append(b"abc").unwrap();
        let busy = Part::open(&file, &to).await.err().unwrap();
        assert!(busy.what.contains("another process"), "{busy}");
        drop(part);
        let mut part = Part::open(&file, &to).await.unwrap();
        assert_eq!(part.written, 3);
        assert!(!part.is_right() && !to.exists());
        part.append(b"def").unwrap();
        assert!(part.is_right());
        part.finish(&to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"abcdef");
        assert!(is_there(&file, &to).await.unwrap());
        let left: Vec<_> = fs::read_dir(to.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }

    #[tokio::test]
    async fn too_much_and_wrong_content_are_not_right() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("config.json");
        let file = file(b"abc");
        let mut part = Part::open(&file, &to).await.unwrap();
        part.append(b"abX").unwrap();
        assert!(!part.is_right());
        assert!(part.append(b"d").is_err());
        assert_eq!(part.written, 0, "it begins anew");
        part.append(b"abc").unwrap();
        assert!(part.is_right());
        drop(part);
        // Longer than it may be: of something else.
        let path = part_path(&file, &to);
        fs::write(&path, "abcdef").unwrap();
        let part = Part::open(&file, &to).await.unwrap();
        assert_eq!((part.written, fs::metadata(&path).unwrap().len()), (0, 0));
        fs::write(&to, "abd").unwrap();
        assert!(!is_there(&file, &to).await.unwrap());
    }
}
