//! Which call meets which fault.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::http::Request;

/// Whom the function calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// The SageMaker endpoint.
    Endpoint,
    /// Bedrock.
    Bedrock,
    /// S3.
    S3,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 3] = [Service::Endpoint, Service::Bedrock, Service::S3];

    /// Whom a request is for: their paths are told apart.
    pub fn of(request: &Request) -> Service {
        let path = request.path();
        if path.starts_with("/endpoints/") {
            Service::Endpoint
        } else if path.starts_with("/model/") {
            Service::Bedrock
        } else {
            Service::S3
        }
    }
}

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It is turned away: too many calls.
    Throttled,
    /// It is answered with an error of the server's.
    Failed,
    /// The connection is reset before anything is done.
    Reset,
    /// It is done, and then the connection is reset.
    AnswerLost,
    /// It is done, and half of the answer comes.
    HalfAnswer,
    /// Nothing comes, for longer than an invocation may last.
    Slow,
    /// It fails as all calls do for a while.
    Outage,
}

impl Fault {
    /// All of them, in the order of reports.
    pub const ALL: [Fault; 7] = [
        Fault::Throttled,
        Fault::Failed,
        Fault::Reset,
        Fault::AnswerLost,
        Fault::HalfAnswer,
        Fault::Slow,
        Fault::Outage,
    ];

    /// As a report calls it.
    pub fn words(self) -> &'static str {
        match self {
            Fault::Throttled => "throttled",
            Fault::Failed => "5xx",
            Fault::Reset => "reset",
            Fault::AnswerLost => "answer lost",
            Fault::HalfAnswer => "half an answer",
            Fault::Slow => "too slow",
            Fault::Outage => "outage",
        }
    }
}

/// Of 1,000 calls, how many meet a fault.
type Mix = [(Fault, u32); 6];

const OF_MODELS: Mix = [
    (Fault::Throttled, 40),
    (Fault::Failed, 25),
    (Fault::Reset, 10),
    (Fault::AnswerLost, 10),
    (Fault::HalfAnswer, 10),
    (Fault::Slow, 4),
];

const OF_READING: Mix = [
    (Fault::Throttled, 15),
    (Fault::Failed, 10),
    (Fault::Reset, 8),
    (Fault::AnswerLost, 0),
    (Fault::HalfAnswer, 5),
    (Fault::Slow, 1),
];

/// What was written although the writer does not hear of it is what conditional
/// writes must cope with.
const OF_WRITING: Mix = [
    (Fault::Throttled, 15),
    (Fault::Failed, 10),
    (Fault::Reset, 8),
    (Fault::AnswerLost, 40),
    (Fault::HalfAnswer, 5),
    (Fault::Slow, 1),
];

/// When the models' services are out of order as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Outages {
    /// Of so many calls of a service, …
    pub every: u64,
    /// … so many in a row fail, wherever they come from, …
    pub calls: u64,
    /// … unless that takes longer than this: those who leave it alone make none.
    pub longest: Duration,
}

/// What a call meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// The fault.
    pub fault: Fault,
    /// Which of its forms, any number.
    pub form: usize,
}

/// The faults of a run. What the first, second and later calls about one thing meet
/// depends on the seed alone, not on when they are made; the outages depend on how
/// many calls there were.
#[derive(Debug)]
pub struct Faults {
    seed: u64,
    outages: Outages,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_stormy: bool,
    /// How many calls there were about what has this digest.
    calls: HashMap<u64, u64>,
    services: HashMap<Service, Weather>,
}

#[derive(Debug, Default)]
struct Weather {
    calls: u64,
    outage_began: Option<Instant>,
}

impl Faults {
    /// None until [`Faults::begin`].
    pub fn new(seed: u64, outages: Outages) -> Faults {
        Faults {
            seed,
            outages,
            state: Mutex::default(),
        }
    }

    /// From now on calls meet faults.
    pub fn begin(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_stormy = true;
    }

