//! Large files, in parts. An upload that was interrupted is found again, and what it has is kept
//! where it is what the file has.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{StreamExt, TryStreamExt, stream};

use crate::aws_error;
use crate::checksum::{Algorithm, Checksum};
use crate::failure::{Exit, Failure, Outcome};
use crate::s3_location::S3Location;
use crate::upload::FileError;
use crate::upload::compare::on_a_thread;
use crate::upload::content_type;
use crate::upload::index::Entry;
use crate::upload::local_files::Stamp;
use crate::upload::objects::plain_tag;
use crate::upload::part_plan::PartPlan;
use crate::upload::send::{Item, Sender, Sent};

/// Uploads of others that can't be gone on with are aborted when they are older: they cost
/// money and nobody works on them any more.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// An upload that was begun and neither completed nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    upload_id: String,
    /// When it was begun.
    initiated: SystemTime,
    /// Whether its parts have the checksum that ours have.
    has_sha256: bool,
}

/// The unfinished uploads below a place by name, the newest first. Where S3 does not let them
/// be listed, there are none.
///
/// # Errors
/// What S3 answered otherwise.
pub async fn unfinished(
    client: &aws_sdk_s3::Client,
    place: &S3Location,
) -> Outcome<HashMap<String, Vec<Unfinished>>> {
    let mut found: HashMap<String, Vec<Unfinished>> = HashMap::new();
    let (mut key_marker, mut id_marker) = (None, None);
    loop {
        let page = client
            .list_multipart_uploads()
            .bucket(place.bucket())
            .prefix(place.prefix())
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker)
            .send()
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let failure = aws_error::failure(&format!("ListMultipartUploads {place}"), &error);
                let is_refused = failure.exit == Exit::Denied
                    || aws_error::code(&error) == Some("NotImplemented");
                if is_refused && error.as_service_error().is_some() {
                    return Ok(found);
                }
                return Err(failure);
            }
        };
        for upload in page.uploads() {
            let name = upload
                .key()
                .and_then(|key| key.strip_prefix(place.prefix()));
            let (Some(name), Some(id)) = (name, upload.upload_id()) else {
                continue;
            };
            let initiated = upload.initiated().copied().map(SystemTime::try_from);
            found.entry(name.to_owned()).or_default().push(Unfinished {
                upload_id: id.to_owned(),
                initiated: initiated
                    .and_then(Result::ok)
                    .unwrap_or(SystemTime::UNIX_EPOCH),
                has_sha256: upload.checksum_algorithm() == Some(&ChecksumAlgorithm::Sha256),
            });
        }
        key_marker = page.next_key_marker().map(str::to_owned);
        id_marker = page.next_upload_id_marker().map(str::to_owned);
        if page.is_truncated() != Some(true) || key_marker.is_none() {
            break;
        }
    }
    for uploads in found.values_mut() {
        uploads.sort_by_key(|upload| std::cmp::Reverse(upload.initiated));
    }
    Ok(found)
}

/// An upload under way.
struct Upload {
    id: String,
    plan: PartPlan,
    /// What it has from before, by part number.
    parts: HashMap<u64, Arrived>,
}

/// A part that S3 has.
struct Arrived {
    bytes: u64,
    e_tag: String,
    sha256: Option<String>,
}

/// A part of the object to be.
struct Done {
    number: u64,
    bytes: u64,
    e_tag: String,
    checksum: Checksum,
    /// Whether an earlier run had sent it.
    is_kept: bool,
}

