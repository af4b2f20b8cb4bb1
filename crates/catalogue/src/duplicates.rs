//! Near-identical photographs.

use std::collections::HashMap;

use crate::fingerprint::Fingerprint;

/// The largest distance that may be asked for; beyond it, garments of one cut
/// are alike whatever is on them.
pub const MAX_DISTANCE: u32 = 10;

/// By how many levels of 255 the colours of near-identical photographs may
/// differ. In the Kaggle data set photographs that share their hash differ by 0
/// (the same file) or, with a median of 11, are garments of one cut.
const MAX_COLOUR_DIFFERENCE: f32 = 4.0;

/// Pairs of places in `prints` whose photographs are near-identical: hashes at
/// most `distance` bits apart, colours at most 4 levels. Of many identical ones
/// each is paired with the first.
///
/// Two hashes that differ in at most d bits agree in one of d + 1 parts, so only
/// those that share a part are compared.
pub(crate) fn near_identical(prints: &[Fingerprint], distance: u32) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    // Equal marks once, so that a placeholder on thousands of products is compared once.
    let mut firsts: HashMap<(u64, &[u8]), usize> = HashMap::new();
    let mut distinct = Vec::new();
    for (place, print) in prints.iter().enumerate() {
        match firsts.get(&(print.hash, &print.colours[..])) {
            Some(&first) => pairs.push((first, place)),
            None => {
                firsts.insert((print.hash, &print.colours), place);
                distinct.push(place);
            }
        }
    }
    for part in parts(distance) {
        let mut buckets: HashMap<u64, Vec<usize>> = HashMap::new();
        for &place in &distinct {
            buckets
                .entry(prints[place].hash & part)
                .or_default()
                .push(place);
        }
        for bucket in buckets.values() {
            for (position, &a) in bucket.iter().enumerate() {
                let rest = &bucket[position + 1..];
                pairs.extend(rest.iter().map(|&b| (a, b)).filter(|&(a, b)| {
                    prints[a].distance(&prints[b]) <= distance
                        && prints[a].colour_difference(&prints[b]) <= MAX_COLOUR_DIFFERENCE
                }));
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// Masks that part the 64 bits into `distance` + 1 runs.
fn parts(distance: u32) -> impl Iterator<Item = u64> {
    let count = distance + 1;
    (0..count).map(move |part| {
        let (from, to) = (64 * part / count, 64 * (part + 1) / count);
        (from..to).fold(0, |mask, bit| mask | 1 << bit)
    })
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn print(hash: u64, level: u8) -> Fingerprint {
        Fingerprint {
            hash,
            colours: [level; 192],
        }
    }

    #[test]
    fn parts_cover_every_bit_once() {
        for distance in 0..=MAX_DISTANCE {
            let masks: Vec<u64> = parts(distance).collect();
            assert_eq!(masks.len() as u32, distance + 1);
            assert_eq!(masks.iter().fold(0, |all, mask| all ^ mask), u64::MAX);
        }
    }

    #[test]
    fn the_pairs_are_those_of_a_comparison_of_all_with_all() {
        let mut chance = ChaCha8Rng::seed_from_u64(1);
        let mut prints: Vec<Fingerprint> = (0..60).map(|_| print(chance.random(), 90)).collect();
        for place in 0..240 {
            let mut hash = prints[place % 60].hash;
            for _ in 0..chance.random_range(0..9) {
                hash ^= 1 << chance.random_range(0..64);
            }
            prints.push(print(hash, chance.random_range(86..97)));
        }
        for distance in [0, 3, 4, 10] {
            let mut expected = Vec::new();
            for a in 0..prints.len() {
                for b in a + 1..prints.len() {
                    let is_first = |place: usize| !prints[..place].contains(&prints[place]);
                    let near = prints[a].distance(&prints[b]) <= distance
                        && prints[a].colour_difference(&prints[b]) <= MAX_COLOUR_DIFFERENCE;
                    let equal = prints[a] == prints[b];
                    if is_first(a) && (equal || near && is_first(b)) {
                        expected.push((a, b));
                    }
                }
            }
            assert!(!expected.is_empty());
            assert_eq!(near_identical(&prints, distance), expected);
        }
    }
}
