//! How much of what clients send is held at one time.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{ApiError, ErrorCode};

/// Room is counted in pieces of so many bytes.
const PIECE_BYTES: u64 = 4 << 10;

/// The room for the bodies of all requests, from their first byte to the answer.
#[derive(Clone, Debug)]
pub(super) struct Bodies {
    pieces: Arc<Semaphore>,
    limit_bytes: u64,
}

/// What one body takes of it; given back when dropped.
#[derive(Debug)]
pub(super) struct Room {
    taken: Option<OwnedSemaphorePermit>,
    of: Bodies,
}

impl Bodies {
    pub(super) fn new(limit_bytes: u64) -> Bodies {
        let pieces = usize::try_from(limit_bytes / PIECE_BYTES).unwrap_or(usize::MAX);
        Bodies {
            pieces: Arc::new(Semaphore::new(pieces.min(Semaphore::MAX_PERMITS))),
            limit_bytes,
        }
    }

    /// A place that takes nothing yet.
    pub(super) fn none(&self) -> Room {
        Room {
            taken: None,
            of: self.clone(),
        }
    }
}

impl Room {
    /// Takes as much as a body of so many bytes needs.
    pub(super) fn grow_to(&mut self, bytes: u64) -> Result<(), ApiError> {
        let has = self
            .taken
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let missing = bytes.div_ceil(PIECE_BYTES).saturating_sub(has);
        if missing == 0 {
            return Ok(());
        }
        let more = u32::try_from(missing)
            .ok()
            .and_then(|pieces| {
                Arc::clone(&self.of.pieces)
                    .try_acquire_many_owned(pieces)
                    .ok()
            })
            .ok_or_else(|| {
                let message = format!(
                    "the requests that are being answered hold as much as they may, {} MiB; try \
                     again",
                    self.of.limit_bytes >> 20
                );
                ApiError::new(ErrorCode::Overloaded, message)
            })?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_share_the_room_and_give_it_back() {
        let bodies = Bodies::new(10 * PIECE_BYTES);
        let mut one = bodies.none();
        one.grow_to(1).unwrap();
        one.grow_to(6 * PIECE_BYTES).unwrap();
        one.grow_to(5).unwrap();
        let mut other = bodies.none();
        other.grow_to(4 * PIECE_BYTES).unwrap();
        let error = other.grow_to(4 * PIECE_BYTES + 1).unwrap_err();
        assert_eq!(error.status(), 429);
        drop(one);
        other.grow_to(10 * PIECE_BYTES).unwrap();
        assert!(other.grow_to(u64::MAX).is_err());
        drop(other);
        bodies.none().grow_to(10 * PIECE_BYTES).unwrap();
    }
}
