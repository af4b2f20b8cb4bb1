//! What a stored result was made from, and by which settings, so that what is
//! delivered twice, or late, is recognised.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::{ObjectAddress, PhotoSource, digest, read_time_ms, shortened_name};

/// What the origins of photos begin with that lie in S3.
const UPLOADED: &str = "s3://";
/// What the origins of messages begin with.
const MESSAGE: &str = "message/";

/// The longest origin, in bytes. All of a mark must go into the 2 KB that S3 has for the
/// metadata of an object, where a byte that is no letter or digit takes three.
const LONGEST_ORIGIN: usize = 400;

/// Identifies one upload of one object, or one message, and how it was worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceMark {
    /// Where it came from: the photo's `s3://bucket/key` (see [`origin_of_upload`]), or
    /// `message/` and the kind of channel.
    pub origin: String,
    /// The entity tag of the photo, without quotes, or the id of the message.
    pub etag: Option<String>,
    /// Its place among all of one origin. S3's sequencer is a hexadecimal number
    /// that grows with every write of one key; of numbers of unequal length the
    /// shorter is padded with zeros on its right, as the S3 event documentation
    /// has it. A message has the time at which it was sent.
    pub sequencer: Option<String>,
    /// When the photo was uploaded or the message was sent, in ms since 1970: its place
    /// among those of other origins.
    pub at_ms: Option<u64>,
    /// Which photo a message is about: see [`photo_digest`]. An upload has none, because it
    /// says so itself.
    pub photo: Option<String>,
    /// The digest of the settings that answers depend on.
    pub settings: Option<String>,
}

/// How what is stored stands to what was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was made from just that, with these settings.
    Same,
    /// It was made from the same photo with these settings, of which somebody else told.
    SamePhoto,
    /// It was made from something later.
    Later,
    /// It was made from something earlier or something else, or otherwise.
    Other,
}

/// The origin of an upload: its address, or of a very long one the beginning and a digest.
pub fn origin_of_upload(photo: &ObjectAddress) -> String {
    shortened_name(&photo.to_string(), LONGEST_ORIGIN).into_owned()
}

/// Tells the photo of a message from others: a digest of its address and its entity tag, or
/// of its bytes. Nothing where the entity tag is not known.
pub fn photo_digest(photo: &PhotoSource) -> Option<String> {
    match photo {
        PhotoSource::Bytes(bytes) => Some(digest([&bytes[..]])),
        PhotoSource::Object(_) => None,
        PhotoSource::State(state) => {
            Some(state_digest(&origin_of_upload(&state.address), &state.etag))
        }
    }
}

fn state_digest(address: &str, etag: &str) -> String {
    digest([address.as_bytes(), etag.as_bytes()])
}

impl SourceMark {
    /// Identifies a message of a queue or a topic in the place of an upload: its
    /// second delivery has the same id. `sent` is when it was sent, in a form that
    /// grows with time and is the same for all messages of such a `channel`.
    pub fn of_message(channel: &str, id: &str, sent: Option<&str>) -> SourceMark {
        SourceMark {
            origin: format!("{MESSAGE}{channel}"),
            etag: Some(id.to_owned()),
            sequencer: sent.map(str::to_owned),
            at_ms: sent.and_then(read_time_ms),
            ..SourceMark::default()
        }
    }

    /// Its JSON, as results and records of failures have it.
    pub fn to_json(&self) -> Value {
        json!({
            "origin": self.origin,
            "etag": self.etag,
            "sequencer": self.sequencer,
            "at_ms": self.at_ms,
            "photo": self.photo,
            "settings": self.settings
        })
    }

    /// Whether it is an upload of a photo, and so about just one state of it.
    pub fn is_of_upload(&self) -> bool {
        self.origin.starts_with(UPLOADED)
    }

    /// How a result that was made from this stands to `delivered`. A photo that
    /// was replaced is not described again, whatever the settings: that would put
    /// an old text in the place of a newer one.
    pub fn standing(&self, delivered: &SourceMark) -> Standing {
        let order = self.order(delivered);
        if order == Some(Ordering::Greater) {
            return Standing::Later;
        }
        if self.settings != delivered.settings {
            return Standing::Other;
        }
        if self.is_of_same_delivery(delivered, order) {
            return Standing::Same;
        }
        if self.is_of_same_work(delivered) {
            return Standing::SamePhoto;
        }
        Standing::Other
    }

    /// Whether one of the two is a message about the photo that the other one is about as well,
    /// by the same settings: what is done for the one is done for the other. Whoever uploads a
    /// photo once more, on the other hand, wants it to be described once more.
    pub fn is_of_same_work(&self, other: &SourceMark) -> bool {
        let is_of_message = |mark: &SourceMark| mark.origin.starts_with(MESSAGE);
        let photo = self.photo();
        (is_of_message(self) || is_of_message(other))
            && self.settings == other.settings
            && photo.is_some()
            && photo == other.photo()
    }

    fn is_of_same_delivery(&self, delivered: &SourceMark, order: Option<Ordering>) -> bool {
        if self.origin != delivered.origin {
            return false;
        }
        let same_etag = self.etag.is_some() && self.etag == delivered.etag;
        match order {
            // Two messages may be sent within one tick of the clock.
            Some(Ordering::Equal) => same_etag || self.etag.is_none() || delivered.etag.is_none(),
            Some(_) => false,
            None => same_etag,
        }
    }

