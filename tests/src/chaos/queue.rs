//! A standard queue as SQS keeps it, read by an event source mapping of Lambda.
//!
//! A message that is received is invisible for the visibility timeout, and comes
//! again unless it is deleted by then. Received more often than the redrive policy
//! allows, it goes to the dead-letter queue instead. Delivery is at least once: a
//! message may be there in several copies, each delivered until it is deleted.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html>
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html>

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::channel::Message;
use super::dead_letters::{DeadLetter, Ending};

/// One copy of a message, received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Which copy.
    pub copy: u64,
    /// Of which message.
    pub message: Message,
    /// How often it was received, with this time.
    pub receives: u32,
}

/// The queue. Times are since the run began.
#[derive(Debug)]
pub struct Queue {
    visibility: Duration,
    max_receives: u32,
    next_copy: u64,
    copies: BTreeMap<u64, Entry>,
    dead: Vec<DeadLetter>,
}

#[derive(Debug)]
struct Entry {
    message: Message,
    visible_at: Duration,
    receives: u32,
    endings: Vec<Ending>,
}

impl Queue {
    /// An empty queue.
    pub fn new(visibility: Duration, max_receives: u32) -> Queue {
        Queue {
            visibility,
            max_receives,
            next_copy: 0,
            copies: BTreeMap::new(),
            dead: Vec::new(),
        }
    }

    /// Puts a message in, or another copy of it.
    pub fn send(&mut self, message: Message, now: Duration) {
        let entry = Entry {
            message,
            visible_at: now,
            receives: 0,
            endings: Vec::new(),
        };
        self.copies.insert(self.next_copy, entry);
        self.next_copy += 1;
    }

    /// Receives what is visible, at most so many, no two copies of one message.
    pub fn receive(&mut self, most: usize, now: Duration) -> Vec<Received> {
        self.bury(now);
        let mut batch: Vec<Received> = Vec::new();
        for (&copy, entry) in &mut self.copies {
            if batch.len() == most {
                break;
            }
            let is_there = batch.iter().any(|other| other.message == entry.message);
            if entry.visible_at > now || is_there {
                continue;
            }
            entry.receives += 1;
            entry.visible_at = now + self.visibility;
            batch.push(Received {
                copy,
                message: entry.message,
                receives: entry.receives,
            });
        }
        batch
    }

    /// Deletes a copy that was worked off.
    pub fn delete(&mut self, copy: u64) {
        self.copies.remove(&copy);
    }

    /// Notes how the last delivery of a copy ended that is not deleted.
    pub fn not_done(&mut self, copy: u64, ending: Ending) {
        if let Some(entry) = self.copies.get_mut(&copy) {
            entry.endings.push(ending);
        }
    }

    /// Whether a delivery with so many receives is the last before the redrive.
    pub fn is_last(&self, received: Received) -> bool {
        received.receives >= self.max_receives
    }

    /// How many copies are visible.
    pub fn visible(&self, now: Duration) -> usize {
        let is_visible = |copy: &&Entry| copy.visible_at <= now;
        self.copies.values().filter(is_visible).count()
    }

    /// When the next copy becomes visible that is not yet.
    pub fn next_visible(&self, now: Duration) -> Option<Duration> {
        let times = self.copies.values().map(|copy| copy.visible_at);
        times.filter(|time| *time > now).min()
    }

    /// Whether no message is left.
    pub fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// The messages that went to the dead-letter queue.
    pub fn into_dead(self) -> Vec<DeadLetter> {
        self.dead
    }

    /// Moves what was received too often, and is visible again, to the dead letters.
    fn bury(&mut self, now: Duration) {
        let most = self.max_receives;
        let is_dead = |copy: &Entry| copy.visible_at <= now && copy.receives >= most;
        let dead: Vec<u64> = self
            .copies
            .iter()
            .filter(|(_, copy)| is_dead(copy))
            .map(|(&number, _)| number)
            .collect();
        for number in dead {
            if let Some(copy) = self.copies.remove(&number) {
                self.dead.push(DeadLetter {
                    version: copy.message.version,
                    endings: copy.endings,
                });
            }
        }
    }
}

