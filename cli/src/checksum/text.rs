//! How checksums are written down: in an index of uploads, in the record of what was fetched.

use std::fmt;
use std::str::FromStr;

use super::{Algorithm, Checksum, Scheme};

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "md5",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha1 => "sha1",
        }
    }
}

/// "sha256:HEX", or "sha256/8388608:HEX" of parts.
impl fmt::Display for Checksum {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.scheme.algorithm.name())?;
        if let Some(part_bytes) = self.scheme.part_bytes {
            write!(out, "/{part_bytes}")?;
        }
        write!(out, ":{}", self.hex())
    }
}

impl FromStr for Checksum {
    type Err = String;

    fn from_str(text: &str) -> Result<Checksum, String> {
        let read = || {
            let (scheme, digest) = text.split_once(':')?;
            let (name, part_bytes) = match scheme.split_once('/') {
                Some((name, bytes)) => (
                    name,
                    Some(bytes.parse::<u64>().ok().filter(|size| *size > 0)?),
                ),
                None => (scheme, None),
            };
            let algorithm = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha1]
                .into_iter()
                .find(|algorithm| algorithm.name() == name)?;
            let digest = from_hex(digest).filter(|digest| digest.len() == algorithm.bytes())?;
            Some(Checksum {
                scheme: Scheme {
                    algorithm,
                    part_bytes,
                },
                digest,
            })
        };
        read().ok_or_else(|| format!("{text:?} is no checksum"))
    }
}

impl From<Checksum> for String {
    fn from(checksum: Checksum) -> String {
        checksum.to_string()
    }
}

impl TryFrom<String> for Checksum {
    type Error = String;

    fn try_from(text: String) -> Result<Checksum, String> {
        text.parse()
    }
}

/// Bytes in hexadecimal digits, two each.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The reverse of [`to_hex`], which takes capital letters as well.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| {
            digit
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        })
        .collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    Some(pairs.map(|pair| (pair[0] << 4) | pair[1]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_written_and_read_again() {
        let whole = Checksum::of(Algorithm::Sha1, b"abc");
        let parts = Checksum::of_checksums([&whole], Algorithm::Md5, 1 << 23);
        for checksum in [whole, parts] {
            assert_eq!(checksum.to_string().parse(), Ok(checksum));
        }
        for wrong in ["", "sha256:", "sha256:00", "crc:00", "md5/0:00", "md5"] {
            assert!(wrong.parse::<Checksum>().is_err(), "{wrong}");
        }
    }
}
