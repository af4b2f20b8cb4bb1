//! A hash for tables that a lexicon and an attribute set fill.
//!
//! The standard one withstands keys that somebody chose to collide, at some
//! times the cost. Texts are only looked up here: what a product adds are the few
//! words of its values.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// A map with this hash.
pub(crate) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;
/// A set with this hash.
pub(crate) type QuickSet<K> = HashSet<K, BuildHasherDefault<QuickHasher>>;

/// An odd number whose bits have no pattern (2^64 over the golden ratio).
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// Eight bytes at a time: turned, mixed in, multiplied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct QuickHasher(u64);

impl QuickHasher {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
}

impl Hasher for QuickHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.mix(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn finish(&self) -> u64 {
        // Tables look at the lowest bits, and a product's know of the lowest alone.
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, Hash};

    use super::*;

    fn hash(key: impl Hash) -> u64 {
        BuildHasherDefault::<QuickHasher>::default().hash_one(key)
    }

    #[test]
    fn equal_keys_have_one_hash_and_others_spread_over_the_lowest_bits() {
        assert_eq!(hash("sleeve"), hash(String::from("sleeve")));
        assert_ne!(hash("sleeve"), hash("sleeves"));
        // The edges of one word out of many nodes.
        let low: QuickSet<u64> = (0..1024_u64).map(|node| hash(node << 32) & 1023).collect();
        assert!(low.len() > 512, "{}", low.len());
    }
}
