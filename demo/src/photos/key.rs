//! Product ids of file names.

use std::collections::HashSet;

/// The longest id, in characters; S3's keys end at 1,024 bytes.
const LONGEST: usize = 100;

/// An id of the characters that are safe in S3 keys, URLs and file names; the
/// same again gets a number. `taken` has all ids so far in lower case: the
/// bucket may be a folder whose file system ignores case.
pub fn unique_id(stem: &str, taken: &mut HashSet<String>) -> String {
    let safe = safe_id(stem);
    let mut id = safe.clone();
    let mut number = 1;
    while !taken.insert(id.to_lowercase()) {
        number += 1;
        id = format!("{safe}-{number}");
    }
    id
}

fn safe_id(stem: &str) -> String {
    let mut id = String::new();
    for character in stem.chars().take(LONGEST) {
        if character.is_ascii_alphanumeric() || matches!(character, '_' | '.') {
            id.push(character);
        } else if !id.ends_with('-') {
            id.push('-');
        }
    }
    // "." and ".." would be folders.
    match id.trim_matches(['-', '.']) {
        "" => "photo".to_owned(),
        trimmed => trimmed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_safe_in_keys_and_urls() {
        for (stem, expected) in [
            ("38642", "38642"),
            ("summer shirt (blue)", "summer-shirt-blue"),
            ("../../etc/passwd", "etc-passwd"),
            ("..", "photo"),
            ("Größe & <Länge>", "Gr-e-L-nge"),
            ("???", "photo"),
            ("a%2Fb+c", "a-2Fb-c"),
            ("IMG_0001.edited", "IMG_0001.edited"),
            ("", "photo"),
        ] {
            assert_eq!(safe_id(stem), expected, "{stem:?}");
        }
        assert_eq!(safe_id(&"x".repeat(5000)).len(), LONGEST);
    }

    #[test]
    fn equal_ids_get_numbers() {
        let mut taken = HashSet::new();
        let ids = ["a b", "a-b", "A B", "a-b-2"].map(|stem| unique_id(stem, &mut taken));
        assert_eq!(ids, ["a-b", "a-b-2", "A-B-3", "a-b-2-2"]);
    }
}
