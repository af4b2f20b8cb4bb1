//! Checksums by which a file is compared with an object in S3, or with what a hub says of it.
//!
//! S3 gives an object one of its whole content, or one of its parts: the checksum of the parts'
//! checksums, one after the other. Which it is, and of which parts, belongs to the checksum.

mod text;

use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};

use self::text::{from_hex, to_hex};

/// How many bytes are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// S3's entity tags.
    Md5,
    /// What is sent with every upload, and large files of a hub.
    Sha256,
    /// The rest of a hub's files, as git has them.
    Sha1,
}

impl Algorithm {
    fn bytes(self) -> usize {
        match self {
            Algorithm::Md5 => 16,
            Algorithm::Sha256 => 32,
            Algorithm::Sha1 => 20,
        }
    }
}

/// A checksum that is being computed.
#[derive(Clone, Debug)]
enum Running {
    Md5(Md5),
    Sha256(Sha256),
    Sha1(Sha1),
}

impl Running {
    fn new(algorithm: Algorithm) -> Running {
        match algorithm {
            Algorithm::Md5 => Running::Md5(Md5::new()),
            Algorithm::Sha256 => Running::Sha256(Sha256::new()),
            Algorithm::Sha1 => Running::Sha1(Sha1::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Running::Md5(running) => running.update(bytes),
            Running::Sha256(running) => running.update(bytes),
            Running::Sha1(running) => running.update(bytes),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            Running::Md5(running) => running.finalize().to_vec(),
            Running::Sha256(running) => running.finalize().to_vec(),
            Running::Sha1(running) => running.finalize().to_vec(),
        }
    }
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// Of what kind it is.
    pub algorithm: Algorithm,
    /// The size of every part but the last, in bytes; nothing for the content as one.
    pub part_bytes: Option<u64>,
}

impl Scheme {
    /// Of the content as one.
    #[must_use]
    pub fn whole(algorithm: Algorithm) -> Scheme {
        Scheme {
            algorithm,
            part_bytes: None,
        }
    }

    /// Of the checksums of parts.
    #[must_use]
    pub fn of_parts(algorithm: Algorithm, part_bytes: u64) -> Scheme {
        Scheme {
            algorithm,
            part_bytes: Some(part_bytes),
        }
    }
}

/// A checksum, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Checksum {
    /// How it is computed.
    pub scheme: Scheme,
    digest: Vec<u8>,
}

impl Checksum {
    /// Of bytes in memory, as one.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Checksum {
        let mut hasher = Hasher::new(Scheme::whole(algorithm));
        hasher.update(bytes);
        hasher.finish()
    }

    /// Of all that a reader gives.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of_reader(mut reader: impl Read, scheme: Scheme) -> io::Result<Checksum> {
        let mut hasher = Hasher::new(scheme);
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(read) => hasher.update(&buffer[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What an object's entity tag says of its content of `bytes` bytes, if it is the MD5 of
    /// the content or of parts of `part_bytes`. It need not be: encryption by KMS gives others.
    #[must_use]
    pub fn of_e_tag(e_tag: &str, bytes: u64, part_bytes: u64) -> Option<Checksum> {
        let digest = |text: &str| from_hex(text).filter(|digest| digest.len() == 16);
        in_parts(
            e_tag.trim_matches('"'),
            bytes,
            part_bytes,
            Algorithm::Md5,
            digest,
        )
    }

    /// What S3 gives as an object's SHA-256, in base64: of the content, or of parts of
    /// `part_bytes`. Nothing where it is of other parts.
    #[must_use]
    pub fn of_s3_sha256(text: &str, bytes: u64, part_bytes: u64) -> Option<Checksum> {
        let digest = |text: &str| {
            let digest = STANDARD.decode(text).ok()?;
            (digest.len() == 32).then_some(digest)
        };
        in_parts(text, bytes, part_bytes, Algorithm::Sha256, digest)
    }

    /// A checksum of the whole content, in hexadecimal digits as many as the algorithm has.
    #[must_use]
    pub fn of_hex(algorithm: Algorithm, text: &str) -> Option<Checksum> {
        let digest = from_hex(text)?;
        (digest.len() == algorithm.bytes()).then_some(Checksum {
            scheme: Scheme::whole(algorithm),
            digest,
        })
    }

    /// As S3's headers have it, without the number of parts.
    #[must_use]
    pub fn base64(&self) -> String {
        STANDARD.encode(&self.digest)
    }

    /// In hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        to_hex(&self.digest)
    }

    /// The checksum of the checksums of parts of `part_bytes`, in order.
    #[must_use]
    pub fn of_checksums<'a>(
        parts: impl IntoIterator<Item = &'a Checksum>,
        algorithm: Algorithm,
        part_bytes: u64,
    ) -> Checksum {
        let mut running = Running::new(algorithm);
        for part in parts {
            running.update(&part.digest);
        }
        Checksum {
            scheme: Scheme::of_parts(algorithm, part_bytes),
            digest: running.finish(),
        }
    }
}

