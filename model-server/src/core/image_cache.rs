//! Image features by the content of the photograph's bytes.

use bytes::Bytes;
use candle_core::Tensor;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use super::metrics::Metrics;
use super::photos::PhotoSize;

/// What an entry takes besides its tensor's values, about.
const ENTRY_BYTES: usize = 256;

/// Stands for a photograph: a hash of all bytes of its file. It is one that
/// nobody can find two files for, so that no client can have another be
/// answered about its photograph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PhotoKey([u8; 32]);

impl PhotoKey {
    pub(super) fn of(image: &Bytes) -> PhotoKey {
        PhotoKey(Sha256::digest(image).into())
    }
}

/// What the language model sees of a photograph.
#[derive(Clone, Debug)]
pub(super) struct ImageFeatures {
    /// (query tokens, hidden).
    pub(super) tensor: Tensor,
    pub(super) size: PhotoSize,
}

/// The features that were used last, as many as fit into a number of bytes.
pub(super) struct ImageCache(Option<Cache<PhotoKey, ImageFeatures>>);

impl ImageCache {
    /// Keeps nothing where `max_bytes` is 0.
    pub(super) fn new(max_bytes: u64) -> ImageCache {
        let keep = || {
            Cache::builder()
                // Questions about a photo come in a row: the newest is what
                // will be asked about, however often others were.
                .eviction_policy(EvictionPolicy::lru())
                .max_capacity(max_bytes)
                .weigher(|_, features: &ImageFeatures| weight(features))
                .build()
        };
        ImageCache((max_bytes > 0).then(keep))
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn get(&self, key: &PhotoKey) -> Option<ImageFeatures> {
        self.0.as_ref()?.get(key)
    }

    pub(super) fn insert(&self, key: PhotoKey, features: ImageFeatures, metrics: &Metrics) {
        let Some(cache) = &self.0 else { return };
        cache.insert(key, features);
        // What is too much goes now and not at some later time.
        cache.run_pending_tasks();
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        metrics.image_cache_bytes.set(gauge(cache.weighted_size()));
        metrics.image_cache_entries.set(gauge(cache.entry_count()));
    }
}

fn weight(features: &ImageFeatures) -> u32 {
    let tensor = &features.tensor;
    let bytes = tensor.elem_count() * tensor.dtype().size_in_bytes() + ENTRY_BYTES;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::backend::Backend;
    use crate::backend::fake::FakeBackend;

    fn key(number: u8) -> PhotoKey {
        PhotoKey::of(&Bytes::from(vec![number]))
    }

    /// 1,024 bytes.
    fn features() -> ImageFeatures {
        ImageFeatures {
            tensor: Tensor::zeros((24, 8), DType::F32, &Device::Cpu).unwrap(),
            size: PhotoSize {
                width: 1,
                height: 1,
            },
        }
    }

    fn metrics() -> Metrics {
        Metrics::new(&FakeBackend::answering(|_, _| String::new()).description())
    }

    #[test]
    fn what_was_not_used_for_longest_goes_when_the_bytes_are_full() {
        let (cache, metrics) = (ImageCache::new(3 * 1_024), metrics());
        for number in 0..3 {
            cache.insert(key(number), features(), &metrics);
        }
        assert_eq!(metrics.image_cache_bytes.get(), 3 * 1_024);
        assert!(cache.get(&key(0)).is_some());
        cache.insert(key(3), features(), &metrics);
        let kept: Vec<bool> = (0..4)
            .map(|number| cache.get(&key(number)).is_some())
            .collect();
        assert_eq!(kept, [true, false, true, true]);
        assert_eq!(metrics.image_cache_entries.get(), 3);
        assert_eq!(metrics.image_cache_bytes.get(), 3 * 1_024);
    }

    #[test]
    fn features_larger_than_all_room_are_not_kept() {
        let (cache, metrics) = (ImageCache::new(1_000), metrics());
        cache.insert(key(0), features(), &metrics);
        assert!(cache.get(&key(0)).is_none());
        assert_eq!(metrics.image_cache_bytes.get(), 0);
    }

    #[test]
    fn without_room_nothing_is_kept() {
        let (cache, metrics) = (ImageCache::new(0), metrics());
        assert!(!cache.is_on());
        cache.insert(key(0), features(), &metrics);
        assert!(cache.get(&key(0)).is_none());
    }

    #[test]
    fn the_key_covers_every_byte() {
        let mut image = vec![0; 100_000];
        let key = PhotoKey::of(&Bytes::from(image.clone()));
        assert_eq!(key, PhotoKey::of(&Bytes::from(image.clone())));
        image[99_999] = 1;
        assert_ne!(key, PhotoKey::of(&Bytes::from(image)));
    }
}
