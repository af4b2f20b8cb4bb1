//! Uploads in parts, while they are unfinished.
//!
//! `s3s-fs` keeps a part as a file and nothing of it but the bytes: it cannot say which uploads
//! there are, nor with which ETag and checksum a part came, and an upload that cannot be
//! completed is gone. Here each part has a record beside it, by which parts are listed, and by
//! which a completion is looked at before anything is put together.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Sha256};
use s3s::dto::{
    ChecksumAlgorithm, CompletedPart, ETag, ListMultipartUploadsInput, ListMultipartUploadsOutput,
    ListPartsInput, ListPartsOutput, MultipartUpload, Part, Timestamp,
};
use s3s::{S3Error, S3Result, s3_error};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::sidecars::{unfinished_upload, write_whole};

/// The smallest part that is not the last, as S3 has it.
const MIN_PART_BYTES: u64 = 5 << 20;

/// The most names of one page.
const MAX_NAMES: i32 = 1000;

/// What came with a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartRecord {
    /// Without quotes.
    pub(super) e_tag: String,
    /// In base64, where the client gave one.
    pub(super) sha256: Option<String>,
}

impl PartRecord {
    pub(super) fn new(e_tag: Option<&ETag>, sha256: Option<String>) -> PartRecord {
        PartRecord {
            e_tag: e_tag.map_or_else(String::new, |tag| tag.value().to_owned()),
            sha256,
        }
    }
}

/// A part as it lies in the folder.
#[derive(Clone, Debug)]
pub(super) struct StoredPart {
    number: i32,
    bytes: u64,
    modified: SystemTime,
    record: PartRecord,
}

/// The id of an upload that is unfinished.
///
/// # Errors
///
/// `NoSuchUpload` for every other id.
pub(super) fn check(root: &Path, upload_id: &str) -> S3Result<Uuid> {
    Uuid::parse_str(upload_id)
        .ok()
        .filter(|id| id_file(root, *id).is_file())
        .ok_or_else(|| {
            s3_error!(
                NoSuchUpload,
                "The specified upload does not exist. It may have been completed or aborted."
            )
        })
}

/// The file that `s3s-fs` makes with an upload and removes with its end.
fn id_file(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!(".upload-{id}.json"))
}

/// Files of an upload's parts begin so; an abortion by `s3s-fs` removes all that do.
fn part_prefix(id: Uuid) -> String {
    format!(".upload_id-{id}")
}

/// Keeps what came with a part.
pub(super) fn keep_record(
    root: &Path,
    id: Uuid,
    number: i32,
    record: &PartRecord,
) -> io::Result<()> {
    let name = format!("{}.record-{number}", part_prefix(id));
    write_whole(&root.join(name), &serde_json::to_vec(record)?)
}

/// Keeps which checksum an upload's parts are to have.
pub(super) fn keep_algorithm(
    root: &Path,
    id: Uuid,
    algorithm: &ChecksumAlgorithm,
) -> io::Result<()> {
    write_whole(&algorithm_file(root, id), algorithm.as_str().as_bytes())
}

fn algorithm_file(root: &Path, id: Uuid) -> PathBuf {
    root.join(format!("{}.algorithm", part_prefix(id)))
}

