//! What calls have shown of each bucket of S3.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::dependency::Dependency;

/// Of how many buckets something is known: callers name buckets, any number.
const MOST: usize = 64;

/// The buckets, each a dependency of its own. One that a caller names may be out of reach, which
/// must not keep anybody from the others.
#[derive(Debug, Default)]
pub struct Buckets {
    known: Mutex<HashMap<String, Arc<Dependency>>>,
}

impl Buckets {
    /// The bucket of this name. In logs it is called S3, because callers' words are not for
    /// logs.
    pub fn of(&self, name: &str) -> Arc<Dependency> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = known.get(name) {
            return Arc::clone(bucket);
        }
        // What is forgotten is found out again.
        if known.len() >= MOST {
            known.clear();
        }
        let bucket = Arc::new(Dependency::new("S3"));
        known.insert(name.to_owned(), Arc::clone(&bucket));
        bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_kept_in_mind_and_not_any_number_of_them() {
        let buckets = Buckets::default();
        let first = buckets.of("first");
        assert!(Arc::ptr_eq(&first, &buckets.of("first")));
        assert!(!Arc::ptr_eq(&first, &buckets.of("second")));
        for number in 0..10 * MOST {
            let name = format!("bucket-{number}");
            let bucket = buckets.of(&name);
            assert!(Arc::ptr_eq(&bucket, &buckets.of(&name)));
            assert!(buckets.known.lock().unwrap().len() <= MOST);
        }
    }
}
