//! Tables as shops export them: CSV in which some lines are broken.

use csv::{ByteRecord, ReaderBuilder, StringRecord};

/// How much of a broken line is kept for the report, in characters.
const SHOWN: usize = 120;

/// In a table of at least so many columns a line inside of a quoted field that
/// has as many fields as the header is taken for a row: the quote before it was
/// never meant to open.
const TELLING_COLUMNS: usize = 5;

/// The rows that have as many fields as the header, and the lines that don't.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<StringRecord>,
    pub broken: Vec<BrokenLine>,
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokenLine {
    /// From 1.
    pub line: u64,
    pub reason: String,
    /// Its beginning.
    pub text: String,
}

/// One row, with its fields by column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a>(&'a StringRecord);

impl Row<'_> {
    /// The field of a column that [`Table::column`] gave, without white space
    /// around it.
    pub(crate) fn field(&self, column: usize) -> &str {
        self.0.get(column).unwrap_or_default().trim()
    }
}

impl Table {
    /// Reads a table. A line that has too many or too few fields, or is not
    /// UTF-8, is put aside; so is the first line of a quoted field that does not
    /// end, while those after it are read.
    pub(crate) fn parse(bytes: &[u8]) -> Table {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut table = Table {
            header: Vec::new(),
            rows: Vec::new(),
            broken: Vec::new(),
        };
        let mut start = 0;
        let mut line = 1;
        while let Some((to, to_line)) = table.parse_from(bytes, start, line) {
            (start, line) = (to, to_line);
        }
        table
    }

    /// Reads from byte `start`, which begins line `line`. Where a quoted field
    /// does not end, returns the place and number of the line after it began.
    fn parse_from(&mut self, bytes: &[u8], start: usize, line: u64) -> Option<(usize, u64)> {
        let rest = &bytes[start..];
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(rest);
        let mut record = ByteRecord::new();
        // Lines are counted up to a place, and from there on.
        let (mut counted, mut first_line) = (0, line);
        // Reading from memory without a number of fields to expect can't fail.
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let from = record.position().map_or(0, |at| at.byte() as usize);
            let from = from + leading_breaks(&rest[from..]);
            let end = reader.position().byte() as usize;
            let raw = rest[from..end].trim_ascii_end();
            first_line += breaks(&rest[counted..from]);
            counted = from;
            if self.has_stray_quote(raw, record.len()) {
                let after = raw
                    .iter()
                    .position(|&byte| byte == b'\n')
                    .unwrap_or(raw.len());
                self.put_aside(first_line, "a quote in it does not end", &raw[..after]);
                let next = (from + after + 1).min(rest.len());
                return Some((start + next, first_line + 1));
            }
            self.take(&record, first_line, raw);
        }
        None
    }

    fn has_stray_quote(&self, raw: &[u8], fields: usize) -> bool {
        let mut lines = raw.split(|&byte| byte == b'\n');
        lines.next();
        if lines.clone().next().is_none() {
            return false;
        }
        let quotes = raw.iter().filter(|&&byte| byte == b'"').count();
        let wanted = self.header.len();
        let is_row = |line: &[u8]| {
            wanted >= TELLING_COLUMNS
                && line.iter().filter(|&&byte| byte == b',').count() == wanted - 1
        };
        quotes % 2 == 1 || (wanted > 0 && fields != wanted) || lines.any(is_row)
    }

    fn take(&mut self, record: &ByteRecord, line: u64, raw: &[u8]) {
        let Ok(row) = StringRecord::from_byte_record(record.clone()) else {
            return self.put_aside(line, "it is not UTF-8", raw);
        };
        if self.header.is_empty() {
            self.header = row.iter().map(|name| name.trim().to_owned()).collect();
        } else if row.len() == self.header.len() {
            self.rows.push(row);
        } else {
            let reason = format!(
                "it has {} fields, the header {}",
                row.len(),
                self.header.len()
            );
            self.put_aside(line, &reason, raw);
        }
    }

    fn put_aside(&mut self, line: u64, reason: &str, raw: &[u8]) {
        let text = String::from_utf8_lossy(raw);
        self.broken.push(BrokenLine {
            line,
            reason: reason.to_owned(),
            text: text.trim_end().chars().take(SHOWN).collect(),
        });
    }

    /// The names of the columns; none where the file is empty.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of a column.
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// The rows that could be read.
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = Row<'_>> {
        self.rows.iter().map(Row)
    }
}

fn breaks(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| byte == b'\n').count() as u64
}

/// Blank lines before a record count to it.
fn leading_breaks(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|&&byte| byte == b'\n' || byte == b'\r')
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_fields(table: &Table) -> Vec<&str> {
        table.rows.iter().map(|row| row.get(0).unwrap()).collect()
    }

    fn broken_lines(table: &Table) -> Vec<u64> {
        table.broken.iter().map(|broken| broken.line).collect()
    }

    #[test]
    fn lines_with_too_many_or_too_few_fields_are_put_aside() {
        let table = Table::parse(
            b"\xef\xbb\xbfid,name\r\n1,a\r\n2,b,c\r\n\r\n3\r\n4,\"d,\"\"e\"\"\nf\"\r\n5,g",
        );
        assert_eq!(table.header(), ["id", "name"]);
        assert_eq!(first_fields(&table), ["1", "4", "5"]);
        assert_eq!(broken_lines(&table), [3, 5]);
        assert_eq!(table.broken[0].reason, "it has 3 fields, the header 2");
        assert_eq!(table.broken[0].text, "2,b,c");
        let row = table.rows().nth(1).unwrap();
        assert_eq!(row.field(table.column("name").unwrap()), "d,\"e\"\nf");
    }

    #[test]
    fn a_quote_that_does_not_end_costs_its_own_line_alone() {
        let table = Table::parse(b"id,name\n1,a\n2,\"b\n3,c\n4,\"d\"\n");
        assert_eq!(first_fields(&table), ["1", "3", "4"]);
        assert_eq!(broken_lines(&table), [3]);
    }

    #[test]
    fn two_stray_quotes_do_not_swallow_the_rows_between() {
        let table = Table::parse(
            b"id,b,c,d,name\n1,,,,\"a\n2,,,,b\n3,,,,c\n4,,,,d \"x\"\n5,,,,\"e\n6,,,,f\n",
        );
        assert_eq!(first_fields(&table), ["2", "3", "4", "6"]);
        assert_eq!(broken_lines(&table), [2, 6]);
    }

    #[test]
    fn other_encodings_are_put_aside() {
        let table = Table::parse(b"id,name\n1,caf\xe9\n2,caf\xc3\xa9\n");
        assert_eq!(first_fields(&table), ["2"]);
        assert_eq!(table.broken[0].reason, "it is not UTF-8");
    }

    #[test]
    fn an_empty_file_has_no_columns() {
        for bytes in [&b""[..], b"\n\n", b"\xef\xbb\xbf"] {
            let table = Table::parse(bytes);
            assert!(table.header().is_empty() && table.rows.is_empty() && table.broken.is_empty());
        }
    }
}