/// The message ids that an answer to a batch of `sent` ids reports as failed; nothing
/// where Lambda takes the answer for a failure of the whole batch: it is not in the
/// form, or has an id that is none of the batch's.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
pub fn reported(answer: &Value, sent: &[String]) -> Option<Vec<String>> {
    let failures = match &answer["batchItemFailures"] {
        // An answer without the list, or with an empty one, is a success of all.
        Value::Null => return Some(Vec::new()),
        Value::Array(failures) => failures,
        _ => return None,
    };
    failures
        .iter()
        .map(|failure| {
            let id = failure["itemIdentifier"].as_str()?;
            sent.iter().any(|sent| sent == id).then(|| id.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chaos::channel::Channel;
    use crate::chaos::plan::Version;

    fn message(product: usize) -> Message {
        Message {
            channel: Channel::SqsS3,
            version: Version { product, number: 1 },
        }
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_is_not_deleted_comes_again_after_its_timeout() {
        let mut queue = Queue::new(at(10), 3);
        queue.send(message(1), at(0));
        queue.send(message(2), at(0));
        let first = queue.receive(10, at(0));
        assert_eq!(first.len(), 2);
        assert_eq!(
            (queue.visible(at(9)), queue.next_visible(at(9))),
            (0, Some(at(10)))
        );
        assert!(queue.receive(10, at(9)).is_empty());
        queue.delete(first[0].copy);
        let again = queue.receive(10, at(10));
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].message, again[0].receives), (message(2), 2));
        queue.delete(again[0].copy);
        assert!(queue.is_empty() && queue.into_dead().is_empty());
    }

    #[test]
    fn the_redrive_takes_what_was_received_too_often() {
        let mut queue = Queue::new(at(1), 2);
        queue.send(message(1), at(0));
        for (time, ending) in [(0, Ending::Reported), (1, Ending::Killed)] {
            let received = queue.receive(1, at(time))[0];
            assert_eq!(queue.is_last(received), time == 1);
            queue.not_done(received.copy, ending);
        }
        assert!(!queue.is_empty());
        assert!(queue.receive(1, at(2)).is_empty() && queue.is_empty());
        let dead = DeadLetter {
            version: message(1).version,
            endings: vec![Ending::Reported, Ending::Killed],
        };
        assert_eq!(queue.into_dead(), [dead]);
    }

    #[test]
    fn copies_of_a_message_come_each_but_not_together() {
        let mut queue = Queue::new(at(10), 3);
        queue.send(message(1), at(0));
        queue.send(message(1), at(0));
        queue.send(message(2), at(0));
        let batch = queue.receive(10, at(0));
        let versions: Vec<usize> = batch
            .iter()
            .map(|one| one.message.version.product)
            .collect();
        assert_eq!(versions, [1, 2]);
        assert_eq!(queue.receive(10, at(0)).len(), 1);
    }

    #[test]
    fn an_answer_is_read_as_lambda_reads_it() {
        let sent = ["a".to_owned(), "b".to_owned()];
        let read = |answer: Value| reported(&answer, &sent);
        let ids = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        let item = |id: &str| json!({"itemIdentifier": id});
        assert_eq!(read(json!({"batchItemFailures": []})), ids(&[]));
        assert_eq!(read(json!(null)), ids(&[]));
        assert_eq!(read(json!({"batchItemFailures": [item("b")]})), ids(&["b"]));
        for wrong in [
            json!([item("c")]),
            json!([item("")]),
            json!([{}]),
            json!("a"),
        ] {
            assert_eq!(read(json!({"batchItemFailures": wrong})), None, "{wrong}");
        }
    }
}
