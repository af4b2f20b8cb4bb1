//! Fingerprints of all photographs, kept between runs.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::error::Error;
use crate::files::write_whole;
use crate::fingerprint::{Fingerprint, VERSION};
use crate::pairs::table;
use crate::progress::Progress;

/// The file beside the output in which fingerprints are kept, so that a second
/// run, or one that goes on after an interruption, decodes no photograph again.
pub(crate) const MARKS_FILE: &str = "photo-fingerprints.csv";

/// After so many photographs the file is written.
const SAVED_EVERY: usize = 4000;

const HEADER: [&str; 7] = [
    "photo",
    "bytes",
    "modified_ns",
    "hash",
    "colours",
    "problem",
    "version",
];

/// The fingerprint of a photograph, or why it has none.
pub(crate) type Mark = Result<Fingerprint, Problem>;

/// Why a photograph has no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// The file can't be read now; another time it may be. Never kept.
    Unreadable(String),
    /// What is in it is no photograph.
    Undecodable(String),
}

/// The marks of `photos`, in their order; those that `folder` keeps are taken
/// from there where size and time of the file are what they were, and the
/// fingerprints are computed as they were.
pub(crate) fn of_photos(
    photos: &[PathBuf],
    folder: &Path,
    progress: &dyn Progress,
) -> Result<Vec<Mark>, Error> {
    in_chunks(photos, folder, SAVED_EVERY, progress)
}

/// The same, written after every `saved_every` photographs. What was kept of others
/// stays kept: an interruption, or a run of fewer photographs, forgets nothing.
fn in_chunks(
    photos: &[PathBuf],
    folder: &Path,
    saved_every: usize,
    progress: &dyn Progress,
) -> Result<Vec<Mark>, Error> {
    progress.stage("looking at photos", photos.len() as u64);
    let file = folder.join(MARKS_FILE);
    let kept = kept(&file);
    let mut unseen: BTreeSet<&str> = kept.keys().map(String::as_str).collect();
    let mut rows: Vec<Row> = Vec::with_capacity(photos.len());
    let mut is_news = false;
    for chunk in photos.chunks(saved_every) {
        let looked: Vec<(Row, bool)> = chunk
            .par_iter()
            .map(|photo| {
                let found = look(photo, &kept);
                progress.advance(1);
                found
            })
            .collect();
        is_news = is_news || looked.iter().any(|(_, is_new)| *is_new);
        for (row, _) in looked {
            unseen.remove(row.photo.as_str());
            rows.push(row);
        }
        if is_news {
            let others = unseen.iter().filter_map(|&name| kept.get(name));
            save(&file, rows.iter().chain(others))?;
        }
    }
    Ok(rows.into_iter().map(|row| row.mark).collect())
}

/// What is known of one file.
#[derive(Clone, Debug)]
struct Row {
    photo: String,
    bytes: u64,
    modified_ns: u128,
    mark: Mark,
}

/// The mark of a file and whether it had to be decoded.
fn look(photo: &Path, kept: &HashMap<String, Row>) -> (Row, bool) {
    let name = photo.to_string_lossy().into_owned();
    let state = fs::metadata(photo);
    let bytes = state.as_ref().map_or(0, fs::Metadata::len);
    let modified_ns = state
        .and_then(|state| state.modified())
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
        .map_or(0, |time| time.as_nanos());
    if let Some(row) = kept.get(&name)
        && (row.bytes, row.modified_ns) == (bytes, modified_ns)
    {
        return (row.clone(), false);
    }
    let mark = match fs::read(photo) {
        Ok(bytes) => {
            Fingerprint::of_file(&bytes).map_err(|error| Problem::Undecodable(error.to_string()))
        }
        Err(error) => Err(Problem::Unreadable(error.kind().to_string())),
    };
    let row = Row {
        photo: name,
        bytes,
        modified_ns,
        mark,
    };
    (row, true)
}

fn save<'a>(file: &Path, rows: impl Iterator<Item = &'a Row>) -> Result<(), Error> {
    let texts: Vec<[String; 7]> = rows.filter_map(Row::fields).collect();
    let fields = texts.iter().map(|row| row.each_ref().map(String::as_str));
    write_whole(file, &table(&HEADER, fields)?)
}

/// What was kept; nothing where the file is none of ours.
fn kept(file: &Path) -> HashMap<String, Row> {
    let mut rows = HashMap::new();
    let Ok(mut reader) = csv::Reader::from_path(file) else {
        return rows;
    };
    if reader.headers().is_ok_and(|header| *header == HEADER[..]) {
        let read = reader.records().filter_map(|record| Row::of(&record.ok()?));
        rows.extend(read.map(|row| (row.photo.clone(), row)));
    }
    rows
}

impl Row {
    /// What is kept of it, if anything is.
    fn fields(&self) -> Option<[String; 7]> {
        let (hash, colours, problem) = match &self.mark {
            Ok(print) => (format!("{:016x}", print.hash), hex(&print.colours), ""),
            Err(Problem::Undecodable(problem)) => (String::new(), String::new(), problem.as_str()),
            Err(Problem::Unreadable(_)) => return None,
        };
        Some([
            self.photo.clone(),
            self.bytes.to_string(),
            self.modified_ns.to_string(),
            hash,
            colours,
            problem.to_owned(),
            VERSION.to_string(),
        ])
    }

