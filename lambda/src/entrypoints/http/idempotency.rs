//! `Idempotency-Key`: a call that is made again with its key is answered with what
//! was answered before. What is known of a key is an object under
//! `IDEMPOTENCY_LOCATION`; a rule of that bucket lets it expire.
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::members::header;
use super::{HttpRequest, media_type};
use crate::domain::{Condition, Deadline, ObjectAddress, StoreError, Version, digest};
use crate::entrypoints::App;
use crate::entrypoints::lease::Lease;
use crate::entrypoints::place::{Changed, Found, Place, Step};
use crate::entrypoints::request_body::invalid;
use crate::problem::{Problem, ProblemKind};

/// The header's name.
pub const HEADER: &str = "idempotency-key";
/// When a call may be made again that is being answered, in seconds.
pub const RETRY_AFTER_S: &str = "2";

/// What tells a caller that its key has no effect, because keys have no place here.
const IGNORED: (&str, &str) = ("idempotency-ignored", "true");

/// The longest key of a call, in bytes.
const LONGEST_CALL_KEY: usize = 255;
/// The most bytes of an answer that is read: more than Lambda can answer with.
const MAX_RECORD_BYTES: u64 = 16 * 1024 * 1024;

/// The header of an answer to a request whose key has no effect.
pub fn ignored_key(app: &App, request: &HttpRequest<'_>) -> Option<(&'static str, &'static str)> {
    let has_no_place = app.settings.idempotency_location.is_none();
    (has_no_place && header(request.headers, HEADER).is_some()).then_some(IGNORED)
}

/// A call with a key.
pub struct Keyed {
    /// Where it is written down.
    address: ObjectAddress,
    /// Tells this request from others.
    request: String,
}

/// What is to be done about a call with a key.
pub enum Begun {
    /// Nothing: this was answered, a JSON text.
    Answered(String),
    /// The work, by this call alone.
    Claimed(Claim),
}

/// The right to work on a call.
pub struct Claim {
    keyed: Keyed,
    version: Version,
}

/// What is written down of a call.
#[derive(Serialize, Deserialize)]
struct Record {
    /// Tells the request from others.
    request: String,
    /// Who works on it.
    #[serde(flatten)]
    lease: Lease,
    /// The answer as it was sent. A text, so that every digit of it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
}

impl Keyed {
    /// The call that `request` makes, if it has a key and keys have a place.
    pub fn read(app: &App, request: &HttpRequest<'_>) -> Result<Option<Keyed>, Problem> {
        let location = app.settings.idempotency_location.as_ref();
        let (Some(location), Some(key)) = (location, header(request.headers, HEADER)) else {
            return Ok(None);
        };
        let is_valid = (1..=LONGEST_CALL_KEY).contains(&key.len())
            && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        if !is_valid {
            return Err(invalid(format!(
                "the header {HEADER} must have 1 to {LONGEST_CALL_KEY} printable ASCII characters"
            )));
        }
        let name = digest([key.as_bytes()]);
        Ok(Some(Keyed {
            address: ObjectAddress {
                bucket: location.bucket.clone(),
                key: format!("{}{name}.json", location.key),
            },
            request: fingerprint(request),
        }))
    }

    /// Looks what is known of the call and claims it where nothing is.
    pub async fn begin(self, app: &App, deadline: Deadline) -> Result<Begun, Problem> {
        let place = Place {
            store: app.services.store.as_ref(),
            address: &self.address,
            max_bytes: Some(MAX_RECORD_BYTES),
            deadline,
        };
        let claim = Record {
            request: self.request.clone(),
            lease: Lease::until(deadline),
            answer: None,
        };
        let claim = json!(claim).to_string();
        let step = |found: Option<&Found>| {
            let known =
                found.and_then(|found| serde_json::from_slice::<Record>(&found.content).ok());
            if let Some(decided) = known.and_then(|record| self.decided_by(record)) {
                return Step::Leave(decided);
            }
            Step::Write(claim.clone().into())
        };
        let outcome = place.write(None, step).await;
        match outcome {
            Ok(Changed::Left(decided)) => decided.map(Begun::Answered),
            Ok(Changed::Written(version)) => Ok(Begun::Claimed(Claim {
                keyed: self,
                version,
            })),
            // Others claim it all the time.
            Err(StoreError::Changed { .. }) => Err(in_progress()),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// What a record means for this call: the answer to it, or why it has none. Nothing where
    /// it is this call's to work on it.
    fn decided_by(&self, record: Record) -> Option<Result<String, Problem>> {
        if record.request != self.request {
            return Some(Err(reused()));
        }
        if let Some(answer) = record.answer {
            return Some(Ok(answer));
        }
        record.lease.is_live().then(|| Err(in_progress()))
    }
}

impl Claim {
    /// Keeps the answer. Where that fails the call is answered all the same, and the
    /// work may be done once more when it is made again.
    pub async fn keep(self, app: &App, answer: &str, deadline: Deadline) {
        let Claim { keyed, version } = self;
        let record = Record {
            request: keyed.request,
            lease: Lease::over(),
            answer: Some(answer.to_owned()),
        };
        let text = json!(record).to_string();
        let condition = Condition::Unchanged(version);
        let store = &app.services.store;
        let outcome = store
            .write(&keyed.address, text.into(), None, &condition, deadline)
            .await;
        if let Err(error) = outcome {
            tracing::warn!(%error, "the answer is not kept for its idempotency key");
        }
    }

    /// Gives the key back: what was answered may be answered otherwise next time. A call that
    /// has taken it over meanwhile, because this one was taken for dead, keeps it.
    pub async fn release(self, app: &App, deadline: Deadline) {
        let Claim { keyed, version } = self;
        let store = &app.services.store;
        if let Err(error) = store.remove(&keyed.address, &version, deadline).await {
            tracing::warn!(%error, "an idempotency key is claimed until it expires");
        }
    }
}

/// Everything of a request that its answer depends on.
fn fingerprint(request: &HttpRequest<'_>) -> String {
    let content_type = media_type(header(request.headers, "content-type"));
    let mut query: Vec<(&String, &String)> = request.query.iter().collect();
    query.sort();
    let mut parts: Vec<&[u8]> = vec![request.path.as_bytes(), content_type.as_bytes()];
    for (name, value) in query {
        parts.extend([name.as_bytes(), value.as_bytes()]);
    }
    if let Ok(body) = &request.body {
        parts.push(body);
    }
    digest(parts)
}

fn reused() -> Problem {
    Problem::new(
        ProblemKind::IdempotencyKeyReused,
        format!(
            "another request was made with this {HEADER}: choose a new key for each request, and \
             the same one only to make the same request again"
        ),
    )
}

fn in_progress() -> Problem {
    Problem::new(
        ProblemKind::CallInProgress,
        format!("a call with this {HEADER} is being answered: make it again in a while"),
    )
}

/// The promise of a key can't be held without its place: whoever called is told so,
/// whatever is the matter with it.
fn unavailable(error: StoreError) -> Problem {
    let kind = match error {
        StoreError::TimedOut { .. } => ProblemKind::StorageTimedOut,
        _ => ProblemKind::StorageUnavailable,
    };
    Problem::new(kind, format!("the {HEADER} can't be looked up: {error}"))
}

#[cfg(test)]
mod tests;
