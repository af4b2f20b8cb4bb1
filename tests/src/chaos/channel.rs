//! The ways by which photos are told of.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::plan::Version;

/// By which way a product's photos are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// S3's notification.
    S3,
    /// S3's event through EventBridge.
    EventBridge,
    /// S3's notification through a topic.
    Sns,
    /// A message of one's own through a topic.
    SnsOwn,
    /// S3's notification in a queue.
    SqsS3,
    /// EventBridge's event in a queue.
    SqsEventBridge,
    /// S3's notification, through a topic into a queue.
    SqsSns,
    /// A message of one's own in a queue.
    SqsOwn,
}

impl Channel {
    /// All of them.
    pub const ALL: [Channel; 8] = [
        Channel::S3,
        Channel::EventBridge,
        Channel::Sns,
        Channel::SnsOwn,
        Channel::SqsS3,
        Channel::SqsEventBridge,
        Channel::SqsSns,
        Channel::SqsOwn,
    ];

    /// Whether a queue delivers it; else it is an asynchronous invocation.
    pub fn is_queue(self) -> bool {
        match self {
            Channel::S3 | Channel::EventBridge | Channel::Sns | Channel::SnsOwn => false,
            Channel::SqsS3 | Channel::SqsEventBridge | Channel::SqsSns | Channel::SqsOwn => true,
        }
    }

    /// Whether it tells the second of an upload alone.
    pub fn is_coarse(self) -> bool {
        matches!(self, Channel::EventBridge | Channel::SqsEventBridge)
    }

    /// Whether it brings messages of one's own.
    pub fn is_own(self) -> bool {
        matches!(self, Channel::SnsOwn | Channel::SqsOwn)
    }

    /// Another one by which a product's photos may be told of as well, if there is one.
    pub fn beside(self, rng: &mut ChaCha8Rng) -> Option<Channel> {
        let others: &[Channel] = match self {
            Channel::EventBridge | Channel::SqsEventBridge => &[Channel::SqsS3, Channel::SqsOwn],
            Channel::S3 | Channel::SqsS3 => &[Channel::SqsOwn],
            Channel::Sns | Channel::SnsOwn | Channel::SqsSns | Channel::SqsOwn => return None,
        };
        Some(others[rng.random_range(0..others.len())])
    }
}

/// A message or an event: one photo, told of by one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// The way.
    pub channel: Channel,
    /// The photo.
    pub version: Version,
}

impl Message {
    /// Its id: the same for every delivery.
    pub fn id(self) -> String {
        format!(
            "{:08x}-{:04x}-4000-8000-{:012x}",
            self.version.product, self.channel as u16, self.version.number
        )
    }
}
