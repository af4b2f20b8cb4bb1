//! What a stored result was made from, and by which settings, so that what is
//! delivered twice, or late, is recognised.

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use super::{ObjectAddress, PhotoSource, beginning_ms, digest, read_time_ms, shortened_name};

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
    /// among those of other origins. The last millisecond of a second stands for an upload
    /// that is told to the second.
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
    /// promises for one key only; among those of different origins the times, as far as they
    /// are told. Where no times are known S3's sequencers have to do.
    fn order(&self, delivered: &SourceMark) -> Option<Ordering> {
        if self.origin == delivered.origin {
            let (stored, new) = (self.sequencer.as_ref()?, delivered.sequencer.as_ref()?);
            return Some(compare(stored, new));
        }
        let Some((stored, new)) = self.span_ms().zip(delivered.span_ms()) else {
            let (stored, new) = (self.uploaded_as()?, delivered.uploaded_as()?);
            let order = compare(stored, new);
            return Some(order.then_with(|| self.origin.cmp(&delivered.origin)));
        };
        if stored.start() > new.end() {
            return Some(Ordering::Greater);
        }
        if stored.end() < new.start() {
            return Some(Ordering::Less);
        }
        self.order_of_one_moment(delivered)
    }

    /// The order of two origins whose times do not say it.
    ///
    /// Of two photos the one stays, and it is always the same one, since otherwise those that
    /// are delivered again and again would take turns: the later one by S3's sequencers; the
    /// one that S3 told of, if the other one was listed, because its event comes no more; else
    /// by the origins. A message about a photo comes after its upload, of which whoever sends it
    /// knows. Beside another photo neither is later, and what is delivered is described: that
    /// may be once too often, but loses no photo, and no wishes of who sent the message.
    fn order_of_one_moment(&self, delivered: &SourceMark) -> Option<Ordering> {
        let order = match (self.is_of_upload(), delivered.is_of_upload()) {
            (true, true) => match (self.uploaded_as(), delivered.uploaded_as()) {
                (Some(stored), Some(new)) => compare(stored, new),
                (stored, new) => stored.is_some().cmp(&new.is_some()),
            },
            (false, false) => Ordering::Equal,
            (is_upload_stored, _) => {
                if self.photo()? != delivered.photo()? {
                    return None;
                }
                if is_upload_stored {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
        };
        Some(order.then_with(|| self.origin.cmp(&delivered.origin)))
    }

    /// The earliest and the latest that it may have been.
    fn span_ms(&self) -> Option<RangeInclusive<u64>> {
        let at_ms = self.at_ms?;
        // Messages are always told to the millisecond.
        let beginning = if self.is_of_upload() {
            beginning_ms(at_ms)
        } else {
            at_ms
        };
        Some(beginning..=at_ms)
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
mod tests;
