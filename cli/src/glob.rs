//! Patterns of file names: `*.jpg`, `images/**`, `**/draft?.json`.

use std::convert::Infallible;
use std::str::FromStr;

/// `*` stands for any characters of a part between slashes, `?` for one, `**` for any parts.
/// A pattern without a slash is about the last part alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    parts: Vec<String>,
}

impl Glob {
    /// Whether a name, with slashes between its parts, is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<&str> = name.split('/').collect();
        match self.parts.as_slice() {
            [only] if only != "**" => name.last().is_some_and(|last| part_matches(only, last)),
            parts => parts_match(parts, &name),
        }
    }
}

impl FromStr for Glob {
    type Err = Infallible;

    fn from_str(pattern: &str) -> Result<Glob, Infallible> {
        Ok(Glob {
            parts: pattern.split('/').map(str::to_owned).collect(),
        })
    }
}

fn parts_match(pattern: &[String], name: &[&str]) -> bool {
    match pattern {
        [] => name.is_empty(),
        [first, rest @ ..] if first == "**" => {
            (0..=name.len()).any(|skipped| parts_match(rest, &name[skipped..]))
        }
        [first, rest @ ..] => name
            .split_first()
            .is_some_and(|(part, others)| part_matches(first, part) && parts_match(rest, others)),
    }
}

/// One pass, which goes back to the last `*` where it fails.
fn part_matches(pattern: &str, part: &str) -> bool {
    let (pattern, part): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), part.chars().collect());
    let (mut at, mut here) = (0, 0);
    // Where to go on after a `*` took one character more.
    let mut back: Option<(usize, usize)> = None;
    while here < part.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at + 1, here));
                at += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == part[here] => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((after_star, taken)) = back else {
                    return false;
                };
                back = Some((after_star, taken + 1));
                (at, here) = (after_star, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == '*')
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn patterns_mean_what_a_shell_means_by_them() {
        for (pattern, yes, no) in [
            (
                "*.jpg",
                &["a.jpg", "x/y/.jpg"][..],
                &["a.jpeg", "a.jpg/b"][..],
            ),
            ("images/*", &["images/1.jpg"], &["images/a/1.jpg", "images"]),
            (
                "images/**",
                &["images/1.jpg", "images/a/b"],
                &["x/images/1"],
            ),
            (
                "**/1.jpg",
                &["1.jpg", "a/1.jpg", "a/b/1.jpg"],
                &["a/11.jpg"],
            ),
            ("**", &["a", "a/b"], &[]),
            ("a?c", &["abc", "x/aüc"], &["ac", "abbc"]),
            ("*a*b*", &["ab", "xaybz", "aab"], &["ba", ""]),
            ("", &[""], &["a"]),
        ] {
            let glob: Glob = pattern.parse().unwrap();
            for name in yes {
                assert!(glob.matches(name), "{pattern} {name}");
            }
            for name in no {
                assert!(!glob.matches(name), "{pattern} {name}");
            }
        }
    }
}
