//! Asynchronous invocations as Lambda makes them: an event whose invocation fails is
//! tried twice more, after pauses, and then goes to the dead-letter queue. Lambda
//! may deliver an event more than once.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html>

use std::collections::BTreeMap;
use std::time::Duration;

use super::channel::Message;
use super::dead_letters::{DeadLetter, Ending};

/// The first attempt and two retries.
const ATTEMPTS: usize = 3;

/// An event whose invocation may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which copy of it.
    pub copy: u64,
    /// Which event.
    pub message: Message,
    /// Whether no retry follows.
    pub is_last: bool,
}

/// The events that wait. Times are since the run began.
#[derive(Debug)]
pub struct Asynchronous {
    pause: Duration,
    next_copy: u64,
    waiting: BTreeMap<u64, Waiting>,
    dead: Vec<DeadLetter>,
}

#[derive(Debug)]
struct Waiting {
    message: Message,
    /// When it may begin; nothing while it is under way.
    due: Option<Duration>,
    endings: Vec<Ending>,
}

impl Asynchronous {
    /// None yet. The second retry waits twice as long as the first one; Lambda's
    /// pauses are one and two minutes.
    pub fn new(pause: Duration) -> Asynchronous {
        Asynchronous {
            pause,
            next_copy: 0,
            waiting: BTreeMap::new(),
            dead: Vec::new(),
        }
    }

    /// Takes an event, or another copy of it.
    pub fn send(&mut self, message: Message, now: Duration) {
        let event = Waiting {
            message,
            due: Some(now),
            endings: Vec::new(),
        };
        self.waiting.insert(self.next_copy, event);
        self.next_copy += 1;
    }

    /// The next event that is due. It is under way from now on.
    pub fn take(&mut self, now: Duration) -> Option<Attempt> {
        let is_due = |event: &Waiting| event.due.is_some_and(|due| due <= now);
        let (&copy, event) = self.waiting.iter_mut().find(|(_, event)| is_due(event))?;
        event.due = None;
        Some(Attempt {
            copy,
            message: event.message,
            is_last: event.endings.len() + 1 == ATTEMPTS,
        })
    }

    /// An event's invocation has succeeded.
    pub fn done(&mut self, copy: u64) {
        self.waiting.remove(&copy);
    }

    /// An event's invocation has failed: it is tried again, or given up.
    pub fn not_done(&mut self, copy: u64, ending: Ending, now: Duration) {
        let Some(event) = self.waiting.get_mut(&copy) else {
            return;
        };
        event.endings.push(ending);
        let failures = event.endings.len();
        if failures < ATTEMPTS {
            event.due = Some(now + self.pause * (1_u32 << (failures - 1)));
            return;
        }
        if let Some(event) = self.waiting.remove(&copy) {
            self.dead.push(DeadLetter {
                version: event.message.version,
                endings: event.endings,
            });
        }
    }

    /// How many are due.
    pub fn due(&self, now: Duration) -> usize {
        let is_due = |event: &&Waiting| event.due.is_some_and(|due| due <= now);
        self.waiting.values().filter(is_due).count()
    }

    /// When the next one is due that is not yet.
    pub fn next_due(&self, now: Duration) -> Option<Duration> {
        let times = self.waiting.values().filter_map(|event| event.due);
        times.filter(|time| *time > now).min()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The events that were given up.
    pub fn into_dead(self) -> Vec<DeadLetter> {
        self.dead
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chaos::channel::Channel;
    use crate::chaos::plan::Version;

    const MESSAGE: Message = Message {
        channel: Channel::S3,
        version: Version {
            product: 1,
            number: 1,
        },
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_event_is_tried_three_times_with_pauses_that_double() {
        let mut events = Asynchronous::new(at(10));
        events.send(MESSAGE, at(0));
        for (time, due) in [(0, Some(at(10))), (10, Some(at(30))), (30, None)] {
            let attempt = events.take(at(time)).unwrap();
            assert_eq!(attempt.is_last, time == 30);
            assert!(events.take(at(time)).is_none());
            events.not_done(attempt.copy, Ending::Failed, at(time));
            assert_eq!(events.next_due(at(time)), due);
        }
        assert!(events.is_empty());
        assert_eq!(events.into_dead()[0].endings, [Ending::Failed; 3]);
    }

    #[test]
    fn what_succeeds_is_gone_and_a_copy_is_not() {
        let mut events = Asynchronous::new(at(10));
        events.send(MESSAGE, at(0));
        events.send(MESSAGE, at(5));
        let first = events.take(at(1)).unwrap();
        events.done(first.copy);
        assert_eq!((events.due(at(1)), events.due(at(5))), (0, 1));
        assert!(!events.is_empty() && events.take(at(5)).is_some());
    }
}
