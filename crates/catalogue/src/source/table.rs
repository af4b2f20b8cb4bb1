//! Tables as shops export them: CSV in which some lines are broken.

use csv::{ByteRecord, ReaderBuilder, StringRecord};

/// How much of a line that is left out is kept for the report, in characters.
const SHOWN: usize = 120;

/// In a table of at least so many columns a line inside of a quoted field may tell
/// that it is a row, and the quote before it was never meant to open.
const TELLING_COLUMNS: usize = 5;

/// The rows that have as many fields as the header, and the lines that don't.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<String>,
    rows: Vec<StringRecord>,
    pub broken: Vec<BrokenLine>,
    /// Where rows of several lines begin in a table of too few columns to tell
    /// whether they swallowed others.
    pub doubtful: Vec<u64>,
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

    /// The beginning of the row, for a person who looks for it.
    pub(crate) fn text(&self) -> String {
        let fields: Vec<&str> = self.0.iter().collect();
        fields.join(",").chars().take(SHOWN).collect()
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
            doubtful: Vec::new(),
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
            if self.has_stray_quote(raw, &record) {
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

    /// Whether a record of several lines is none: a quote in it was not meant to
    /// open a field, and what follows are rows of their own.
    fn has_stray_quote(&self, raw: &[u8], record: &ByteRecord) -> bool {
        if !raw.contains(&b'\n') {
            return false;
        }
        let wanted = self.header.len();
        ends_amiss(raw) || (wanted > 0 && record.len() != wanted) || self.holds_rows(raw, record)
    }

    /// Whether a line within the record has as many fields as the header and begins
    /// as the record does, with an id of the same kind. A text of several lines may
    /// have as many commas by chance, but seldom begins like an id.
    fn holds_rows(&self, raw: &[u8], record: &ByteRecord) -> bool {
        let first = record.get(0).unwrap_or_default();
        let wanted = self.header.len();
        if wanted < TELLING_COLUMNS || first.contains(&b'\n') {
            return false;
        }
        let mut within = raw.split(|&byte| byte == b'\n').skip(1);
        within.any(|line| {
            let mut fields = line.split(|&byte| byte == b',');
            let begins_alike = fields
                .next()
                .is_some_and(|field| kind(field) == kind(first));
            begins_alike && fields.count() == wanted - 1
        })
    }

    fn take(&mut self, record: &ByteRecord, line: u64, raw: &[u8]) {
        let Ok(row) = StringRecord::from_byte_record(record.clone()) else {
            return self.put_aside(line, "it is not UTF-8", raw);
        };
        if self.header.is_empty() {
            self.header = row.iter().map(|name| name.trim().to_owned()).collect();
        } else if row.len() == self.header.len() {
            if row.len() < TELLING_COLUMNS && raw.contains(&b'\n') {
                self.doubtful.push(line);
            }
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

/// Whether a quoted field of several lines does not end, or ends by a quote that
/// neither a comma nor the end of the line follows.
fn ends_amiss(raw: &[u8]) -> bool {
    let mut at = 0;
    while at < raw.len() {
        if raw[at] == b'"' {
            let from = at;
            at = match end_of_quoted(raw, at + 1) {
                Some(end) => end,
                None => return raw[from..].contains(&b'\n'),
            };
            let is_ended = matches!(raw.get(at), None | Some(b',' | b'\r' | b'\n'));
            if !is_ended && raw[from..at].contains(&b'\n') {
                return true;
            }
        }
        let rest = &raw[at..];
        let to_next = rest.iter().position(|byte| matches!(byte, b',' | b'\n'));
        at = to_next.map_or(raw.len(), |length| at + length + 1);
    }
    false
}

/// The place after the quote that ends a field which began before `from`; a doubled
/// quote is part of the field.
fn end_of_quoted(raw: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += raw[at..].iter().position(|&byte| byte == b'"')? + 1;
        match raw.get(at) {
            Some(b'"') => at += 1,
            _ => return Some(at),
        }
    }
}

/// What ids of one catalogue have in common: whether they are digits alone, have
/// digits, have white space; nothing is of no kind.
fn kind(field: &[u8]) -> Option<[bool; 3]> {
    let field = field.trim_ascii();
    let has = |is: fn(&u8) -> bool| field.iter().any(is);
    (!field.is_empty()).then(|| {
        [
            field.iter().all(u8::is_ascii_digit),
            has(u8::is_ascii_digit),
            has(u8::is_ascii_whitespace),
        ]
    })
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
        assert_eq!(table.doubtful, [6]);
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
    fn texts_of_several_lines_are_no_stray_quotes() {
        let fields = |text: &str| -> Vec<String> {
            let table = Table::parse(text.as_bytes());
            assert_eq!(broken_lines(&table), [0_u64; 0], "{text}");
            assert_eq!(table.doubtful.is_empty(), table.header.len() > 4);
            table.rows.iter().flatten().map(str::to_owned).collect()
        };
        // The line that ends the text has as many commas as a row.
        assert_eq!(
            fields("text,b,c,d,id\n\"a\nb\",1,2,3,4\n"),
            ["a\nb", "1", "2", "3", "4"]
        );
        // So has a line of the text.
        let text = "soft, warm, red, blue\nwash at 30, dry, iron, wear, enjoy";
        assert_eq!(
            fields(&format!("id,b,c,d,text\n7,1,2,3,\"{text}\"\n")),
            ["7", "1", "2", "3", text]
        );
        // Another field has inches.
        assert_eq!(
            fields("id,size,text\n7,5\" wide,\"a\r\nb\"\n"),
            ["7", "5\" wide", "a\r\nb"]
        );
    }

    #[test]
    fn rows_within_a_quoted_field_are_read() {
        // Both quotes stand where a field may begin or end.
        let table = Table::parse(b"id,b,c,d,name\n1,,,,\"a\n2,,,,b\n3,,,,c 5\"\n4,,,,d\n");
        assert_eq!(first_fields(&table), ["2", "3", "4"]);
        assert_eq!(broken_lines(&table), [2]);
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
