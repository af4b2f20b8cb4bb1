//! Lines out of pieces of a body, however it was cut.

use bytes::Bytes;

/// A line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its line feed; a carriage return before that is white space to
    /// JSON and stays.
    Whole(Bytes),
    /// A line over the limit, of which nothing is kept.
    TooLong,
}

/// Keeps what there is of one line, at most the limit.
#[derive(Debug)]
pub(crate) struct LineSplitter {
    limit: usize,
    begun: Vec<u8>,
    /// Whether the line that has begun is over the limit: the rest of it is
    /// passed over.
    is_too_long: bool,
}

impl LineSplitter {
    /// `limit` is the longest line, in bytes before its line feed.
    pub(crate) fn new(limit: usize) -> LineSplitter {
        LineSplitter {
            limit,
            begun: Vec::new(),
            is_too_long: false,
        }
    }

    /// The next line that ends in `received`, or that is known there to be too
    /// long; what was looked at is taken from `received`. Nothing once that is
    /// used up.
    pub(crate) fn next(&mut self, received: &mut Bytes) -> Option<Line> {
        while !received.is_empty() {
            let end = received.iter().position(|&byte| byte == b'\n');
            let part = received.split_to(end.unwrap_or(received.len()));
            if end.is_some() {
                drop(received.split_to(1));
            }
            let line = self.take(&part, end.is_some());
            if line.is_some() {
                return line;
            }
        }
        None
    }

    /// The last line, where it does not end in a line feed.
    pub(crate) fn finish(&mut self) -> Option<Line> {
        self.take(b"", true)
    }

    fn take(&mut self, part: &[u8], ends: bool) -> Option<Line> {
        let was_too_long = self.is_too_long;
        self.is_too_long |= self.begun.len() + part.len() > self.limit;
        if self.is_too_long {
            self.begun = Vec::new();
            // What follows its end is another line.
            self.is_too_long = !ends;
            return (!was_too_long).then_some(Line::TooLong);
        }
        self.begun.extend_from_slice(part);
        if !ends {
            return None;
        }
        let line = std::mem::take(&mut self.begun);
        let is_blank = line.iter().all(u8::is_ascii_whitespace);
        (!is_blank).then(|| Line::Whole(line.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of `text`, given in pieces of `size` bytes.
    fn split(text: &[u8], size: usize, limit: usize) -> Vec<Line> {
        let mut splitter = LineSplitter::new(limit);
        let mut lines = Vec::new();
        for piece in text.chunks(size) {
            let mut piece = Bytes::copy_from_slice(piece);
            lines.extend(std::iter::from_fn(|| splitter.next(&mut piece)));
            assert!(piece.is_empty());
        }
        lines.extend(splitter.finish());
        assert_eq!(splitter.finish(), None);
        lines
    }

    fn whole(line: &'static str) -> Line {
        Line::Whole(Bytes::from_static(line.as_bytes()))
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut() {
        for size in 1..30 {
            assert_eq!(
                split(b"\n{\"a\": 1}\r\n \t\r\n\n{}\nlast", size, 100),
                [whole("{\"a\": 1}\r"), whole("{}"), whole("last")],
                "{size}"
            );
        }
        assert_eq!(split(b"", 1, 100), []);
        assert_eq!(split(b"\n\n \n", 2, 100), []);
    }

    #[test]
    fn a_line_over_the_limit_spoils_no_other() {
        for size in 1..30 {
            let lines = split(b"1234\n12345\n\n123456789\n1\n12345", size, 4);
            let expected = [
                whole("1234"),
                Line::TooLong,
                Line::TooLong,
                whole("1"),
                Line::TooLong,
            ];
            assert_eq!(lines, expected, "{size}");
        }
    }

    #[test]
    fn of_a_line_over_the_limit_nothing_is_kept() {
        let mut splitter = LineSplitter::new(1_000);
        let piece = Bytes::from(vec![b'x'; 999]);
        assert_eq!(splitter.next(&mut piece.clone()), None);
        assert_eq!(splitter.next(&mut piece.clone()), Some(Line::TooLong));
        for _ in 0..1_000 {
            assert_eq!(splitter.next(&mut piece.clone()), None);
            assert_eq!(splitter.begun.capacity(), 0);
        }
        assert_eq!(
            splitter.next(&mut Bytes::from_static(b"\nok\n")),
            Some(whole("ok"))
        );
    }
}
