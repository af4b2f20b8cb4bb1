//! Prefixes that go with each other.

use super::{
    CLAIM_PREFIX, FAILURE_PREFIX, IDEMPOTENCY_LOCATION, INCOMING_PREFIX, OUTPUT_PREFIX, Settings,
    SettingsError, Variable,
};
use crate::domain::ObjectAddress;

/// The longest prefix of photos, of results and of what lies beside them, in bytes: the names of
/// products need room in a key of S3.
const LONGEST_PREFIX: usize = 512;

impl Settings {
    /// What lies where photos arrive would invoke the function again. So it would
    /// in another bucket that has the same notification, or that is the photos' own
    /// by its name, so `OUTPUT_BUCKET` makes no difference. A record of a failure
    /// that lies among the results would be taken for one, or overwritten by one, and
    /// so would a claim among either, or the answer to a call.
    pub(super) fn check_prefixes(&self) -> Result<(), SettingsError> {
        let kept = self.idempotency_location.as_ref();
        let beside = [
            (&OUTPUT_PREFIX, &self.output_prefix),
            (&FAILURE_PREFIX, &self.failure_prefix),
            (&CLAIM_PREFIX, &self.claim_prefix),
        ];
        check_form(&INCOMING_PREFIX, &self.incoming_prefix)?;
        for (variable, prefix) in beside
            .into_iter()
            .chain(kept.map(|location| (&IDEMPOTENCY_LOCATION, &location.key)))
        {
            check_form(variable, prefix)?;
            if prefix.starts_with(&self.incoming_prefix) {
                return Err(variable.wrong(format!(
                    "is {prefix:?}, which lies under INCOMING_PREFIX {:?}: whatever is written \
                     there would trigger the function again; choose a prefix beside it",
                    self.incoming_prefix
                )));
            }
        }
        for (index, (variable, prefix)) in beside.into_iter().enumerate() {
            for (other, taken) in beside.into_iter().take(index) {
                if overlap(prefix, taken) {
                    return Err(variable.wrong(format!(
                        "is {prefix:?} and {} {taken:?}: the one lies under the other; choose a \
                         prefix beside it",
                        other.name
                    )));
                }
            }
        }
        // They are in the bucket of the results; where that is the photo's, it may be any.
        let in_other_bucket = |location: &&ObjectAddress| {
            let results = self.output_bucket.as_ref();
            results.is_some_and(|bucket| *bucket != location.bucket)
        };
        if let Some(location) = kept.filter(|location| !in_other_bucket(location)) {
            for (other, taken) in beside {
                if overlap(&location.key, taken) {
                    return Err(IDEMPOTENCY_LOCATION.wrong(format!(
                        "is \"{location}\" and {} {taken:?}: the one lies under the other; choose \
                         a prefix beside it",
                        other.name
                    )));
                }
            }
        }
        Ok(())
    }
}

/// Whether one of two prefixes lies under the other.
fn overlap(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn check_form(variable: &Variable, prefix: &str) -> Result<(), SettingsError> {
    if prefix.contains("://") {
        return Err(variable.wrong(format!(
            "is {prefix:?}, must be how keys begin, as in \"photos/\", without \"s3://\" and the \
             bucket's name"
        )));
    }
    if prefix.len() > LONGEST_PREFIX {
        return Err(variable.wrong(format!(
            "has {} bytes, must have at most {LONGEST_PREFIX}",
            prefix.len()
        )));
    }
    Ok(())
}
