//! One lock a key.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::RwLock;

/// A bucket and a key in it.
type Name = (String, String);

/// Hands out the lock of a key; a lock that nobody holds takes no memory after the next call.
#[derive(Debug, Default)]
pub(super) struct KeyLocks {
    locks: Mutex<HashMap<Name, Weak<RwLock<()>>>>,
}

impl KeyLocks {
    /// The lock of `key` in `bucket`, the same one for all who hold it at a time.
    pub(super) fn of(&self, bucket: &str, key: &str) -> Arc<RwLock<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        let name = (bucket.to_owned(), key.to_owned());
        if let Some(lock) = locks.get(&name).and_then(Weak::upgrade) {
            return lock;
        }
        locks.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(RwLock::new(()));
        locks.insert(name, Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_of_one_key_share_a_lock_and_none_is_kept() {
        let locks = KeyLocks::default();
        let first = locks.of("bucket", "a");
        assert!(Arc::ptr_eq(&first, &locks.of("bucket", "a")));
        assert!(!Arc::ptr_eq(&first, &locks.of("other", "a")));
        drop(first);
        let _ = locks.of("bucket", "b");
        assert_eq!(locks.locks.lock().unwrap().len(), 1);
    }
}