fn algorithm(root: &Path, id: Uuid) -> io::Result<Option<ChecksumAlgorithm>> {
    match fs::read_to_string(algorithm_file(root, id)) {
        Ok(name) => Ok(Some(ChecksumAlgorithm::from(name))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what is left of an upload that is complete.
pub(super) fn forget(root: &Path, id: Uuid) -> io::Result<()> {
    let prefix = part_prefix(id);
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// All parts that came whole, in order.
pub(super) fn parts(root: &Path, id: Uuid) -> io::Result<Vec<StoredPart>> {
    let prefix = format!("{}.record-", part_prefix(id));
    let mut parts = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&prefix));
        // A record that is being written has another ending.
        let Some(number) = number.and_then(|number| number.parse().ok()) else {
            continue;
        };
        let file = fs::metadata(root.join(format!("{}.part-{number}", part_prefix(id))))?;
        parts.push(StoredPart {
            number,
            bytes: file.len(),
            modified: file.modified()?,
            record: serde_json::from_slice(&fs::read(entry.path())?)?,
        });
    }
    parts.sort_unstable_by_key(|part| part.number);
    Ok(parts)
}

/// A page of an upload's parts.
pub(super) fn list_parts(root: &Path, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let id = check(root, &input.upload_id)?;
    let max_parts = input.max_parts.unwrap_or(MAX_NAMES).clamp(0, MAX_NAMES);
    let after = input.part_number_marker.unwrap_or_default();
    let mut rest = parts(root, id)
        .map_err(S3Error::internal_error)?
        .into_iter()
        .filter(|part| part.number > after);
    let page: Vec<StoredPart> = rest
        .by_ref()
        .take(usize::try_from(max_parts).unwrap_or_default())
        .collect();
    Ok(ListPartsOutput {
        checksum_algorithm: algorithm(root, id).map_err(S3Error::internal_error)?,
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: Some(max_parts),
        part_number_marker: input.part_number_marker,
        next_part_number_marker: page.last().map(|part| part.number),
        is_truncated: Some(rest.next().is_some()),
        parts: Some(page.into_iter().map(listed).collect()),
        ..ListPartsOutput::default()
    })
}

fn listed(part: StoredPart) -> Part {
    Part {
        part_number: Some(part.number),
        size: i64::try_from(part.bytes).ok(),
        last_modified: Some(Timestamp::from(part.modified)),
        e_tag: Some(ETag::Strong(part.record.e_tag)),
        checksum_sha256: part.record.sha256,
        ..Part::default()
    }
}

/// A page of a bucket's unfinished uploads, by key and then by id. Delimiters are left out of
/// account.
pub(super) fn list_uploads(
    root: &Path,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let max_uploads = input.max_uploads.unwrap_or(MAX_NAMES).clamp(0, MAX_NAMES);
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let all = uploads(root, &input.bucket, prefix).map_err(S3Error::internal_error)?;
    // A key marker alone leaves out all uploads of that key.
    let after = |key: &str, id: &str| match (&input.key_marker, &input.upload_id_marker) {
        (None, _) => true,
        (Some(marker), None) => key > marker.as_str(),
        (Some(marker), Some(id_marker)) => (key, id) > (marker.as_str(), id_marker.as_str()),
    };
    let mut rest = all
        .into_iter()
        .filter(|upload| after(&upload.key, &upload.id));
    let page: Vec<Unfinished> = rest
        .by_ref()
        .take(usize::try_from(max_uploads).unwrap_or_default())
        .collect();
    let is_truncated = rest.next().is_some();
    drop(rest);
    let last = page.last().filter(|_| is_truncated);
    Ok(ListMultipartUploadsOutput {
        next_key_marker: last.map(|upload| upload.key.clone()),
        next_upload_id_marker: last.map(|upload| upload.id.clone()),
        is_truncated: Some(is_truncated),
        max_uploads: Some(max_uploads),
        uploads: Some(page.into_iter().map(Unfinished::listed).collect()),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        ..ListMultipartUploadsOutput::default()
    })
}

struct Unfinished {
    key: String,
    id: String,
    initiated: SystemTime,
    algorithm: Option<ChecksumAlgorithm>,
}

impl Unfinished {
    fn listed(self) -> MultipartUpload {
        MultipartUpload {
            key: Some(self.key),
            upload_id: Some(self.id),
            initiated: Some(Timestamp::from(self.initiated)),
            checksum_algorithm: self.algorithm,
            ..MultipartUpload::default()
        }
    }
}

fn uploads(root: &Path, bucket: &str, prefix: &str) -> io::Result<Vec<Unfinished>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let upload = name
            .to_str()
            .and_then(|name| unfinished_upload(name, bucket));
        let Some((key, id)) = upload.filter(|(key, _)| key.starts_with(prefix)) else {
            continue;
        };
        match fs::metadata(id_file(root, id)) {
            Ok(file) => found.push(Unfinished {
                key,
                id: id.to_string(),
                initiated: file.modified()?,
                algorithm: algorithm(root, id)?,
            }),
            // Ended meanwhile, or left behind by an earlier version.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_unstable_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    Ok(found)
}

/// Whether an upload can be completed of these parts, before anything is done; the SHA-256 of
/// their SHA-256s, where all have one.
///
/// # Errors
///
/// What is wrong with the parts; the upload is as it was then.
pub(super) fn check_completion(
    parts: &[CompletedPart],
    stored: &[StoredPart],
    object_bytes: Option<i64>,
) -> S3Result<Option<String>> {
    let mut whole = Sha256::new();
    let mut all_have_one = true;
    let mut bytes = 0;
    let mut is_too_small = false;
    if !parts.is_sorted_by(|part, next| part.part_number < next.part_number) {
        return Err(s3_error!(
            InvalidPartOrder,
            "The list of parts was not in ascending order."
        ));
    }
    for (index, part) in parts.iter().enumerate() {
        let number = part.part_number.unwrap_or_default();
        let found = stored.iter().find(|stored| {
            stored.number == number
                && part
                    .e_tag
                    .as_ref()
                    .is_none_or(|tag| tag.value() == stored.record.e_tag)
                && (part.checksum_sha256.is_none() || part.checksum_sha256 == stored.record.sha256)
        });
        let Some(found) = found else {
            return Err(s3_error!(
                InvalidPart,
                "Part {number} could not be found, or its entity tag or checksum is another one."
            ));
        };
        if usize::try_from(number) != Ok(index + 1) {
            return Err(s3_error!(
                InvalidPart,
                "part {number} follows no part {}: this server needs all from 1 on",
                number - 1
            ));
        }
        is_too_small |= index + 1 < parts.len() && found.bytes < MIN_PART_BYTES;
        bytes += found.bytes;
        match found
            .record
            .sha256
            .as_deref()
            .map(|sum| STANDARD.decode(sum))
        {
            Some(Ok(sum)) => whole.update(&sum),
            _ => all_have_one = false,
        }
    }
    if is_too_small {
        return Err(s3_error!(
            EntityTooSmall,
            "Your proposed upload is smaller than the minimum allowed size"
        ));
    }
    if object_bytes.is_some_and(|promised| u64::try_from(promised) != Ok(bytes)) {
        return Err(s3_error!(
            InvalidRequest,
            "the parts have {bytes} bytes together, not as many as x-amz-mp-object-size says"
        ));
    }
    Ok(all_have_one.then(|| format!("{}-{}", STANDARD.encode(whole.finalize()), parts.len())))
}

#[cfg(test)]
mod tests {
    use s3s::S3ErrorCode;

    use super::*;

    fn stored(number: i32, bytes: u64) -> StoredPart {
        StoredPart {
            number,
            bytes,
            modified: SystemTime::UNIX_EPOCH,
            record: PartRecord {
                e_tag: format!("tag{number}"),
                sha256: Some(STANDARD.encode([1; 32])),
            },
        }
    }

    fn completed(number: i32) -> CompletedPart {
        CompletedPart {
            part_number: Some(number),
            e_tag: Some(ETag::Strong(format!("tag{number}"))),
            ..CompletedPart::default()
        }
    }

    #[test]
    fn an_upload_is_complete_of_its_parts_in_order_and_of_nothing_else() {
        let two = [stored(1, MIN_PART_BYTES), stored(2, 3)];
        let check = |parts: &[CompletedPart], bytes| check_completion(parts, &two, bytes);
        let all = MIN_PART_BYTES as i64 + 3;
        let whole = check(&[completed(1), completed(2)], Some(all)).unwrap();
        assert!(whole.unwrap().ends_with("-2"));

        let code = |parts: &[CompletedPart], bytes| check(parts, bytes).unwrap_err().code().clone();
        assert_eq!(
            code(&[completed(2), completed(1)], None),
            S3ErrorCode::InvalidPartOrder
        );
        assert_eq!(code(&[completed(2)], None), S3ErrorCode::InvalidPart);
        assert_eq!(
            code(&[completed(1), completed(2), completed(3)], None),
            S3ErrorCode::InvalidPart
        );
        let other_tag = CompletedPart {
            e_tag: Some(ETag::Strong("tag1".to_owned())),
            ..completed(2)
        };
        assert_eq!(
            code(&[completed(1), other_tag], None),
            S3ErrorCode::InvalidPart
        );
        let other_sum = CompletedPart {
            checksum_sha256: Some(STANDARD.encode([2; 32])),
            ..completed(2)
        };
        assert_eq!(
            code(&[completed(1), other_sum], None),
            S3ErrorCode::InvalidPart
        );
        assert_eq!(
            code(&[completed(1), completed(2)], Some(all - 1)),
            S3ErrorCode::InvalidRequest
        );
        let small = [stored(1, 3), stored(2, 3)];
        let error = check_completion(&[completed(1), completed(2)], &small, None).unwrap_err();
        assert_eq!(error.code(), &S3ErrorCode::EntityTooSmall);
    }

    #[test]
    fn records_of_parts_are_listed_and_forgotten() {
        let root = tempfile::tempdir().unwrap();
        let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        for (id, number) in [(id, 2), (id, 10), (id, 1), (other, 1)] {
            let part = root
                .path()
                .join(format!("{}.part-{number}", part_prefix(id)));
            fs::write(part, "abc").unwrap();
            keep_record(root.path(), id, number, &stored(number, 3).record).unwrap();
        }
        let numbers = |id| -> Vec<i32> {
            let parts = parts(root.path(), id).unwrap();
            parts.iter().map(|part| part.number).collect()
        };
        assert_eq!(numbers(id), [1, 2, 10]);
        forget(root.path(), id).unwrap();
        assert!(numbers(id).is_empty());
        assert_eq!(numbers(other), [1]);
        assert!(check(root.path(), "../x").is_err());
    }
}
