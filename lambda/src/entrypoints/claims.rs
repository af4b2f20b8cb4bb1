//! The right to work on a product, which of several deliveries at once one has, unless
//! `CLAIM_PRODUCTS` is `no`: an object beside the records of failures, with a lease.
//!
//! Results are right without it, because they are written under conditions; but two that come
//! at once would both pay for endpoint and model, and one of them for nothing. A claim costs
//! every product that is worked on a conditional write, a second look at what there is, and a
//! removal.

use std::time::Duration;

use serde_json::json;

use super::App;
use super::delivery::Delivery;
use super::lease::Lease;
use super::place::{Changed, Found, Place, Step};
use crate::domain::{Deadline, ObjectAddress, SourceMark, Standing, StoreError, Version};
use crate::problem::{Problem, ProblemKind};

/// How the names of claims end, and no record's.
const CLAIM: &str = ".claim";
/// The most bytes of a claim that is read.
const MAX_CLAIM_BYTES: u64 = 64 * 1024;
/// How long it is waited before it is looked again whether somebody else is done.
const PAUSE: Duration = Duration::from_secs(1);

/// A claim that one has.
pub struct Claim {
    address: ObjectAddress,
    version: Version,
}

/// Claims the work on what was delivered, which is done by the deadline. Nothing where another
/// delivery of the same, or of something later, has it and may be alive. One of an earlier photo
/// or of other settings is no hindrance: that is other work, and this one's result stays.
pub async fn take(
    app: &App,
    delivery: &Delivery<'_>,
    deadline: Deadline,
) -> Result<Option<Claim>, StoreError> {
    let address = delivery.beside(app, CLAIM);
    let lease = json!(Lease::until(deadline)).to_string();
    let place = Place {
        store: app.services.store.as_ref(),
        address: &address,
        max_bytes: Some(MAX_CLAIM_BYTES),
        deadline,
    };
    let step = |found: Option<&Found>| match found {
        Some(found) if is_taken(found, delivery.source) => Step::Leave(()),
        _ => Step::Write(lease.clone().into()),
    };
    // As a rule nobody has one: that is not looked up first.
    let changed = place.write_over(None, Some(delivery.source), step).await?;
    Ok(match changed {
        Changed::Written(version) => Some(Claim { address, version }),
        Changed::Left(()) => None,
    })
}

/// Waits a moment for whoever has the claim; a problem where there is no time for it.
pub async fn wait(deadline: Deadline) -> Result<(), Problem> {
    if deadline.remaining() <= PAUSE {
        return Err(Problem::new(
            ProblemKind::WorkInProgress,
            "another delivery of the same product is being worked on, and was not done in time",
        ));
    }
    tokio::time::sleep(PAUSE).await;
    Ok(())
}

impl Claim {
    /// Gives it back. Whoever has taken it over, because this one was taken for dead, keeps it.
    pub async fn release(self, app: &App, deadline: Deadline) {
        let Claim { address, version } = self;
        let store = &app.services.store;
        if let Err(error) = store.remove(&address, &version, deadline).await {
            tracing::warn!(claim = %address, %error, "a product is claimed until that expires");
        }
    }
}

fn is_taken(found: &Found, source: &SourceMark) -> bool {
    let lease = serde_json::from_slice::<Lease>(&found.content);
    // What is later makes this one void when it is done. Were its claim written over, whoever is
    // delivered the later one once more would see a foreign claim, and work as well.
    let does_this_work = match found.stored.standing(source) {
        Standing::Same | Standing::SamePhoto | Standing::Later => true,
        Standing::Other => false,
    };
    does_this_work && lease.is_ok_and(|lease| lease.is_live())
}

#[cfg(test)]
mod tests;
