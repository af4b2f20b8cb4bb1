//! The right to work on a product, which of several deliveries at once one has, unless
//! `CLAIM_PRODUCTS` is `no`: an object under `CLAIM_PREFIX`, with a lease.
//!
//! Results are right without it, because they are written under conditions; but two that come
//! at once would both pay for endpoint and model, and one of them for nothing. What that costs
//! is told where it is chosen: [`CLAIM_PRODUCTS`](crate::settings::CLAIM_PRODUCTS).

use std::time::Duration;

use serde_json::json;

use super::App;
use super::delivery::Delivery;
use super::lease::Lease;
use super::place::{Changed, Found, Place, Step};
use crate::domain::{Deadline, ObjectAddress, SourceMark, Standing, StoreError, Version};
use crate::problem::{Problem, ProblemKind};

/// The most bytes of a claim that is read.
const MAX_CLAIM_BYTES: u64 = 64 * 1024;
/// How long it is waited at first before it is looked whether somebody else is done, …
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// … and how long at most, after pauses each of which is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// What waiting leaves to looking what came of the work.
const LOOKING: Duration = Duration::from_secs(1);

/// A claim that one has.
pub struct Claim {
    address: ObjectAddress,
    version: Version,
}

/// Claims the work on what was delivered, which is over by its `end`; the calls for that are
/// made by the deadline. Nothing where another delivery of the same, or of something later, has
/// it and may be alive. One of an earlier photo or of other settings is no hindrance: that is
/// other work, and this one's result stays.
pub async fn take(
    app: &App,
    delivery: &Delivery<'_>,
    deadline: Deadline,
    end: Deadline,
) -> Result<Option<Claim>, StoreError> {
    let address = address(app, delivery);
    let lease = json!(Lease::until(end)).to_string();
    let step = |found: Option<&Found>| match found {
        Some(found) if is_taken(found, delivery.source) => Step::Leave(()),
        _ => Step::Write(lease.clone().into()),
    };
    // As a rule nobody has one: that is not looked up first.
    let changed = place(app, &address, deadline)
        .write_over(None, Some(delivery.source), step)
        .await?;
    Ok(match changed {
        Changed::Written(version) => Some(Claim { address, version }),
        Changed::Left(()) => None,
    })
}

/// Waits until nobody else has the claim any more, to whom it was refused; a problem where
/// there is no time for it.
pub async fn wait(app: &App, delivery: &Delivery<'_>, deadline: Deadline) -> Result<(), Problem> {
    let address = address(app, delivery);
    let place = place(app, &address, deadline);
    let mut pause = FIRST_PAUSE;
    loop {
        let left = deadline.remaining().saturating_sub(LOOKING);
        if left.is_zero() {
            return Err(Problem::new(
                ProblemKind::WorkInProgress,
                "another delivery of the same product is being worked on, and was not done in \
                 time",
            ));
        }
        tokio::time::sleep(pause.min(left)).await;
        // The claim alone tells when there is something to look at.
        let found = place.find().await?;
        if !found.is_some_and(|found| is_taken(&found, delivery.source)) {
            return Ok(());
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Claim {
    /// Gives it back.
    pub async fn release(self, app: &App, deadline: Deadline) {
        if let Err(error) = self.remove(app, deadline).await {
            let claim = &self.address;
            tracing::warn!(%claim, %error, "a product is claimed until that expires");
        }
    }

    /// Whoever has taken it over, because this one was taken for dead, keeps it.
    async fn remove(&self, app: &App, deadline: Deadline) -> Result<(), StoreError> {
        let store = &app.services.store;
        match store.remove(&self.address, &self.version, deadline).await {
            Err(StoreError::Changed { .. }) => Ok(()),
            removed => removed,
        }
    }
}

fn address(app: &App, delivery: &Delivery<'_>) -> ObjectAddress {
    delivery.object(&app.settings.claim_prefix)
}

fn place<'a>(app: &'a App, address: &'a ObjectAddress, deadline: Deadline) -> Place<'a> {
    Place {
        store: app.services.store.as_ref(),
        address,
        max_bytes: Some(MAX_CLAIM_BYTES),
        deadline,
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
