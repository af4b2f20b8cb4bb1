//! The rows of an inventory's file: an object each, without a header.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html>

use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord};
use describe_product::entrypoints::{decoded_key, product_id};
use flate2::read::MultiGzDecoder;

use crate::backfill::products::Product;

/// Which columns have what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Columns {
    key: usize,
    /// Of inventories of all versions.
    is_latest: Option<usize>,
    is_delete_marker: Option<usize>,
}

impl Columns {
    /// By a manifest's `fileSchema`: "Bucket, Key, Size". Nothing where it has no key.
    pub fn of(schema: &str) -> Option<Columns> {
        let place = |name: &str| {
            let mut names = schema.split(',').map(str::trim);
            names.position(|column| column.eq_ignore_ascii_case(name))
        };
        Some(Columns {
            key: place("Key")?,
            is_latest: place("IsLatest"),
            is_delete_marker: place("IsDeleteMarker"),
        })
    }

    /// Whether the row is about an object that was there.
    fn is_there(&self, row: &StringRecord) -> bool {
        let says = |column: Option<usize>, word: &str| {
            let said = column.and_then(|column| row.get(column));
            said.is_some_and(|said| said.eq_ignore_ascii_case(word))
        };
        !says(self.is_latest, "false") && !says(self.is_delete_marker, "true")
    }
}

/// What is looked for in a file.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it is.
    pub columns: Columns,
    /// What keys begin with.
    pub prefix: String,
    /// What stands before the names of products; the prefix begins with it.
    pub named_below: String,
}

impl Wanted {
    /// The photographs in a file, which is in gzip.
    ///
    /// # Errors
    /// When it can't be read, is no gzip, breaks off or has rows without a key.
    pub fn photographs(&self, file: impl Read) -> io::Result<Vec<Product>> {
        let mut rows = ReaderBuilder::new()
            .has_headers(false)
            .from_reader(MultiGzDecoder::new(file));
        let mut found = Vec::new();
        let mut row = StringRecord::new();
        while rows.read_record(&mut row)? {
            let Some(key) = row.get(self.columns.key) else {
                let line = row.position().map_or(0, csv::Position::line);
                return Err(io::Error::other(format!(
                    "line {line} has {} columns, fewer than the manifest says",
                    row.len()
                )));
            };
            if !self.columns.is_there(&row) {
                continue;
            }
            let key = decoded_key(key);
            if !key.starts_with(&self.prefix) {
                continue;
            }
            if let Some(id) = product_id(&self.named_below, &key) {
                found.push(Product {
                    id: id.to_owned(),
                    etag: None,
                    at_ms: None,
                    key,
                });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backfill::inventory::tests::gzip;

    fn wanted(schema: &str, prefix: &str) -> Wanted {
        Wanted {
            columns: Columns::of(schema).unwrap(),
            prefix: prefix.to_owned(),
            named_below: "incoming/".to_owned(),
        }
    }

    fn keys(products: &[Product]) -> Vec<&str> {
        products
            .iter()
            .map(|product| product.key.as_str())
            .collect()
    }

    #[test]
    fn photographs_below_the_prefix_are_found_by_their_decoded_keys() {
        let csv = "\"photos\",\"incoming/summer/a+b%2Bc.jpg\",\"12\"\n\
                   \"photos\",\"incoming/summer/%C3%BC.PNG\",\"12\"\n\
                   \"photos\",\"incoming/winter/1.jpg\",\"12\"\n\
                   \"photos\",\"incoming/summer/notes.txt\",\"12\"\n\
                   \"photos\",\"descriptions/1.json\",\"12\"\n";
        let wanted = wanted("Bucket, Key, Size", "incoming/summer/");
        let found = wanted.photographs(&gzip(csv)[..]).unwrap();
        assert_eq!(
            keys(&found),
            ["incoming/summer/a b+c.jpg", "incoming/summer/ü.PNG"]
        );
        assert_eq!(found[0].id, "summer/a b+c");
        assert_eq!(found[0].etag, None);
    }

    #[test]
    fn old_versions_and_markers_of_deletions_are_no_objects() {
        let schema = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size";
        let csv = "\"photos\",\"incoming/1.jpg\",\"v2\",\"true\",\"false\",\"9\"\n\
                   \"photos\",\"incoming/1.jpg\",\"v1\",\"false\",\"false\",\"8\"\n\
                   \"photos\",\"incoming/2.jpg\",\"v2\",\"true\",\"true\",\"\"\n";
        let found = wanted(schema, "incoming/").photographs(&gzip(csv)[..]);
        assert_eq!(keys(&found.unwrap()), ["incoming/1.jpg"]);
    }

    #[test]
    fn what_is_no_such_file_is_said() {
        let wanted = wanted("Bucket, Key", "");
        let of = |bytes: &[u8]| wanted.photographs(bytes).unwrap_err().to_string();
        assert!(
            of(b"\"photos\",\"incoming/1.jpg\"\n").contains("gzip"),
            "no gzip"
        );
        let whole = gzip("\"photos\",\"incoming/1.jpg\"\n");
        of(&whole[..whole.len() - 9]);
        let few = of(&gzip("\"photos\"\n"));
        assert!(few.contains("line 1 has 1 columns"), "{few}");
        assert!(
            wanted
                .photographs(&gzip("")[..])
                .is_ok_and(|found| found.is_empty())
        );
        assert_eq!(Columns::of("Bucket, Size"), None);
    }
}