/// Reads `digest` or `digest-N`, where N must be the number of parts of that size.
fn in_parts(
    text: &str,
    bytes: u64,
    part_bytes: u64,
    algorithm: Algorithm,
    digest: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<Checksum> {
    let Some((text, count)) = text.split_once('-') else {
        return Some(Checksum {
            scheme: Scheme::whole(algorithm),
            digest: digest(text)?,
        });
    };
    let count: u64 = count.parse().ok()?;
    (part_bytes > 0 && count == bytes.div_ceil(part_bytes).max(1)).then_some(())?;
    Some(Checksum {
        scheme: Scheme::of_parts(algorithm, part_bytes),
        digest: digest(text)?,
    })
}

/// A checksum that is being computed, piece by piece.
#[derive(Clone, Debug)]
pub struct Hasher {
    scheme: Scheme,
    /// Of the content, or of the part that is not full yet.
    running: Running,
    /// How many bytes that part has.
    filled: u64,
    /// Of the parts before.
    parts: Option<Running>,
}

impl Hasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new(scheme: Scheme) -> Hasher {
        Hasher {
            scheme,
            running: Running::new(scheme.algorithm),
            filled: 0,
            parts: None,
        }
    }

    /// The next piece.
    pub fn update(&mut self, mut bytes: &[u8]) {
        let Some(part_bytes) = self.scheme.part_bytes else {
            self.running.update(bytes);
            return;
        };
        while !bytes.is_empty() {
            // A full part is closed when the next one begins, so that the last is never empty.
            if self.filled == part_bytes {
                self.close_part();
            }
            let room = usize::try_from(part_bytes - self.filled).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.running.update(now);
            self.filled += now.len() as u64;
            bytes = later;
        }
    }

    /// After the last piece.
    #[must_use]
    pub fn finish(mut self) -> Checksum {
        if self.scheme.part_bytes.is_some() {
            self.close_part();
        }
        Checksum {
            scheme: self.scheme,
            digest: self.parts.unwrap_or(self.running).finish(),
        }
    }

    fn close_part(&mut self) {
        let algorithm = self.scheme.algorithm;
        let full = std::mem::replace(&mut self.running, Running::new(algorithm));
        self.parts
            .get_or_insert_with(|| Running::new(algorithm))
            .update(&full.finish());
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1321, FIPS 180-2 and RFC 3174 have them.
    const ABC: [(Algorithm, &str); 3] = [
        (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (
            Algorithm::Sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ];

    #[test]
    fn checksums_are_the_published_ones() {
        for (algorithm, hex) in ABC {
            let checksum = Checksum::of(algorithm, b"abc");
            assert_eq!(checksum.hex(), hex);
            assert_eq!(Checksum::of_hex(algorithm, hex), Some(checksum));
            assert_eq!(Checksum::of_hex(algorithm, &hex[2..]), None);
        }
    }

    #[test]
    fn a_checksum_of_parts_is_that_of_their_checksums_however_the_pieces_come() {
        let scheme = Scheme::of_parts(Algorithm::Sha256, 4);
        for content in [&b""[..], b"abc", b"abcd", b"abcde", b"abcdefghij"] {
            let mut parts: Vec<Checksum> = content
                .chunks(4)
                .map(|part| Checksum::of(Algorithm::Sha256, part))
                .collect();
            if parts.is_empty() {
                parts.push(Checksum::of(Algorithm::Sha256, b""));
            }
            let expected = Checksum::of_checksums(&parts, Algorithm::Sha256, 4);
            for piece in 1..=content.len().max(1) {
                let mut hasher = Hasher::new(scheme);
                for piece in content.chunks(piece) {
                    hasher.update(piece);
                }
                assert_eq!(hasher.finish(), expected, "{content:?} by {piece}");
            }
        }
    }

    #[test]
    fn entity_tags_are_checksums_where_they_have_the_form() {
        let whole = Checksum::of_e_tag("\"900150983cd24fb0d6963f7d28e17f72\"", 3, 8);
        assert_eq!(whole, Some(Checksum::of(Algorithm::Md5, b"abc")));
        let tag = "900150983cd24fb0d6963f7d28e17f72-2";
        let parts = Checksum::of_e_tag(tag, 9, 8).unwrap();
        assert_eq!(parts.scheme, Scheme::of_parts(Algorithm::Md5, 8));
        // Of other parts than these.
        assert_eq!(Checksum::of_e_tag(tag, 9, 4), None);
        for other in ["", "abc", "900150983cd24fb0d6963f7d28e17f7", "x-2"] {
            assert_eq!(Checksum::of_e_tag(other, 9, 8), None, "{other}");
        }
    }

    #[test]
    fn s3s_own_checksum_is_read_whole_and_of_parts() {
        let abc = Checksum::of(Algorithm::Sha256, b"abc");
        let text = abc.base64();
        assert_eq!(Checksum::of_s3_sha256(&text, 3, 8), Some(abc));
        let parts = Checksum::of_s3_sha256(&format!("{text}-2"), 9, 8).unwrap();
        assert_eq!(parts.scheme.part_bytes, Some(8));
        assert_eq!(parts.base64(), text);
        assert_eq!(Checksum::of_s3_sha256(&format!("{text}-3"), 9, 8), None);
        assert_eq!(Checksum::of_s3_sha256("AAAA", 3, 8), None);
    }
}
