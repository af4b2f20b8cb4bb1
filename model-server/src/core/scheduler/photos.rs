//! The photographs that are prepared, wait to be encoded, or are encoded, and
//! who waits for each. A photograph that several requests are about is there
//! once.

use std::collections::{HashMap, VecDeque};

use candle_core::Tensor;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::super::image_cache::PhotoKey;
use super::super::photos::{PhotoSize, PreparedPhoto};
use super::super::policy::WaitingPhotos;
use super::requests::RequestId;

/// Names the way of one photograph to its features.
pub(in super::super) type PhotoId = u64;

/// All photographs on their way.
#[derive(Default)]
pub(super) struct Photos {
    photos: HashMap<PhotoId, Photo>,
    /// Those that another request may join.
    by_key: HashMap<PhotoKey, PhotoId>,
    /// Those that are prepared, in the order in which they are encoded.
    prepared: VecDeque<PreparedId>,
    next_id: PhotoId,
}

struct Photo {
    key: Option<PhotoKey>,
    requests: Vec<RequestId>,
    stage: Stage,
}

enum Stage {
    /// Until the handle is known, it is not there.
    Preparing(Option<AbortHandle>),
    Prepared,
    Encoding,
}

struct PreparedId {
    id: PhotoId,
    photo: PreparedPhoto,
    since: Instant,
    /// Whether it is to be encoded by itself, because it was in an encoding of
    /// several that failed.
    alone: bool,
}

/// A photograph that is being encoded.
pub(super) struct Encoding {
    pub(super) id: PhotoId,
    photo: PreparedPhoto,
}

impl Encoding {
    pub(super) fn pixel_values(&self) -> Tensor {
        self.photo.pixel_values.clone()
    }

    pub(super) fn size(&self) -> PhotoSize {
        self.photo.size
    }
}

impl Photos {
    /// Lets the request wait for a photograph that is on its way already.
    pub(super) fn join(&mut self, key: &PhotoKey, request: RequestId) -> bool {
        let photo = self.by_key.get(key).and_then(|id| self.photos.get_mut(id));
        photo.is_some_and(|photo| {
            photo.requests.push(request);
            true
        })
    }

    /// A photograph that is to be prepared; with a key, others may join.
    pub(super) fn add(&mut self, key: Option<PhotoKey>, request: RequestId) -> PhotoId {
        let id = self.next_id;
        self.next_id += 1;
        if let Some(key) = key {
            self.by_key.insert(key, id);
        }
        let photo = Photo {
            key,
            requests: vec![request],
            stage: Stage::Preparing(None),
        };
        self.photos.insert(id, photo);
        id
    }

    /// How to stop its preparation.
    pub(super) fn set_abort_handle(&mut self, id: PhotoId, handle: AbortHandle) {
        if let Some(Photo {
            stage: Stage::Preparing(place),
            ..
        }) = self.photos.get_mut(&id)
        {
            *place = Some(handle);
        }
    }

    /// It can be encoded now.
    pub(super) fn set_prepared(&mut self, id: PhotoId, photo: PreparedPhoto, now: Instant) {
        // Nobody waits for one that is gone.
        if let Some(known) = self.photos.get_mut(&id) {
            known.stage = Stage::Prepared;
            self.prepared.push_back(PreparedId {
                id,
                photo,
                since: now,
                alone: false,
            });
        }
    }

    pub(super) fn are_preparing(&self) -> bool {
        self.photos
            .values()
            .any(|photo| matches!(photo.stage, Stage::Preparing(_)))
    }

    pub(super) fn waiting(&self) -> usize {
        self.prepared.len()
    }

    /// The photographs that may be encoded next.
    pub(super) fn situation(&self) -> Option<WaitingPhotos> {
        let first = self.prepared.front()?;
        let count = if first.alone {
            1
        } else {
            self.prepared
                .iter()
                .take_while(|photo| !photo.alone)
                .count()
        };
        Some(WaitingPhotos {
            count,
            since: first.since,
            alone: first.alone,
        })
    }

    /// The first `count` of them, to be encoded.
    pub(super) fn take(&mut self, count: usize) -> Vec<Encoding> {
        let taken = self.prepared.drain(..count.min(self.prepared.len()));
        taken
            .map(|PreparedId { id, photo, .. }| {
                if let Some(known) = self.photos.get_mut(&id) {
                    known.stage = Stage::Encoding;
                }
                Encoding { id, photo }
            })
            .collect()
    }

    /// Has photographs whose common encoding failed be encoded one by one.
    pub(super) fn put_back(&mut self, photos: Vec<Encoding>, now: Instant) {
        for Encoding { id, photo } in photos.into_iter().rev() {
            let Some(known) = self.photos.get_mut(&id) else {
                continue;
            };
            if known.requests.is_empty() {
                self.remove(id);
                continue;
            }
            known.stage = Stage::Prepared;
            self.prepared.push_front(PreparedId {
                id,
                photo,
                since: now,
                alone: true,
            });
        }
    }

    /// Ends the way of a photograph: its key, and who waits for it.
    pub(super) fn remove(&mut self, id: PhotoId) -> (Option<PhotoKey>, Vec<RequestId>) {
        let Some(photo) = self.photos.remove(&id) else {
            return (None, Vec::new());
        };
        if let Some(key) = &photo.key {
            self.by_key.remove(key);
        }
        (photo.key, photo.requests)
    }

    /// A request no longer waits. A photograph that nobody waits for is given
    /// up, unless it is being encoded: then it is kept for whoever asks next.
    pub(super) fn leave(&mut self, request: RequestId) {
        let mut given_up = Vec::new();
        for (&id, photo) in &mut self.photos {
            photo.requests.retain(|&waiting| waiting != request);
            if photo.requests.is_empty() && !matches!(photo.stage, Stage::Encoding) {
                if let Stage::Preparing(Some(handle)) = &photo.stage {
                    handle.abort();
                }
                given_up.push(id);
            }
        }
        for id in given_up {
            self.remove(id);
            self.prepared.retain(|photo| photo.id != id);
        }
    }
}
