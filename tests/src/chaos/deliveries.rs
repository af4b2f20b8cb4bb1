//! What waits to be delivered, by the queue or as asynchronous invocations, and what
//! an invocation's end means for it.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::asynchronous::{Asynchronous, Attempt};
use super::channel::Message;
use super::dead_letters::{DeadLetter, Ending};
use super::plan::Version;
use super::queue::{Queue, Received, reported};

/// The most messages of a batch, as event source mappings have it by default.
const MOST_OF_A_BATCH: usize = 10;

/// After so many receives a message goes to the dead-letter queue.
const MAX_RECEIVES: u32 = 5;

/// The shortest pause before an event is tried again: longer than the function leaves
/// a dependency alone at first.
const SHORTEST_PAUSE: Duration = Duration::from_secs(3);

/// What an invocation delivers.
#[derive(Debug)]
pub enum Delivery {
    /// Messages of the queue.
    Batch(Vec<Received>),
    /// One event.
    Event(Attempt),
}

impl Delivery {
    /// The photos that it tells of.
    pub fn versions(&self) -> Vec<Version> {
        match self {
            Delivery::Batch(received) => received.iter().map(|one| one.message.version).collect(),
            Delivery::Event(attempt) => vec![attempt.message.version],
        }
    }
}

/// All that waits. Times are since the run began.
#[derive(Debug)]
pub struct Deliveries {
    queue: Queue,
    asynchronous: Asynchronous,
}

impl Deliveries {
    /// None yet, for invocations that last at most `timeout`.
    pub fn new(timeout: Duration) -> Deliveries {
        // A process that is killed at the end of its invocation's time must be dead
        // when its messages come again.
        let visibility = timeout + Duration::from_secs(1);
        Deliveries {
            queue: Queue::new(visibility, MAX_RECEIVES),
            asynchronous: Asynchronous::new((timeout / 2).max(SHORTEST_PAUSE)),
        }
    }

    /// Somebody tells of a photo.
    pub fn send(&mut self, message: Message, now: Duration) {
        match message.channel.is_queue() {
            true => self.queue.send(message, now),
            false => self.asynchronous.send(message, now),
        }
    }

    /// What is delivered next.
    pub fn next(&mut self, rng: &mut ChaCha8Rng, now: Duration) -> Option<Delivery> {
        let most = rng.random_range(1..=MOST_OF_A_BATCH);
        // Batches have several messages: the events come more often.
        match rng.random_bool(0.3) {
            true => self.batch(most, now).or_else(|| self.event(now)),
            false => self.event(now).or_else(|| self.batch(most, now)),
        }
    }

    fn batch(&mut self, most: usize, now: Duration) -> Option<Delivery> {
        let received = self.queue.receive(most, now);
        (!received.is_empty()).then_some(Delivery::Batch(received))
    }

    fn event(&mut self, now: Duration) -> Option<Delivery> {
        self.asynchronous.take(now).map(Delivery::Event)
    }

    /// Whether something of it is delivered for the last time.
    pub fn is_last(&self, delivery: &Delivery) -> bool {
        match delivery {
            Delivery::Batch(received) => received.iter().any(|one| self.queue.is_last(*one)),
            Delivery::Event(attempt) => attempt.is_last,
        }
    }

    /// Draws the consequences of an invocation's end, as SQS and Lambda do. `answer`
    /// is that of an invocation that was answered. Says what of it was not worked off.
    pub fn settle(
        &mut self,
        delivery: Delivery,
        ending: Ending,
        answer: &Value,
        now: Duration,
    ) -> Vec<Version> {
        let received = match delivery {
            Delivery::Event(attempt) if ending == Ending::Done => {
                self.asynchronous.done(attempt.copy);
                return Vec::new();
            }
            Delivery::Event(attempt) => {
                self.asynchronous.not_done(attempt.copy, ending, now);
                return vec![attempt.message.version];
            }
            Delivery::Batch(received) => received,
        };
        let ids: Vec<String> = received.iter().map(|one| one.message.id()).collect();
        let failed = match ending {
            Ending::Done => reported(answer, &ids),
            _ => None,
        };
        let mut left = Vec::new();
        for (one, id) in received.iter().zip(&ids) {
            let ending = match &failed {
                Some(failed) if !failed.contains(id) => {
                    self.queue.delete(one.copy);
                    continue;
                }
                Some(_) => Ending::Reported,
                // An answer that can't be read is a failure of the batch.
                None if ending == Ending::Done => Ending::Failed,
                None => ending,
            };
            self.queue.not_done(one.copy, ending);
            left.push(one.message.version);
        }
        left
    }

