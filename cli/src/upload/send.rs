//! One file into S3.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::aws_error;
use crate::checksum::{Algorithm, Checksum};
use crate::transfer_progress::TransferProgress;
use crate::upload::FileError;
use crate::upload::compare::on_a_thread;
use crate::upload::content_type;
use crate::upload::index::Entry;
use crate::upload::local_files::Stamp;
use crate::upload::objects::plain_tag;
use crate::upload::parts::Unfinished;

/// The most memory for contents that are under way, in KiB.
const MEMORY_KIB: u32 = 256 << 10;

/// How often a small file is read that changes while it is.
const READS: usize = 3;

/// How often a request is made, at most, before it has failed.
const ATTEMPTS: u32 = 6;

/// A client that tries longer than usual: of ten thousand requests some fail.
#[must_use]
pub fn patient(client: &Client) -> Client {
    let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
    let config = client.config().to_builder().retry_config(retries).build();
    Client::from_conf(config)
}

/// How files are sent.
#[derive(Clone, Copy, Debug)]
pub struct SendOptions {
    /// Requests at the same time, one at least.
    pub concurrency: usize,
    /// The size of parts, in bytes.
    pub part_bytes: u64,
    /// Files of this size and larger ones are sent in parts.
    pub threshold_bytes: u64,
}

/// Sends files to a bucket, several at the same time.
#[derive(Debug)]
pub struct Sender {
    pub(super) client: Client,
    pub(super) bucket: String,
    pub(super) options: SendOptions,
    pub(super) progress: Arc<TransferProgress>,
    requests: Semaphore,
    memory: Semaphore,
}

/// What is sent where.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// The file.
    pub path: &'a Path,
    /// The object.
    pub key: &'a str,
}

/// An object that is there now.
#[derive(Debug)]
pub struct Sent {
    /// What an index is to say of it.
    pub entry: Entry,
    /// How much of it an earlier run had sent.
    pub kept_bytes: u64,
}

/// What a request takes while it is under way.
pub(super) struct Turn<'a> {
    _request: Option<SemaphorePermit<'a>>,
    _memory: Option<SemaphorePermit<'a>>,
}

impl Sender {
    /// A sender that tells `progress` of every byte that S3 has.
    #[must_use]
    pub fn new(
        client: Client,
        bucket: &str,
        options: SendOptions,
        progress: Arc<TransferProgress>,
    ) -> Sender {
        Sender {
            client,
            bucket: bucket.to_owned(),
            requests: Semaphore::new(options.concurrency.max(1)),
            memory: Semaphore::new(MEMORY_KIB as usize),
            options,
            progress,
        }
    }

    /// The requests go to this client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How files are sent.
    #[must_use]
    pub fn options(&self) -> SendOptions {
        self.options
    }

    /// Sends a file of about `bytes` bytes; `unfinished` are the uploads of this key that
    /// earlier runs left. The object is there when this returns, and whole.
    ///
    /// # Errors
    /// When the file can't be read or changes meanwhile, or when S3 takes it not. What was
    /// there before is there then, and parts that arrived stay for the next run.
    pub async fn send(
        &self,
        item: Item<'_>,
        bytes: u64,
        unfinished: &[Unfinished],
    ) -> Result<Sent, FileError> {
        match bytes < self.options.threshold_bytes {
            true => self.send_whole(item, bytes).await,
            false => self.send_in_parts(item, unfinished).await,
        }
    }

    async fn send_whole(&self, item: Item<'_>, bytes: u64) -> Result<Sent, FileError> {
        let _turn = self.turn(bytes).await;
        let path = item.path.to_owned();
        let content = on_a_thread(move || Content::read(&path)).await?;
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(item.key)
            .content_type(content_type::of_name(item.key))
            .checksum_sha256(content.checksum.base64())
            .body(ByteStream::from(content.bytes.clone()));
        let stored = put.send().await.map_err(|error| {
            let doing = format!("PutObject {}", item.key);
            FileError::Remote(aws_error::failure(&doing, &error))
        })?;
        let bytes = content.bytes.len() as u64;
        self.progress.add(bytes);
        Ok(Sent {
            entry: Entry {
                bytes,
                e_tag: plain_tag(stored.e_tag().unwrap_or_default()).to_owned(),
                checksum: content.checksum,
                stamp: content.stamp,
            },
            kept_bytes: 0,
        })
    }

    /// Waits until a request with so many bytes may begin.
    pub(super) async fn turn(&self, bytes: u64) -> Turn<'_> {
        // A body larger than all the memory has it alone.
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(MEMORY_KIB);
        // Neither is ever closed.
        let request = self.requests.acquire().await.ok();
        let memory = self.memory.acquire_many(kib.min(MEMORY_KIB)).await.ok();
        Turn {
            _request: request,
            _memory: memory,
        }
    }
}

/// A small file in memory.
struct Content {
    bytes: Bytes,
    checksum: Checksum,
    /// Where the file can't change again without another one.
    stamp: Option<Stamp>,
}

impl Content {
    /// Reads a file that does not change meanwhile.
    fn read(path: &Path) -> io::Result<Content> {
        for _ in 0..READS {
            let began = SystemTime::now();
            let mut file = File::open(path)?;
            let before = Stamp::of(&file.metadata()?);
            let mut bytes = Vec::with_capacity(usize::try_from(before.bytes).unwrap_or_default());
            file.read_to_end(&mut bytes)?;
            let is_still = before == Stamp::of(&file.metadata()?);
            if is_still && bytes.len() as u64 == before.bytes {
                return Ok(Content {
                    checksum: Checksum::of(Algorithm::Sha256, &bytes),
                    bytes: Bytes::from(bytes),
                    stamp: before.is_settled(began).then_some(before),
                });
            }
        }
        Err(io::Error::other(
            "it changes while it is read: run the same command again when nobody writes it",
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_file_is_read_whole_with_its_checksum() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abc").unwrap();
        let content = Content::read(&path).unwrap();
        assert_eq!(content.bytes, "abc");
        assert_eq!(content.checksum, Checksum::of(Algorithm::Sha256, b"abc"));
        assert_eq!(content.stamp, None, "it was written just now");
        assert!(Content::read(&folder.path().join("nothing")).is_err());
    }

    #[test]
    fn a_file_that_somebody_writes_is_not_sent_half() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        let ended = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                use std::io::Write;
                let mut file = File::options().append(true).open(&path).unwrap();
                while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                    file.write_all(b"more").unwrap();
                }
            });
            // Either it is told, or what was read is what the file had at some moment.
            for _ in 0..20 {
                match Content::read(&path) {
                    Ok(content) => assert_eq!(content.bytes.len() % 4, 0),
                    Err(error) => assert!(error.to_string().contains("changes while")),
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            ended.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