    /// What the next such call meets.
    pub fn next(&self, request: &Request) -> Option<Strike> {
        let service = Service::of(request);
        let writes = matches!(request.method(), "PUT" | "DELETE");
        let mut hasher = DefaultHasher::new();
        (self.seed, service, request.method(), request.path()).hash(&mut hasher);
        if service != Service::S3 {
            request.body.hash(&mut hasher);
        }
        self.strike(service, writes, hasher.finish())
    }

    fn strike(&self, service: Service, writes: bool, what: u64) -> Option<Strike> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.is_stormy {
            return None;
        }
        let count = state.calls.entry(what).or_default();
        let mut rng = ChaCha8Rng::seed_from_u64(what.wrapping_add(count.rotate_left(32)));
        *count += 1;
        let weather = state.services.entry(service).or_default();
        let form = rng.random_range(0..60);
        if service != Service::S3 && weather.is_outage(self.outages) {
            let fault = Fault::Outage;
            return Some(Strike { fault, form });
        }
        let mix = match (service, writes) {
            (Service::Endpoint | Service::Bedrock, _) => &OF_MODELS,
            (Service::S3, false) => &OF_READING,
            (Service::S3, true) => &OF_WRITING,
        };
        let mut roll = rng.random_range(0..1_000);
        for &(fault, share) in mix {
            if roll < share {
                return Some(Strike { fault, form });
            }
            roll -= share;
        }
        None
    }
}

impl Weather {
    /// Counts a call and tells whether it falls into an outage: the middle calls of
    /// every period.
    fn is_outage(&mut self, outages: Outages) -> bool {
        let place = self.calls % outages.every;
        self.calls += 1;
        let first = (outages.every - outages.calls) / 2;
        if !(first..first + outages.calls).contains(&place) {
            self.outage_began = None;
            return false;
        }
        let began = self.outage_began.get_or_insert_with(Instant::now);
        began.elapsed() < outages.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stormy(seed: u64) -> Faults {
        let outages = Outages {
            every: 100,
            calls: 10,
            longest: Duration::from_secs(600),
        };
        let faults = Faults::new(seed, outages);
        faults.begin();
        faults
    }

    #[test]
    fn what_a_call_meets_does_not_depend_on_the_calls_between() {
        let (one, other) = (stormy(7), stormy(7));
        let alone: Vec<_> = (0..200)
            .map(|_| one.strike(Service::S3, true, 42))
            .collect();
        let between: Vec<_> = (0..200)
            .map(|call| {
                other.strike(Service::S3, true, call + 1_000);
                other.strike(Service::S3, true, 42)
            })
            .collect();
        assert_eq!(alone, between);
        assert!(alone.iter().any(Option::is_some) && alone.iter().any(Option::is_none));
    }

    #[test]
    fn outages_strike_calls_in_a_row_and_are_over() {
        let faults = stormy(7);
        let struck: Vec<bool> = (0..100)
            .map(|call| {
                let strike = faults.strike(Service::Bedrock, false, call);
                strike.is_some_and(|strike| strike.fault == Fault::Outage)
            })
            .collect();
        let expected: Vec<bool> = (0..100).map(|call| (45..55).contains(&call)).collect();
        assert_eq!(struck, expected);
    }

    #[test]
    fn an_outage_ends_in_time_where_nobody_calls() {
        let outages = Outages {
            every: 10,
            calls: 10,
            longest: Duration::ZERO,
        };
        assert!(!Weather::default().is_outage(outages));
    }

    #[test]
    fn every_fault_is_met_by_some_call_once_they_begin() {
        let faults = stormy(1);
        let met: std::collections::BTreeSet<Fault> = (0..2_000)
            .filter_map(|call| Some(faults.strike(Service::Endpoint, false, call)?.fault))
            .collect();
        assert_eq!(met.len(), Fault::ALL.len());
        let calm = Faults::new(1, faults.outages);
        assert!((0..200).all(|call| calm.strike(Service::S3, true, call).is_none()));
    }
}
