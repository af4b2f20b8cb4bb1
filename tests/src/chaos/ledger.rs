//! What was seen to pass between the function and what it calls.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::bucket::CLAIMS;
use super::faults::{Fault, Service, Strike};
use super::http::{Request, Response};
use super::kills::Moment;
use super::photos::version_of;
use super::plan::{Version, product_named};

/// Where a result says its place among those of its origin.
const SEQUENCE_HEADER: &str = "x-amz-meta-source-sequencer";

/// As much of a photo in base64 as has its mark: whole groups of four.
const MARKED_BASE64: usize = 1_024;

/// How the calls of a service went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// How many there were.
    pub made: usize,
    /// How many met which fault.
    pub faults: BTreeMap<Fault, usize>,
    /// How many the service answered with what was asked for.
    pub done: usize,
    /// How many of these answers came through.
    pub through: usize,
}

/// The work of an invocation: answers that came through to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Answered questions, by product.
    pub questions: BTreeMap<usize, usize>,
    /// The newest photo that was asked about, by product.
    pub newest: BTreeMap<usize, u32>,
    /// Texts.
    pub texts: usize,
}

/// A result that was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResult {
    /// What it says of its place among those of its origin.
    pub sequence: String,
    /// Since the run began; at this time it was there.
    pub at: Duration,
}

/// All that was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The calls of each service.
    pub calls: BTreeMap<Service, Calls>,
    /// The work of each invocation.
    pub work: HashMap<usize, Work>,
    /// The results that were stored, by product, in the order of their times.
    pub stored: HashMap<usize, Vec<StoredResult>>,
    /// What nobody can explain.
    pub strange: Vec<String>,
    /// How many calls met a fault after which a claim may be left: removals, and claims that
    /// were made and of which the function did not hear.
    pub claims_at_risk: usize,
}

/// The book that the proxies keep.
#[derive(Debug)]
pub struct Ledger {
    began: Instant,
    seen: Mutex<Seen>,
}

impl Ledger {
    /// An empty one of a run that begins now.
    pub fn new() -> Ledger {
        Ledger {
            began: Instant::now(),
            seen: Mutex::default(),
        }
    }

    /// The time since the run began.
    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Forgets what was seen so far.
    pub fn forget(&self) {
        *self.seen() = Seen::default();
    }

    /// What was seen so far.
    pub fn read(&self) -> Seen {
        self.seen().clone()
    }

    /// How many results were stored so far, with those that replaced others.
    pub fn results(&self) -> usize {
        self.seen().stored.values().map(Vec::len).sum()
    }

    /// A call is made.
    pub fn made(&self, request: &Request, strike: Option<Strike>) {
        let service = Service::of(request);
        let mut seen = self.seen();
        let calls = seen.calls.entry(service).or_default();
        calls.made += 1;
        let Some(strike) = strike else { return };
        *calls.faults.entry(strike.fault).or_default() += 1;
        let may_leave_a_claim = match request.method() {
            "DELETE" => true,
            "PUT" => is_claim(request.path()),
            _ => false,
        };
        seen.claims_at_risk += usize::from(service == Service::S3 && may_leave_a_claim);
    }

    /// A service has answered. Says at which moment of an invocation's work that is,
    /// where it is one of those that kills are planned at.
    pub fn answered(&self, request: &Request, response: &Response) -> Option<Moment> {
        if !(200..300).contains(&response.status) {
            return None;
        }
        let service = Service::of(request);
        let mut seen = self.seen();
        seen.calls.entry(service).or_default().done += 1;
        match service {
            Service::Endpoint => Some(Moment::AttributesKnown),
            Service::Bedrock => Some(Moment::TextWritten),
            Service::S3 if request.method() == "PUT" && !is_claim(request.path()) => {
                let Some(product) = described_product(request.path()) else {
                    return Some(Moment::FailureStored);
                };
                let sequence = request.header(SEQUENCE_HEADER).unwrap_or_default();
                let stored = StoredResult {
                    sequence: sequence.to_owned(),
                    at: self.began.elapsed(),
                };
                seen.stored.entry(product).or_default().push(stored);
                Some(Moment::ResultStored)
            }
            Service::S3 => None,
        }
    }

    /// An answer has come through to the function, in the course of an invocation.
    pub fn came_through(&self, request: &Request, response: &Response, invocation: usize) {
        if !(200..300).contains(&response.status) {
            return;
        }
        let service = Service::of(request);
        let mut seen = self.seen();
        seen.calls.entry(service).or_default().through += 1;
        match service {
            Service::Endpoint => match asked(&request.body) {
                Some((Version { product, number }, questions)) => {
                    let work = seen.work.entry(invocation).or_default();
                    *work.questions.entry(product).or_default() += questions;
                    let newest = work.newest.entry(product).or_default();
                    *newest = number.max(*newest);
                }
                None => {
                    let what = format!("invocation {invocation} asked about an unknown photo");
                    seen.strange.push(what);
                }
            },
            Service::Bedrock => seen.work.entry(invocation).or_default().texts += 1,
            Service::S3 => {}
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether there is a claim on a product at this path of S3.
fn is_claim(path: &str) -> bool {
    let (_, key) = path
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    key.starts_with(CLAIMS)
}

/// The product whose result is at this path of S3.
fn described_product(path: &str) -> Option<usize> {
    let (_, name) = path.split_once("/descriptions/")?;
    product_named(name.strip_suffix(".json")?)
}

/// The photo that the endpoint is asked about, and with how many questions.
fn asked(body: &[u8]) -> Option<(Version, usize)> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let questions = body["prompts"].as_array().map_or(1, Vec::len);
    let image = body["image"].as_str()?;
    let length = image.len().min(MARKED_BASE64) / 4 * 4;
    let start = STANDARD.decode(image.get(..length)?).ok()?;
    Some((version_of(&start)?, questions))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_of_either_form_tells_its_photo_and_its_questions() {
        let photo = STANDARD.encode(format!("chaos photo 12 1 {}", "x".repeat(2_000)));
        let batch = json!({"prompts": ["a", "b"], "image": photo}).to_string();
        let version = Version {
            product: 12,
            number: 1,
        };
        assert_eq!(asked(batch.as_bytes()), Some((version, 2)));
        let one = json!({"prompt": "a", "image": photo}).to_string();
        assert_eq!(asked(one.as_bytes()), Some((version, 1)));
        let other = json!({"prompt": "a", "image": "AAAA"}).to_string();
        assert_eq!(asked(other.as_bytes()), None);
    }

    #[test]
    fn a_result_is_told_from_a_record_and_a_claim_by_its_path() {
        let product = described_product("/lookbook-catalogue/descriptions/chaos-00012.json");
        assert_eq!(product, Some(12));
        let path = "/lookbook-catalogue/failures/chaos-00012.json";
        assert_eq!(described_product(path), None);
        assert!(!is_claim(path));
        assert!(is_claim("/lookbook-catalogue/claims/chaos-00012.json"));
    }
}
