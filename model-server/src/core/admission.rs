//! Places for questions that wait.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CoreError;

/// Counts the questions that wait, and refuses more than fit at once instead of
/// letting them wait in front of the door.
#[derive(Debug)]
pub(super) struct Admission {
    places: Arc<Semaphore>,
    limit: usize,
}

/// The places of one request, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(limit: usize) -> Admission {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Admission {
            places: Arc::new(Semaphore::new(limit)),
            limit,
        }
    }

    pub(super) fn admit(&self, questions: usize) -> Result<Place, CoreError> {
        u32::try_from(questions)
            .ok()
            .and_then(|count| Arc::clone(&self.places).try_acquire_many_owned(count).ok())
            .map(|permit| Place { _permit: permit })
            .ok_or(CoreError::Overloaded {
                questions,
                limit: self.limit,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_questions_and_given_back() {
        let admission = Admission::new(10);
        let eight = admission.admit(8).unwrap();
        assert!(matches!(
            admission.admit(3).unwrap_err(),
            CoreError::Overloaded {
                questions: 3,
                limit: 10
            }
        ));
        let _two = admission.admit(2).unwrap();
        assert!(admission.admit(1).is_err());
        drop(eight);
        assert!(admission.admit(8).is_ok());
    }
}