    /// How many could be delivered now.
    pub fn ready(&self, now: Duration) -> usize {
        self.queue.visible(now) + self.asynchronous.due(now)
    }

    /// When the next one can be delivered that can't be yet.
    pub fn next_ready(&self, now: Duration) -> Option<Duration> {
        let times = [
            self.queue.next_visible(now),
            self.asynchronous.next_due(now),
        ];
        times.into_iter().flatten().min()
    }

    /// Whether nothing is left, also nothing that is under way.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.asynchronous.is_empty()
    }

    /// What was given up.
    pub fn into_dead(self) -> Vec<DeadLetter> {
        let mut dead = self.queue.into_dead();
        dead.extend(self.asynchronous.into_dead());
        dead
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use serde_json::json;

    use super::*;
    use crate::chaos::channel::Channel;

    const TIMEOUT: Duration = Duration::from_secs(10);

    fn message(channel: Channel, product: usize) -> Message {
        Message {
            channel,
            version: Version { product, number: 1 },
        }
    }

    /// Delivers everything once and ends it so; says what is ready after a long time.
    fn after(channel: Channel, ending: Ending, answer: &Value) -> usize {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut deliveries = Deliveries::new(TIMEOUT);
        for product in 1..=2 {
            deliveries.send(message(channel, product), Duration::ZERO);
        }
        while let Some(delivery) = deliveries.next(&mut rng, Duration::ZERO) {
            deliveries.settle(delivery, ending, answer, Duration::ZERO);
        }
        deliveries.ready(100 * TIMEOUT)
    }

    #[test]
    fn what_failed_or_was_killed_comes_again_and_what_was_done_does_not() {
        for (channel, ending, again) in [
            (Channel::S3, Ending::Done, 0),
            (Channel::S3, Ending::Failed, 2),
            (Channel::SqsS3, Ending::Done, 0),
            (Channel::SqsS3, Ending::Killed, 2),
        ] {
            let answer = json!({"batchItemFailures": []});
            let ready = after(channel, ending, &answer);
            assert_eq!(ready, again, "{channel:?} {ending:?}");
        }
    }

    #[test]
    fn of_a_batch_only_what_is_reported_comes_again() {
        let mut deliveries = Deliveries::new(TIMEOUT);
        for product in 1..=3 {
            deliveries.send(message(Channel::SqsOwn, product), Duration::ZERO);
        }
        let batch = deliveries.batch(3, Duration::ZERO).unwrap();
        assert_eq!(batch.versions().len(), 3);
        let second = message(Channel::SqsOwn, 2);
        let failed = json!({"itemIdentifier": second.id()});
        let answer = json!({"batchItemFailures": [failed]});
        let left = deliveries.settle(batch, Ending::Done, &answer, Duration::ZERO);
        assert_eq!(left, [second.version]);
        let again = deliveries.batch(3, 2 * TIMEOUT).unwrap();
        assert_eq!(again.versions(), [second.version]);
    }

    #[test]
    fn a_photo_that_is_told_of_by_two_ways_may_be_twice_in_a_batch() {
        let mut deliveries = Deliveries::new(TIMEOUT);
        let messages = [Channel::SqsS3, Channel::SqsOwn].map(|channel| message(channel, 1));
        for message in messages {
            deliveries.send(message, Duration::ZERO);
        }
        let batch = deliveries.batch(3, Duration::ZERO).unwrap();
        assert_eq!(batch.versions(), messages.map(|message| message.version));
        // Of the two the one that is reported comes again.
        let failed = json!({"itemIdentifier": messages[1].id()});
        let answer = json!({"batchItemFailures": [failed]});
        let left = deliveries.settle(batch, Ending::Done, &answer, Duration::ZERO);
        assert_eq!(left, [messages[1].version]);
        let Some(Delivery::Batch(again)) = deliveries.batch(3, 2 * TIMEOUT) else {
            panic!("it does not come again");
        };
        assert_eq!(again[0].message, messages[1]);
    }
}
