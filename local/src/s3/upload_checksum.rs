//! Checks an upload against the checksums of its headers before it is stored.
//!
//! s3s-fs compares them after it has replaced the object, so that a refused
//! upload would destroy what was there. (A checksum that trails the body is
//! still compared there.)

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, PutObjectInput, UploadPartInput};
use s3s::{S3Result, s3_error};

/// What the headers of an upload say of its body.
#[derive(Default)]
pub(super) struct Promised {
    md5: Option<String>,
    checksum: Checksum,
}

/// What a request says of its body: two inputs have fields of the same names and no type
/// in common.
macro_rules! promised {
    ($input:expr) => {
        Promised {
            md5: $input.content_md5.clone(),
            checksum: Checksum {
                checksum_crc32: $input.checksum_crc32.clone(),
                checksum_crc32c: $input.checksum_crc32c.clone(),
                checksum_crc64nvme: $input.checksum_crc64nvme.clone(),
                checksum_sha1: $input.checksum_sha1.clone(),
                checksum_sha256: $input.checksum_sha256.clone(),
                checksum_type: None,
            },
        }
    };
}

impl Promised {
    pub(super) fn of_object(input: &PutObjectInput) -> Promised {
        promised!(input)
    }

    pub(super) fn of_part(input: &UploadPartInput) -> Promised {
        promised!(input)
    }

    /// Refuses a body that is another one.
    pub(super) fn verify(&self, body: &[u8]) -> S3Result<()> {
        if let Some(promised) = &self.md5 {
            let mut md5 = Md5::new();
            md5.update(body);
            let found = STANDARD.encode(md5.finalize());
            if promised.trim() != found {
                return Err(s3_error!(
                    BadDigest,
                    "the body does not have its Content-MD5"
                ));
            }
        }
        let promised = &self.checksum;
        let mut hasher = ChecksumHasher {
            crc32: promised.checksum_crc32.as_ref().map(|_| Default::default()),
            crc32c: promised
                .checksum_crc32c
                .as_ref()
                .map(|_| Default::default()),
            sha1: promised.checksum_sha1.as_ref().map(|_| Default::default()),
            sha256: promised
                .checksum_sha256
                .as_ref()
                .map(|_| Default::default()),
            crc64nvme: promised
                .checksum_crc64nvme
                .as_ref()
                .map(|_| Default::default()),
        };
        hasher.update(body);
        let found = hasher.finalize();
        for (promised, found) in [
            (&promised.checksum_crc32, &found.checksum_crc32),
            (&promised.checksum_crc32c, &found.checksum_crc32c),
            (&promised.checksum_sha1, &found.checksum_sha1),
            (&promised.checksum_sha256, &found.checksum_sha256),
            (&promised.checksum_crc64nvme, &found.checksum_crc64nvme),
        ] {
            if promised.is_some() && promised != found {
                return Err(s3_error!(
                    BadDigest,
                    "the body does not have the checksum of its header"
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verified(input: PutObjectInput) -> bool {
        Promised::of_object(&input).verify(b"hello").is_ok()
    }

    fn upload() -> PutObjectInput {
        PutObjectInput::builder()
            .bucket("b".to_owned())
            .key("k".to_owned())
            .build()
            .unwrap()
    }

    #[test]
    fn a_body_must_be_what_its_headers_promise() {
        assert!(verified(upload()));
        let md5 = |text: &str| PutObjectInput {
            content_md5: Some(text.to_owned()),
            ..upload()
        };
        assert!(verified(md5("XUFAKrxLKna5cZ2REBfFkg==")));
        assert!(!verified(md5("AAAAAAAAAAAAAAAAAAAAAA==")));
        let crc32 = |text: &str| PutObjectInput {
            checksum_crc32: Some(text.to_owned()),
            ..upload()
        };
        assert!(verified(crc32("NhCmhg==")));
        assert!(!verified(crc32("AAAAAA==")));
    }
}