impl Sender {
    pub(super) async fn send_in_parts(
        &self,
        item: Item<'_>,
        unfinished: &[Unfinished],
    ) -> Result<Sent, FileError> {
        let began = SystemTime::now();
        let path = item.path.to_owned();
        let (file, stamp) = on_a_thread(move || {
            let file = File::open(path)?;
            let stamp = Stamp::of(&file.metadata()?);
            Ok((Arc::new(file), stamp))
        })
        .await?;
        let upload = self.upload_of(item, stamp.bytes, unfinished).await?;
        let parts: Vec<Done> = stream::iter(1..=upload.plan.count())
            .map(|number| -> BoxFuture<'_, Result<Done, FileError>> {
                Box::pin(self.send_part(item, &file, &upload, number))
            })
            .buffered(self.options().concurrency.max(1))
            .try_collect()
            .await?;
        let after = on_a_thread(move || Ok(Stamp::of(&file.metadata()?))).await?;
        if after != stamp {
            self.abort(item.key, &upload.id).await;
            return Err(FileError::Local(
                "it was changed while it was uploaded: run the same command again".to_owned(),
            ));
        }
        let checksum = Checksum::of_checksums(
            parts.iter().map(|part| &part.checksum),
            Algorithm::Sha256,
            upload.plan.part_bytes(),
        );
        let e_tag = self
            .complete(item.key, &upload, &parts, &checksum, stamp.bytes)
            .await?;
        let kept = parts.iter().filter(|part| part.is_kept);
        Ok(Sent {
            kept_bytes: kept.map(|part| part.bytes).sum(),
            entry: Entry {
                bytes: stamp.bytes,
                e_tag,
                checksum,
                stamp: stamp.is_settled(began).then_some(stamp),
            },
        })
    }

    /// An unfinished upload that can be gone on with, or a new one. Those that can't be, and
    /// are old, are aborted.
    async fn upload_of(
        &self,
        item: Item<'_>,
        bytes: u64,
        unfinished: &[Unfinished],
    ) -> Result<Upload, FileError> {
        let mut found = None;
        for old in unfinished {
            if found.is_none() && old.has_sha256 {
                found = self.resumed(item.key, bytes, old).await?;
                if found.is_some() {
                    continue;
                }
            }
            let age = SystemTime::now().duration_since(old.initiated);
            if age.is_ok_and(|age| age > ABANDONED_AFTER) {
                self.abort(item.key, &old.upload_id).await;
            }
        }
        if let Some(upload) = found {
            return Ok(upload);
        }
        let create = self
            .client
            .create_multipart_upload()
            .bucket(&self.bucket)
            .key(item.key)
            .content_type(content_type::of_name(item.key))
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let doing = || format!("CreateMultipartUpload {}", item.key);
        let created = create
            .send()
            .await
            .map_err(|error| FileError::Remote(aws_error::failure(&doing(), &error)))?;
        let Some(id) = created.upload_id else {
            let what = format!("{}: S3 gave no id", doing());
            return Err(FileError::Remote(Failure::new(Exit::Unavailable, what)));
        };
        Ok(Upload {
            id,
            plan: PartPlan::new(bytes, self.options().part_bytes),
            parts: HashMap::new(),
        })
    }

    /// What an unfinished upload has, if its parts can be those of a file of `bytes`.
    async fn resumed(
        &self,
        key: &str,
        bytes: u64,
        old: &Unfinished,
    ) -> Result<Option<Upload>, FileError> {
        let mut listed = self
            .client
            .list_parts()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(&old.upload_id)
            .into_paginator()
            .items()
            .send();
        let mut parts = HashMap::new();
        while let Some(part) = listed.next().await {
            let part = match part {
                Ok(part) => part,
                // Ended meanwhile, or somebody else's.
                Err(error) if error.as_service_error().is_some() => return Ok(None),
                Err(error) => {
                    let failure = aws_error::failure(&format!("ListParts {key}"), &error);
                    return Err(FileError::Remote(failure));
                }
            };
            let number = part
                .part_number()
                .and_then(|number| u64::try_from(number).ok());
            let size = part.size().and_then(|size| u64::try_from(size).ok());
            if let (Some(number), Some(bytes)) = (number, size) {
                let arrived = Arrived {
                    bytes,
                    e_tag: part.e_tag().unwrap_or_default().to_owned(),
                    sha256: part.checksum_sha256().map(str::to_owned),
                };
                parts.insert(number, arrived);
            }
        }
        let sizes: Vec<(u64, u64)> = parts
            .iter()
            .map(|(number, part)| (*number, part.bytes))
            .collect();
        let plan = PartPlan::of_unfinished(bytes, self.options().part_bytes, &sizes);
        Ok(plan.map(|plan| Upload {
            id: old.upload_id.clone(),
            plan,
            parts,
        }))
    }

    async fn send_part(
        &self,
        item: Item<'_>,
        file: &Arc<File>,
        upload: &Upload,
        number: u64,
    ) -> Result<Done, FileError> {
        let (from, length) = upload.plan.range(number);
        let _turn = self.turn(length).await;
        let file = Arc::clone(file);
        let (body, checksum) = on_a_thread(move || read_part(&file, from, length)).await?;
        let base64 = checksum.base64();
        let arrived = upload.parts.get(&number);
        let kept = arrived
            .filter(|part| part.bytes == length && part.sha256.as_deref() == Some(base64.as_str()));
        let is_kept = kept.is_some();
        let e_tag = match kept {
            Some(part) => part.e_tag.clone(),
            None => {
                let sent = self
                    .client
                    .upload_part()
                    .bucket(&self.bucket)
                    .key(item.key)
                    .upload_id(&upload.id)
                    // There are at most ten thousand.
                    .part_number(i32::try_from(number).unwrap_or(i32::MAX))
                    .checksum_sha256(base64)
                    .body(ByteStream::from(body))
                    .send()
                    .await;
                let sent = sent.map_err(|error| {
                    let doing = format!("UploadPart {} of {}", number, item.key);
                    FileError::Remote(aws_error::failure(&doing, &error))
                })?;
                sent.e_tag.unwrap_or_default()
            }
        };
        self.progress.add(length);
        Ok(Done {
            number,
            bytes: length,
            e_tag,
            checksum,
            is_kept,
        })
    }

    /// Has S3 put the parts together, which it does if it has all of them as they are named
    /// here; gives the object's entity tag.
    async fn complete(
        &self,
        key: &str,
        upload: &Upload,
        parts: &[Done],
        checksum: &Checksum,
        bytes: u64,
    ) -> Result<String, FileError> {
        let completed = parts.iter().map(|part| {
            CompletedPart::builder()
                .part_number(i32::try_from(part.number).unwrap_or(i32::MAX))
                .e_tag(&part.e_tag)
                .checksum_sha256(part.checksum.base64())
                .build()
        });
        let completed = CompletedMultipartUpload::builder()
            .set_parts(Some(completed.collect()))
            .build();
        let answer = self
            .client
            .complete_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(&upload.id)
            .mpu_object_size(i64::try_from(bytes).unwrap_or(i64::MAX))
            .multipart_upload(completed)
            .send()
            .await;
        match answer {
            Ok(done) => Ok(plain_tag(done.e_tag().unwrap_or_default()).to_owned()),
            Err(error) => {
                let failure = aws_error::failure(&format!("CompleteMultipartUpload {key}"), &error);
                // An answer that was lost: the call that was made again finds no upload any more.
                let is_gone = aws_error::code(&error) == Some("NoSuchUpload");
                let made = match is_gone {
                    true => self.made(key, checksum, parts.len(), bytes).await,
                    false => None,
                };
                made.ok_or(FileError::Remote(failure))
            }
        }
    }

    /// The entity tag of the object, if it is the one that was to be made.
    async fn made(
        &self,
        key: &str,
        checksum: &Checksum,
        parts: usize,
        bytes: u64,
    ) -> Option<String> {
        let object = self
            .client
            .head_object()
            .bucket(&self.bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await
            .ok()?;
        let wanted = format!("{}-{parts}", checksum.base64());
        let is_it = object.checksum_sha256() == Some(wanted.as_str())
            && object.content_length().map(u64::try_from) == Some(Ok(bytes));
        is_it.then(|| plain_tag(object.e_tag().unwrap_or_default()).to_owned())
    }

    /// Whatever comes of it: what can't be aborted now is found by the next run.
    async fn abort(&self, key: &str, upload_id: &str) {
        let _ = self
            .client
            .abort_multipart_upload()
            .bucket(&self.bucket)
            .key(key)
            .upload_id(upload_id)
            .send()
            .await;
    }
}

fn read_part(file: &File, from: u64, length: u64) -> io::Result<(Bytes, Checksum)> {
    let length = usize::try_from(length).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, from)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                io::Error::new(error.kind(), "it became shorter while it was uploaded")
            }
            _ => error,
        })?;
    let checksum = Checksum::of(Algorithm::Sha256, &bytes);
    Ok((Bytes::from(bytes), checksum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_read_from_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "abcdef").unwrap();
        let file = File::open(&path).unwrap();
        let (bytes, checksum) = read_part(&file, 2, 3).unwrap();
        assert_eq!(bytes, "cde");
        assert_eq!(checksum, Checksum::of(Algorithm::Sha256, b"cde"));
        let error = read_part(&file, 4, 3).unwrap_err();
        assert!(error.to_string().contains("became shorter"), "{error}");
    }
}
