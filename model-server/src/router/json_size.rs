//! A bound on what parsing a body may cost.
//!
//! A parsed value takes many times the memory of its text: 64 MiB of empty
//! objects become gigabytes. What a request needs is a few strings, however
//! long, and a few numbers.

/// More values than any request within [`Limits`](crate::core::Limits) has.
pub(super) const MAX_JSON_VALUES: usize = 10_000;

/// Whether a text of JSON, well-formed or not, has at most
/// [`MAX_JSON_VALUES`] values; looks at each byte once and keeps none.
pub(super) fn is_small(body: &[u8]) -> bool {
    let mut separators = 0;
    let mut rest = body;
    while let Some(at) = rest
        .iter()
        .position(|byte| matches!(byte, b'"' | b',' | b'{' | b'['))
    {
        if rest[at] == b'"' {
            rest = after_string(&rest[at + 1..]);
            continue;
        }
        separators += 1;
        if separators >= MAX_JSON_VALUES {
            return false;
        }
        rest = &rest[at + 1..];
    }
    true
}

/// What follows a string whose first quote has been read.
fn after_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        // A backslash and what it escapes.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_strings() {
        assert!(is_small(b""));
        assert!(is_small(br#"{"image": "a,b,c", "prompts": ["x", "y"]}"#));
        let commas = format!(
            r#"{{"prompt": "{}", "x": 1}}"#,
            ",\\\"[{".repeat(MAX_JSON_VALUES)
        );
        assert!(is_small(commas.as_bytes()));
        let bomb = format!("[{}0]", r#"{"":0},"#.repeat(MAX_JSON_VALUES / 2));
        assert!(!is_small(bomb.as_bytes()));
        assert!(!is_small("[".repeat(MAX_JSON_VALUES).as_bytes()));
        assert!(!is_small(
            format!("[{}", "1,".repeat(MAX_JSON_VALUES)).as_bytes()
        ));
        // A string that never ends holds everything.
        assert!(is_small(
            format!("\"{}", "1,".repeat(MAX_JSON_VALUES)).as_bytes()
        ));
    }
}
