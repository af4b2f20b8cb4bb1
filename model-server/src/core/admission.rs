//! Places for questions that wait.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CoreError;

/// Counts the questions that wait, and refuses more than fit at once instead of
/// letting them wait in front of the door.
#[derive(Debug)]
pub(super) struct Admission {
    places: Arc<Semaphore>,
    limit: usize,
    waiting: Gauge,
}

/// The places of some questions, given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    permit: OwnedSemaphorePermit,
    waiting: Gauge,
}

impl Admission {
    /// `waiting` shows how many places are taken.
    pub(super) fn new(limit: usize, waiting: Gauge) -> Admission {
        let limit = limit.min(Semaphore::MAX_PERMITS);
        Admission {
            places: Arc::new(Semaphore::new(limit)),
            limit,
            waiting,
        }
    }

    pub(super) fn admit(&self, questions: usize) -> Result<Place, CoreError> {
        let permit = u32::try_from(questions)
            .ok()
            .and_then(|count| Arc::clone(&self.places).try_acquire_many_owned(count).ok())
            .ok_or(CoreError::Overloaded {
                questions,
                limit: self.limit,
            })?;
        self.waiting.inc_by(i64::from(permit.num_permits() as u32));
        Ok(Place {
            permit,
            waiting: self.waiting.clone(),
        })
    }

    /// Whether there is a place for a single question.
    pub(super) fn check(&self) -> Result<(), CoreError> {
        match self.places.available_permits() {
            0 => Err(CoreError::Overloaded {
                questions: 1,
                limit: self.limit,
            }),
            _ => Ok(()),
        }
    }
}

impl Place {
    /// The place of one of the questions, to be given back by itself.
    pub(super) fn split_one(&mut self) -> Option<Place> {
        let permit = self.permit.split(1)?;
        let waiting = self.waiting.clone();
        Some(Place { permit, waiting })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.waiting
            .dec_by(i64::from(self.permit.num_permits() as u32));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_questions_and_given_back() {
        let waiting = Gauge::default();
        let admission = Admission::new(10, waiting.clone());
        let mut eight = admission.admit(8).unwrap();
        assert!(matches!(
            admission.admit(3).unwrap_err(),
            CoreError::Overloaded {
                questions: 3,
                limit: 10
            }
        ));
        let two = admission.admit(2).unwrap();
        assert!(admission.check().is_err());
        assert_eq!(waiting.get(), 10);
        drop(two);
        let one = eight.split_one().unwrap();
        drop(one);
        assert_eq!(waiting.get(), 7);
        assert!(admission.admit(4).is_err() && admission.check().is_ok());
        drop(eight);
        assert_eq!(waiting.get(), 0);
        assert!(admission.admit(10).is_ok());
    }
}
