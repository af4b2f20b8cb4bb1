//! What a stored result was made from, and by which settings, so that what is
//! delivered twice, or late, is recognised.

use std::cmp::Ordering;

use serde_json::{Value, json};

/// Identifies one upload of one object, or one message, and how it was worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMark {
    /// Where it came from: the photo's `s3://bucket/key`, or `message/` and the
    /// kind of channel.
    pub origin: String,
    /// The entity tag of the photo, without quotes, or the id of the message.
    pub etag: Option<String>,
    /// Its place among all of one origin. S3's sequencer is a hexadecimal number
    /// that grows with every write of one key; of numbers of unequal length the
    /// shorter is padded with zeros on its right, as the S3 event documentation
    /// has it. A message has the time at which it was sent.
    pub sequencer: Option<String>,
    /// The digest of the settings that answers depend on.
    pub settings: Option<String>,
}

/// How what is stored stands to what was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was made from just that, with these settings.
    Same,
    /// It was made from something later.
    Later,
    /// It was made from something earlier or something else, or otherwise.
    Other,
}

impl SourceMark {
    /// Identifies a message of a queue or a topic in the place of an upload: its
    /// second delivery has the same id. `sent` is when it was sent, in a form that
    /// grows with time and is the same for all messages of such a `channel`.
    pub fn of_message(channel: &str, id: &str, sent: Option<&str>) -> SourceMark {
        SourceMark {
            origin: format!("message/{channel}"),
            etag: Some(id.to_owned()),
            sequencer: sent.map(str::to_owned),
            settings: None,
        }
    }

    /// Its JSON, as results and records of failures have it.
    pub fn to_json(&self) -> Value {
        json!({
            "origin": self.origin,
            "etag": self.etag,
            "sequencer": self.sequencer,
            "settings": self.settings
        })
    }

    /// How a result that was made from this stands to `delivered`. A photo that
    /// was replaced is not described again, whatever the settings: that would put
    /// an old text in the place of a newer one.
    pub fn standing(&self, delivered: &SourceMark) -> Standing {
        if self.origin != delivered.origin {
            return Standing::Other;
        }
        let same_etag = self.etag.is_some() && self.etag == delivered.etag;
        let same_version = match (&self.sequencer, &delivered.sequencer) {
            (Some(stored), Some(new)) => match compare(stored, new) {
                Ordering::Greater => return Standing::Later,
                // Two messages may be sent within one tick of the clock.
                Ordering::Equal => same_etag || self.etag.is_none() || delivered.etag.is_none(),
                Ordering::Less => false,
            },
            _ => same_etag,
        };
        if same_version && self.settings == delivered.settings {
            Standing::Same
        } else {
            Standing::Other
        }
    }
}

fn compare(one: &str, other: &str) -> Ordering {
    let width = one.len().max(other.len());
    let padded = |number: &str| format!("{:0<width$}", number.to_uppercase());
    padded(one).cmp(&padded(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(origin: &str, etag: Option<&str>, sequencer: Option<&str>) -> SourceMark {
        SourceMark {
            origin: origin.to_owned(),
            etag: etag.map(str::to_owned),
            sequencer: sequencer.map(str::to_owned),
            settings: Some("s1".to_owned()),
        }
    }

    #[test]
    fn the_same_event_is_the_same_and_an_earlier_one_is_late() {
        let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E6"));
        assert_eq!(stored.standing(&stored), Standing::Same);
        let earlier = mark("a.jpg", Some("old"), Some("0055AED6DCD90281E5"));
        assert_eq!(stored.standing(&earlier), Standing::Later);
    }

    #[test]
    fn a_later_upload_is_another_even_with_the_same_content() {
        let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E5"));
        let later = mark("a.jpg", Some("e"), Some("0055aed6dcd90281e6"));
        assert_eq!(stored.standing(&later), Standing::Other);
    }

    #[test]
    fn another_origin_is_another() {
        let stored = mark("a.jpg", Some("e"), Some("02"));
        let other = mark("a.png", Some("e"), Some("01"));
        assert_eq!(stored.standing(&other), Standing::Other);
    }

    #[test]
    fn sequencers_of_unequal_length_are_padded() {
        let standing =
            |stored, new| mark("a", None, Some(stored)).standing(&mark("a", None, Some(new)));
        assert_eq!(standing("0056", "0055FF"), Standing::Later);
        assert_eq!(standing("0055", "005500"), Standing::Same);
        assert_eq!(standing("0055", "005501"), Standing::Other);
    }

    #[test]
    fn a_message_is_the_same_as_itself_and_late_after_one_sent_later() {
        let message = |id, sent| SourceMark::of_message("sqs", id, sent);
        assert_eq!(
            message("a", None).standing(&message("a", None)),
            Standing::Same
        );
        assert_eq!(
            message("a", None).standing(&message("b", None)),
            Standing::Other
        );
        let stored = message("b", Some("1763976600001"));
        let earlier = message("a", Some("1763976600000"));
        assert_eq!(stored.standing(&earlier), Standing::Later);
        assert_eq!(earlier.standing(&stored), Standing::Other);
        // Sent at the same time: neither is late.
        let beside = message("c", Some("1763976600001"));
        assert_eq!(stored.standing(&beside), Standing::Other);
        assert_eq!(
            stored.standing(&mark("a", Some("a"), None)),
            Standing::Other
        );
    }

    #[test]
    fn without_a_sequencer_the_entity_tag_decides() {
        let stored = mark("a", Some("e"), None);
        assert_eq!(
            stored.standing(&mark("a", Some("e"), Some("01"))),
            Standing::Same
        );
        assert_eq!(
            stored.standing(&mark("a", Some("f"), None)),
            Standing::Other
        );
        let bare = mark("a", None, None);
        assert_eq!(bare.standing(&bare), Standing::Other);
    }

    #[test]
    fn other_settings_are_other_work_unless_the_photo_was_replaced() {
        let stored = mark("a", Some("e"), Some("02"));
        let settings = |sequencer| SourceMark {
            settings: Some("s2".to_owned()),
            ..mark("a", Some("e"), Some(sequencer))
        };
        assert_eq!(stored.standing(&settings("02")), Standing::Other);
        assert_eq!(stored.standing(&settings("01")), Standing::Later);
    }
}
