//! Rows that say the same twice, or two things at once.

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Result, bail};

use super::Row;

/// The rows without those that say what one before them says, and how many those
/// were. Counted twice, a question would weigh twice.
///
/// # Errors
/// When two rows give one product different values of one attribute: no answer
/// could be right by both, and which of them is wrong only their owner knows.
pub fn without_repeats(rows: Vec<Row>) -> Result<(Vec<Row>, u64)> {
    check_contradictions(&rows)?;
    let total = rows.len();
    let mut seen: HashSet<(String, usize, String)> = HashSet::with_capacity(total);
    let is_new = |row: &Row| seen.insert((row.id.clone(), row.attribute, row.question.clone()));
    let kept: Vec<Row> = rows.into_iter().filter(is_new).collect();
    let repeated = (total - kept.len()) as u64;
    Ok((kept, repeated))
}

fn check_contradictions(rows: &[Row]) -> Result<()> {
    let mut firsts: HashMap<(&str, usize), &Row> = HashMap::new();
    let mut first_pair = None;
    let mut contradicted: BTreeSet<(&str, usize)> = BTreeSet::new();
    for row in rows {
        let key = (row.id.as_str(), row.attribute);
        let first = *firsts.entry(key).or_insert(row);
        if first.truth != row.truth {
            first_pair = first_pair.or(Some((first, row)));
            contradicted.insert(key);
        }
    }
    if let Some((one, other)) = first_pair {
        bail!(
            "{} has the answers {:?} and {:?}, so that no answer is right{}: take the wrong rows \
             out",
            one.id,
            one.answer,
            other.answer,
            match contradicted.len() {
                1 => String::new(),
                count => format!("; {count} attributes of products are like that"),
            }
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, question: &str, truth: Option<&str>) -> Row {
        Row {
            id: id.to_owned(),
            attribute: 0,
            question: question.to_owned(),
            truth: truth.map(str::to_owned),
            answer: format!("Fabric: {}", truth.unwrap_or("NA")),
        }
    }

    #[test]
    fn a_row_that_stands_there_twice_counts_once() {
        let rows = vec![
            row("1", "a?", Some("Cotton")),
            row("1", "b?", Some("Cotton")),
            row("2", "a?", Some("Silk")),
            row("1", "a?", Some("Cotton")),
            row("3", "a?", None),
            row("3", "a?", None),
        ];
        let (kept, repeated) = without_repeats(rows.clone()).unwrap();
        assert_eq!(repeated, 2);
        assert_eq!(kept, [&rows[..3], &rows[4..5]].concat());
    }

    #[test]
    fn contradictions_are_refused_and_counted() {
        let error = |rows: Vec<Row>| without_repeats(rows).unwrap_err().to_string();
        let mut rows = vec![
            row("1", "a?", Some("Cotton")),
            // In other words, but about the same.
            row("1", "b?", Some("Silk")),
            row("1", "a?", Some("Linen")),
        ];
        let one = error(rows.clone());
        assert!(
            one.contains("1 has the answers \"Fabric: Cotton\" and \"Fabric: Silk\""),
            "{one}"
        );
        assert!(!one.contains("like that"), "{one}");
        // A value here and NA there contradict each other as well.
        rows.extend([row("2", "a?", Some("Silk")), row("2", "a?", None)]);
        assert!(error(rows).contains("2 attributes of products"));
    }
}
