//! Which upload a stored result was made from, so that an event which S3
//! delivers twice is worked on once.

/// Identifies one upload of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMark {
    /// The photo's key.
    pub key: String,
    /// The entity tag of the photo, without quotes.
    pub etag: Option<String>,
    /// S3's sequencer: a hexadecimal number that grows with every write of one
    /// key. Of numbers of unequal length the shorter is padded with zeros on
    /// its right, as the S3 event documentation has it.
    pub sequencer: Option<String>,
}

impl SourceMark {
    /// Identifies a message of a queue or a topic in the place of an upload, so
    /// that its second delivery, which has the same id, is recognised.
    pub fn of_message(id: &str) -> SourceMark {
        SourceMark {
            key: format!("message/{id}"),
            etag: Some(id.to_owned()),
            sequencer: None,
        }
    }

    /// Whether a result that was made from this upload answers `event` too: it
    /// is the same upload, or a later one of the same key.
    pub fn covers(&self, event: &SourceMark) -> bool {
        if self.key != event.key {
            return false;
        }
        match (&self.sequencer, &event.sequencer) {
            (Some(stored), Some(new)) => {
                let width = stored.len().max(new.len());
                let padded = |number: &str| format!("{:0<width$}", number.to_uppercase());
                padded(stored) >= padded(new)
            }
            _ => self.etag.is_some() && self.etag == event.etag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(key: &str, etag: Option<&str>, sequencer: Option<&str>) -> SourceMark {
        SourceMark {
            key: key.to_owned(),
            etag: etag.map(str::to_owned),
            sequencer: sequencer.map(str::to_owned),
        }
    }

    #[test]
    fn the_same_event_and_an_earlier_one_are_covered() {
        let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E6"));
        assert!(stored.covers(&stored));
        assert!(stored.covers(&mark("a.jpg", Some("old"), Some("0055AED6DCD90281E5"))));
    }

    #[test]
    fn a_later_upload_is_not_covered_even_with_the_same_content() {
        let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E5"));
        assert!(!stored.covers(&mark("a.jpg", Some("e"), Some("0055aed6dcd90281e6"))));
    }

    #[test]
    fn another_key_is_not_covered() {
        let stored = mark("a.jpg", Some("e"), Some("02"));
        assert!(!stored.covers(&mark("a.png", Some("e"), Some("01"))));
    }

    #[test]
    fn sequencers_of_unequal_length_are_padded() {
        assert!(mark("a", None, Some("0056")).covers(&mark("a", None, Some("0055FF"))));
        assert!(!mark("a", None, Some("0055")).covers(&mark("a", None, Some("005501"))));
    }

    #[test]
    fn a_message_is_covered_by_itself_alone() {
        let stored = SourceMark::of_message("a");
        assert!(stored.covers(&SourceMark::of_message("a")));
        assert!(!stored.covers(&SourceMark::of_message("b")));
        assert!(!stored.covers(&mark("a", Some("a"), None)));
    }

    #[test]
    fn without_a_sequencer_the_entity_tag_decides() {
        assert!(mark("a", Some("e"), None).covers(&mark("a", Some("e"), Some("01"))));
        assert!(!mark("a", Some("e"), None).covers(&mark("a", Some("f"), None)));
        assert!(!mark("a", None, None).covers(&mark("a", None, None)));
    }
}