    /// Which of the two is later. Among those of one origin sequencers say it, which S3
    /// promises for one key only; among those of different origins the times. Where these are
    /// equal or missing S3's sequencers have to do, and then the origin: any order is better
    /// than none, since without one two photos that are delivered again and again would take
    /// turns.
    fn order(&self, delivered: &SourceMark) -> Option<Ordering> {
        if self.origin == delivered.origin {
            let (stored, new) = (self.sequencer.as_ref()?, delivered.sequencer.as_ref()?);
            return Some(compare(stored, new));
        }
        let of_times = self.at_ms.zip(delivered.at_ms);
        let of_times = of_times.map(|(stored, new)| stored.cmp(&new));
        let of_sequencers = || {
            let (stored, new) = (self.uploaded_as()?, delivered.uploaded_as()?);
            Some(compare(stored, new))
        };
        let order = match of_times {
            None => of_sequencers()?,
            Some(Ordering::Equal) => of_sequencers().unwrap_or(Ordering::Equal),
            Some(order) => order,
        };
        Some(order.then_with(|| self.origin.cmp(&delivered.origin)))
    }

    /// The sequencer of an upload.
    fn uploaded_as(&self) -> Option<&str> {
        self.sequencer.as_deref().filter(|_| self.is_of_upload())
    }

    fn photo(&self) -> Option<String> {
        if self.is_of_upload() {
            let etag = self.etag.as_ref()?;
            return Some(state_digest(&self.origin, etag));
        }
        self.photo.clone()
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
    use crate::domain::ObjectState;

    fn mark(origin: &str, etag: Option<&str>, sequencer: Option<&str>) -> SourceMark {
        SourceMark {
            origin: origin.to_owned(),
            etag: etag.map(str::to_owned),
            sequencer: sequencer.map(str::to_owned),
            settings: Some("s1".to_owned()),
            ..SourceMark::default()
        }
    }

    fn at(mark: SourceMark, at_ms: u64) -> SourceMark {
        SourceMark {
            at_ms: Some(at_ms),
            ..mark
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
    fn of_two_origins_the_later_one_stands_whatever_is_delivered_again() {
        let jpeg = at(mark("s3://b/7.jpg", Some("e"), Some("09")), 1_000);
        let png = at(mark("s3://b/7.png", Some("f"), Some("01")), 2_000);
        assert_eq!(jpeg.standing(&png), Standing::Other);
        assert_eq!(png.standing(&jpeg), Standing::Later);
        // Of one moment: the one stays, and it is always the same one.
        let beside = at(png.clone(), 1_000);
        assert_eq!(beside.standing(&jpeg), Standing::Other);
        assert_eq!(jpeg.standing(&beside), Standing::Later);
        let listed = |key: &str| at(mark(key, Some("e"), None), 1_000);
        let (jpeg, beside) = (listed("s3://b/7.jpg"), listed("s3://b/7.png"));
        assert_eq!(jpeg.standing(&beside), Standing::Other);
        assert_eq!(beside.standing(&jpeg), Standing::Later);
        let sent = |ms: &str| SourceMark::of_message("sqs", "m1", Some(ms));
        assert_eq!(png.standing(&sent("1500")), Standing::Later);
        assert_eq!(png.standing(&sent("2500")), Standing::Other);
        let topic = SourceMark::of_message("sns", "m2", Some("1970-01-01T00:00:02.500Z"));
        assert_eq!(topic.standing(&sent("2499")), Standing::Later);
        assert_eq!(topic.standing(&sent("2501")), Standing::Other);
    }

    #[test]
    fn where_no_time_is_known_the_sequencers_of_two_photos_are_compared() {
        let jpeg = mark("s3://b/7.jpg", Some("e"), Some("01"));
        let png = mark("s3://b/7.png", Some("f"), Some("02"));
        assert_eq!(jpeg.standing(&png), Standing::Other);
        assert_eq!(png.standing(&jpeg), Standing::Later);
        let unknown = mark("s3://b/7.png", Some("f"), None);
        assert_eq!(unknown.standing(&jpeg), Standing::Other);
    }

    #[test]
    fn a_message_about_a_photo_that_is_described_is_about_the_same_photo() {
        let upload = mark("s3://b/7.jpg", Some("e"), Some("01"));
        let about = |id: &str, etag: &str| SourceMark {
            photo: Some(state_digest("s3://b/7.jpg", etag)),
            settings: Some("s1".to_owned()),
            ..SourceMark::of_message("sqs", id, None)
        };
        assert_eq!(upload.standing(&about("m1", "e")), Standing::SamePhoto);
        assert_eq!(about("m1", "e").standing(&upload), Standing::SamePhoto);
        assert_eq!(
            about("m1", "e").standing(&about("m2", "e")),
            Standing::SamePhoto
        );
        assert_eq!(upload.standing(&about("m1", "f")), Standing::Other);
        let otherwise = SourceMark {
            settings: Some("s2".to_owned()),
            ..about("m1", "e")
        };
        assert_eq!(upload.standing(&otherwise), Standing::Other);
    }

    #[test]
    fn the_photo_of_a_message_is_told_by_its_state_or_its_bytes() {
        let state = |etag: &str| {
            photo_digest(&PhotoSource::State(ObjectState {
                address: "s3://bucket/7.jpg".parse().unwrap(),
                etag: etag.to_owned(),
            }))
        };
        let upload = mark("s3://bucket/7.jpg", Some("e"), None);
        assert_eq!(state("e"), upload.photo());
        assert_ne!(state("f"), upload.photo());
        let bytes = |text: &'static str| photo_digest(&PhotoSource::Bytes(text.into()));
        assert!(bytes("a").is_some() && bytes("a") == bytes("a") && bytes("a") != bytes("b"));
        let unknown = PhotoSource::Object("s3://bucket/7.jpg".parse().unwrap());
        assert_eq!(photo_digest(&unknown), None);
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
