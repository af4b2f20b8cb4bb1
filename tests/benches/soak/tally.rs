//! What became of the requests.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::plan::Kind;

/// So many failures are kept with their text.
const KEPT_FAILURES: usize = 20;

#[derive(Default)]
pub struct Tally {
    kinds: BTreeMap<Kind, Counts>,
    failures: Vec<String>,
    failure_count: usize,
}

#[derive(Default)]
struct Counts {
    right: usize,
    failed: usize,
    retried: usize,
    times: Vec<Duration>,
}

impl Tally {
    /// A request that ended as it had to, and how long its last try took.
    pub fn right(&mut self, kind: Kind, time: Duration) {
        let counts = self.kinds.entry(kind).or_default();
        counts.right += 1;
        counts.times.push(time);
    }

    /// A request that did not end as it had to.
    pub fn failed(&mut self, kind: Kind, what: String) {
        self.kinds.entry(kind).or_default().failed += 1;
        self.fail(format!("{kind:?}: {what}"));
    }

    /// Anything else that is wrong.
    pub fn fail(&mut self, what: String) {
        self.failure_count += 1;
        if self.failures.len() < KEPT_FAILURES {
            println!("FAILURE {what}");
            self.failures.push(what);
        }
    }

    /// A request that was answered 429 and is sent again.
    pub fn retried(&mut self, kind: Kind) {
        self.kinds.entry(kind).or_default().retried += 1;
    }

    pub fn requests(&self) -> usize {
        let counts = self.kinds.values();
        counts.map(|counts| counts.right + counts.failed).sum()
    }

    pub fn retries(&self) -> usize {
        self.kinds.values().map(|counts| counts.retried).sum()
    }

    pub fn failures(&self) -> usize {
        self.failure_count
    }

    /// A table of all kinds.
    pub fn table(&mut self) -> String {
        let mut table = format!(
            "{:<14}{:>9}{:>9}{:>9}{:>12}{:>12}\n",
            "kind", "right", "wrong", "429s", "median ms", "longest ms"
        );
        for (kind, counts) in &mut self.kinds {
            counts.times.sort();
            let ms = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
            table.push_str(&format!(
                "{:<14}{:>9}{:>9}{:>9}{:>12}{:>12}\n",
                format!("{kind:?}"),
                counts.right,
                counts.failed,
                counts.retried,
                ms(counts.times.get(counts.times.len() / 2)),
                ms(counts.times.last()),
            ));
        }
        table
    }
}
