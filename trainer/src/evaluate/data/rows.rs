//! A file of questions and answers, understood by an attribute set.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use attributes::{Answer, AttributeSet, parse_pair};
use catalogue::pairs;

/// A question about a product, with its true answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The product's id.
    pub id: String,
    /// The place of the attribute in the set.
    pub attribute: usize,
    /// The bare question.
    pub question: String,
    /// The true value by its name in the set; as it is written where the set
    /// does not know it; none where the answer says that there is none ("NA").
    pub truth: Option<String>,
    /// The answer as the file has it.
    pub answer: String,
}

/// Reads a file of questions and answers.
///
/// # Errors
/// When it can't be read or is no such table, and the first row whose answer
/// is no "Name: value", or whose attribute the set does not have or is not the
/// one that the question asks about.
pub fn read_rows(path: &Path, set: &AttributeSet) -> Result<Vec<Row>> {
    let rows = read_rows_if_any(path, set)?;
    ensure!(
        !rows.is_empty(),
        "{} has no questions, only a header",
        path.display()
    );
    Ok(rows)
}

/// The same of a file that may have no questions.
///
/// # Errors
/// As [`read_rows`], but for one without questions.
pub fn read_rows_if_any(path: &Path, set: &AttributeSet) -> Result<Vec<Row>> {
    pairs::read(path)?
        .into_iter()
        .zip(1_u64..)
        .map(|(pair, number)| {
            understand(pair, set)
                .map_err(|error| error.context(format!("{}, question {number}", path.display())))
        })
        .collect()
}

fn understand(pair: pairs::Pair, set: &AttributeSet) -> Result<Row> {
    let Some((name, _)) = parse_pair(&pair.answer) else {
        bail!("the answer {:?} is no \"Name: value\"", pair.answer);
    };
    let known = || {
        let names: Vec<&str> = set.attributes().iter().map(|a| a.name.as_str()).collect();
        names.join(", ")
    };
    let place = set
        .attribute(&name)
        .and_then(|found| set.attributes().iter().position(|a| a.name == found.name));
    let Some(place) = place else {
        bail!(
            "{name:?} is no attribute of the set, which has: {}; another set can be given with \
             --attribute-set",
            known()
        );
    };
    let attribute = &set.attributes()[place];
    if let Some(asked) = set.attribute_of_question(&pair.question)
        && asked.name != attribute.name
    {
        bail!(
            "the question {:?} is about {}, the answer {:?} about {}",
            pair.question,
            asked.name,
            pair.answer,
            attribute.name
        );
    }
    let truth = match set.interpret(attribute, &pair.answer) {
        Answer::Value(value) => Some(value),
        Answer::Nothing => None,
        Answer::OtherAttribute {
            attribute: other, ..
        } => bail!(
            "the answer {:?} names two attributes, {} and {other}",
            pair.answer,
            attribute.name
        ),
    };
    Ok(Row {
        id: pair.id,
        attribute: place,
        question: pair.question,
        truth,
        answer: pair.answer,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &str) -> Result<Vec<Row>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vqa_test.csv");
        std::fs::write(&path, format!("id,Question,Answer\n{rows}")).unwrap();
        read_rows(&path, &AttributeSet::embedded())
    }

    #[test]
    fn truths_have_the_names_of_the_set() {
        let rows = read(
            "1,What is the sleeve length of the top in this picture?,Sleeve Length: No Sleeves\n\
             2,What is the Colour of the shirt?,baseColour: navy\n\
             3,What is the fabric of the shirt in this picture?,Fabric: Tweed\n\
             4,What is the fabric of the shirt in this picture?,Fabric: NA\n",
        )
        .unwrap();
        let truths: Vec<Option<&str>> = rows.iter().map(|row| row.truth.as_deref()).collect();
        assert_eq!(
            truths,
            [Some("Sleeveless"), Some("Navy Blue"), Some("Tweed"), None]
        );
        assert_eq!(rows[1].answer, "baseColour: navy");
        let attributes: Vec<usize> = rows.iter().map(|row| row.attribute).collect();
        assert_eq!(attributes, [4, 7, 0, 0]);
    }

    #[test]
    fn a_file_without_rows_is_right_where_there_need_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vqa_na.csv");
        std::fs::write(&path, "id,Question,Answer\n").unwrap();
        let set = AttributeSet::embedded();
        assert_eq!(read_rows_if_any(&path, &set).unwrap(), []);
        assert!(read_rows(&path, &set).is_err());
        std::fs::write(&path, "id,Answer\n").unwrap();
        assert!(read_rows_if_any(&path, &set).is_err());
    }

    #[test]
    fn what_cannot_be_understood_is_said_with_its_place() {
        for (rows, says) in [
            ("", "no questions"),
            ("1,Q?,Cotton\n", "Name: value"),
            (
                "1,Q?,Fit: Slim Fit\n2,Q?,Occasion: Casual\n",
                "--attribute-set",
            ),
            ("1,Q?,Fit: Slim Fit\n2,Q?,Occasion: Casual\n", "question 2"),
            (
                "1,What is the fabric of the top in this picture?,Pattern: Solid\n",
                "is about Fabric",
            ),
            ("1,Q?,Fabric: Pattern: Solid\n", "two attributes"),
        ] {
            let error = format!("{:#}", read(rows).unwrap_err());
            assert!(
                error.contains(says) && error.contains("vqa_test.csv"),
                "{error}"
            );
        }
    }
}
