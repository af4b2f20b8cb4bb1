//! The files of questions and answers: `vqa_train.csv`, `vqa_val.csv` and
//! `vqa_test.csv`.
//!
//! Their header is `id,Question,Answer`; a row is a [`Pair`]. `id` names the
//! photograph `<id>.jpg`, `Question` is bare, `Answer` is "Name: value".

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files::{read as read_file, write_whole};

/// The columns, in order.
pub const HEADER: [&str; 3] = ["id", "Question", "Answer"];

/// One question about one photograph, and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The product's id, the stem of its photograph's name.
    pub id: String,
    /// The bare question.
    #[serde(rename = "Question")]
    pub question: String,
    /// The answer, "Name: value".
    #[serde(rename = "Answer")]
    pub answer: String,
}

/// Reads a file of pairs. Columns may stand in any order and others beside them.
///
/// # Errors
///
/// [`Error::Read`] where there is no such file, [`Error::Pairs`] with the line
/// where it is no such table: a column missing, fields too many or too few, an
/// empty id, question or answer. A file without rows gives no pairs.
pub fn read(path: &Path) -> Result<Vec<Pair>, Error> {
    let bytes = read_file(path)?;
    let failed = |line: u64, reason: String| Error::Pairs {
        path: path.to_owned(),
        line,
        reason,
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| failed(1, reason_of(&error)))?;
    if let Some(missing) = HEADER
        .iter()
        .find(|&&column| header.iter().all(|name| name != column))
    {
        let reason = format!(
            "the header lacks {missing}; it has to be {}",
            HEADER.join(",")
        );
        return Err(failed(1, reason));
    }
    let mut pairs = Vec::new();
    for row in reader.deserialize() {
        let pair: Pair = row.map_err(|error| {
            let line = error.position().map_or(0, csv::Position::line);
            failed(line, reason_of(&error))
        })?;
        if pair.id.is_empty() || pair.question.is_empty() || pair.answer.is_empty() {
            let reason = "id, question and answer must not be empty".to_owned();
            return Err(failed(pairs.len() as u64 + 2, reason));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

/// Writes a file of pairs. It is whole or absent, also when writing fails.
///
/// # Errors
///
/// [`Error::Write`] where it can't be written.
pub fn write(path: &Path, pairs: &[Pair]) -> Result<(), Error> {
    write_whole(path, &as_csv(pairs)?)
}

/// The bytes of a file of pairs.
pub(crate) fn as_csv(pairs: &[Pair]) -> Result<Vec<u8>, Error> {
    let rows = pairs.iter().map(|pair| {
        [
            pair.id.as_str(),
            pair.question.as_str(),
            pair.answer.as_str(),
        ]
    });
    table(&HEADER, rows)
}

/// A table as CSV (RFC 4180, lines ended by LF as pandas writes them).
pub(crate) fn table<'a, const N: usize>(
    header: &[&str; N],
    rows: impl Iterator<Item = [&'a str; N]>,
) -> Result<Vec<u8>, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer
        .into_inner()
        .map_err(|error| Error::Table(error.into_error().into()))
}

/// What is wrong, without the place, which the caller tells.
fn reason_of(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".to_owned(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!("it has {len} fields, the header {expected_len}"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(id: &str, answer: &str) -> Pair {
        Pair {
            id: id.to_owned(),
            question: "What is the fabric of the shirt in this picture?".to_owned(),
            answer: answer.to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vqa_train.csv");
        let pairs = [
            pair("38642", "Fabric: Cotton"),
            pair("2", "Fabric: \"Cotton\", 60 %\nSilk"),
        ];
        write(&path, &pairs).unwrap();
        assert_eq!(read(&path).unwrap(), pairs);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(
            "id,Question,Answer\n38642,What is the fabric of the shirt in this picture?,Fabric: Cotton\n"
        ));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        write(&path, &[]).unwrap();
        assert_eq!(read(&path).unwrap(), []);
    }

    #[test]
    fn columns_may_stand_in_any_order_after_a_byte_order_mark() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vqa.csv");
        std::fs::write(
            &path,
            "\u{feff}split,Answer,id,Question\ntrain,Fit: Slim Fit,7,Q?\n",
        )
        .unwrap();
        assert_eq!(
            read(&path).unwrap(),
            [Pair {
                id: "7".to_owned(),
                question: "Q?".to_owned(),
                answer: "Fit: Slim Fit".to_owned()
            }]
        );
    }

    #[test]
    fn errors_name_file_line_and_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vqa.csv");
        for (text, says) in [
            ("", "lacks id"),
            ("id,question,answer\n", "lacks Question"),
            ("id,Question,Answer\n1,Q?,A: b\n2,Q?\n", "line 3"),
            ("id,Question,Answer\n1,Q?,A: b\n2,Q?,\n", "line 3"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("vqa.csv"), "{error}");
        }
        std::fs::write(&path, b"id,Question,Answer\n1,\xff,A: b\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("UTF-8"));
        assert!(read(&folder.path().join("none.csv")).is_err());
    }
}