    fn of(record: &csv::StringRecord) -> Option<Row> {
        if record[6] != VERSION.to_string() {
            return None;
        }
        let mark = match &record[5] {
            "" => Ok(Fingerprint {
                hash: u64::from_str_radix(&record[3], 16).ok()?,
                colours: from_hex(&record[4])?.try_into().ok()?,
            }),
            problem => Err(Problem::Undecodable(problem.to_owned())),
        };
        Some(Row {
            photo: record[0].to_owned(),
            bytes: record[1].parse().ok()?,
            modified_ns: record[2].parse().ok()?,
            mark,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(DIGITS[usize::from(digit)]))
        .collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => u8::try_from(digit(high)? << 4 | digit(low)?).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::drawing::photograph;
    use crate::drawn::product;
    use crate::progress::Silent;

    #[test]
    fn what_is_kept_is_used_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let photos: Vec<PathBuf> = ["a.jpg", "b.jpg", "c.jpg"]
            .iter()
            .map(|name| folder.path().join(name))
            .collect();
        fs::write(
            &photos[0],
            photograph(&product(7, 0).garment, 7, 0).unwrap(),
        )
        .unwrap();
        fs::write(&photos[1], "no photo").unwrap();
        let first = of_photos(&photos, folder.path(), &Silent).unwrap();
        let undecodable = |mark: &Mark, says: &str| match mark {
            Err(Problem::Undecodable(problem)) => problem.contains(says),
            _ => false,
        };
        assert!(first[0].is_ok());
        assert!(undecodable(&first[1], "no JPEG"));
        assert!(matches!(first[2], Err(Problem::Unreadable(_))));

        // A kept mark is believed, and read as it was written.
        let file = folder.path().join(MARKS_FILE);
        assert_eq!(of_photos(&photos, folder.path(), &Silent).unwrap(), first);
        let text = fs::read_to_string(&file).unwrap();
        let other = text.replace("no JPEG, PNG", "well-known");
        fs::write(&file, &other).unwrap();
        let second = of_photos(&photos, folder.path(), &Silent).unwrap();
        assert!(undecodable(&second[1], "well-known"));

        // But not one of another way to compute fingerprints.
        let version = format!(",{VERSION}\n");
        assert!(other.contains(&version));
        fs::write(&file, other.replace(&version, ",0\n")).unwrap();
        assert_eq!(of_photos(&photos, folder.path(), &Silent).unwrap(), first);

        fs::write(&photos[1], "no photo either").unwrap();
        let third = of_photos(&photos, folder.path(), &Silent).unwrap();
        assert!(undecodable(&third[1], "no JPEG"));

        fs::write(&file, "nonsense\n1,2\n").unwrap();
        assert_eq!(of_photos(&photos, folder.path(), &Silent).unwrap(), third);
    }

    /// Tells how many rows are kept whenever a photograph was looked at.
    struct Kept {
        file: PathBuf,
        rows: Mutex<Vec<usize>>,
    }

    impl Progress for Kept {
        fn stage(&self, _what: &str, _total: u64) {}
        fn advance(&self, _steps: u64) {
            self.rows.lock().unwrap().push(rows_of(&self.file));
        }
        fn note(&self, _text: &str) {}
    }

    fn rows_of(file: &Path) -> usize {
        let text = fs::read_to_string(file).unwrap_or_default();
        text.lines().skip(1).count()
    }

    #[test]
    fn what_was_not_looked_at_yet_or_not_at_all_stays_kept() {
        let folder = tempfile::tempdir().unwrap();
        let photo = |name: &str| {
            let path = folder.path().join(name);
            fs::write(&path, "no photo").unwrap();
            path
        };
        let photos = ["a.jpg", "b.jpg", "c.jpg"].map(photo);
        let kept = Kept {
            file: folder.path().join(MARKS_FILE),
            rows: Mutex::default(),
        };
        let look = |photos: &[PathBuf]| in_chunks(photos, folder.path(), 1, &kept).unwrap();
        look(&photos);
        // The first one is another now; a run that ends there has kept the others.
        fs::write(&photos[0], "no photo either").unwrap();
        look(&photos);
        // A run of one photograph alone.
        look(&[photo("d.jpg")]);
        assert_eq!(rows_of(&kept.file), 4);
        assert_eq!(kept.rows.into_inner().unwrap(), [0, 1, 2, 3, 3, 3, 3]);
    }

    #[test]
    fn a_file_that_could_not_be_read_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let photo = folder.path().join("a.jpg");
        // Reading a folder fails, whoever runs this.
        fs::create_dir(&photo).unwrap();
        let photos = [photo];
        for _ in 0..2 {
            let marks = of_photos(&photos, folder.path(), &Silent).unwrap();
            assert!(matches!(marks[0], Err(Problem::Unreadable(_))), "{marks:?}");
            let kept = fs::read_to_string(folder.path().join(MARKS_FILE)).unwrap();
            assert_eq!(kept.lines().count(), 1, "{kept}");
        }
    }
}
