//! Names that are too long for where they go.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

/// The digits of a SHA-256.
const DIGITS: usize = 64;

/// The name in at most `most` bytes, 65 or more: where it has more, as much of its beginning
/// as fits, a hyphen and the SHA-256 of the whole, so that two names stay two.
pub fn shortened_name(name: &str, most: usize) -> Cow<'_, str> {
    if name.len() <= most {
        return Cow::Borrowed(name);
    }
    let room = most.saturating_sub(DIGITS + 1);
    let bounds = name.char_indices().map(|(at, _)| at);
    let end = bounds.take_while(|at| *at <= room).last().unwrap_or(0);
    let digest = Sha256::digest(name.as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Cow::Owned(format!("{}-{digits}", &name[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_stays_and_what_is_too_long_keeps_its_beginning() {
        let name = "长袖".repeat(40);
        assert_eq!(name.len(), 240);
        assert_eq!(shortened_name(&name, 240), name);
        for most in [239, 100, 65] {
            let short = shortened_name(&name, most);
            assert!((most - 2..=most).contains(&short.len()), "{most}: {short}");
            let (beginning, digits) = short.rsplit_once('-').unwrap();
            assert!(name.starts_with(beginning), "{short}");
            assert_eq!(digits.len(), DIGITS);
            assert_ne!(short, shortened_name(&format!("{name}袖"), most));
        }
        assert!(
            shortened_name("abc", 2).ends_with("f20015ad"),
            "printf abc | sha256sum"
        );
    }
}
