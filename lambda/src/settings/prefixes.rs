//! Prefixes that go with each other.

use super::{
    CLAIM_PREFIX, FAILURE_PREFIX, IDEMPOTENCY_LOCATION, OUTPUT_PREFIX, Settings, SettingsError,
};

/// The longest prefix of results and of what lies beside them, in bytes: the names of products
/// need room in a key of S3.
const LONGEST_PREFIX: usize = 512;

impl Settings {
    /// What lies where photos arrive would invoke the function again. So it would
    /// in another bucket that has the same notification, or that is the photos' own
    /// by its name, so `OUTPUT_BUCKET` makes no difference. A record of a failure
    /// that lies among the results would be taken for one, or overwritten by one, and
    /// so would a claim among either.
    pub(super) fn check_prefixes(&self) -> Result<(), SettingsError> {
        let kept = self.idempotency_location.as_ref();
        let beside = [
            (&OUTPUT_PREFIX, &self.output_prefix),
            (&FAILURE_PREFIX, &self.failure_prefix),
            (&CLAIM_PREFIX, &self.claim_prefix),
        ];
        for (variable, prefix) in beside
            .into_iter()
            .chain(kept.map(|location| (&IDEMPOTENCY_LOCATION, &location.key)))
        {
            if prefix.len() > LONGEST_PREFIX {
                return Err(variable.wrong(format!(
                    "has {} bytes, must have at most {LONGEST_PREFIX}",
                    prefix.len()
                )));
            }
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
                if prefix.starts_with(taken.as_str()) || taken.starts_with(prefix.as_str()) {
                    return Err(variable.wrong(format!(
                        "is {prefix:?} and {} {taken:?}: the one lies under the other; choose a \
                         prefix beside it",
                        other.name
                    )));
                }
            }
        }
        Ok(())
    }
}
