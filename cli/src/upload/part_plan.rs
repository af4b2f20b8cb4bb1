//! Into which parts a large file is cut.

/// The smallest part of S3 that is not the last.
pub const MIN_PART_BYTES: u64 = 5 << 20;

/// The most parts of an object.
const MAX_PARTS: u64 = 10_000;

/// Sizes that had to grow are whole MiB.
const MIB: u64 = 1 << 20;

/// The parts of a file, numbered from 1: all of one size but the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartPlan {
    bytes: u64,
    part_bytes: u64,
}

impl PartPlan {
    /// Of a file of `bytes`, in parts of `wanted` bytes, or larger ones where there would be
    /// too many.
    #[must_use]
    pub fn new(bytes: u64, wanted: u64) -> PartPlan {
        let least = bytes.div_ceil(MAX_PARTS).div_ceil(MIB) * MIB;
        PartPlan {
            bytes,
            part_bytes: wanted.max(MIN_PART_BYTES).max(least),
        }
    }

    /// That of an unfinished upload of which there are these parts, as numbers and sizes;
    /// nothing where they are of no such plan, as those of another file or of another program
    /// may be.
    #[must_use]
    pub fn of_unfinished(bytes: u64, wanted: u64, parts: &[(u64, u64)]) -> Option<PartPlan> {
        let usual = PartPlan::new(bytes, wanted);
        let largest = parts.iter().map(|(_, size)| *size).max();
        let of_largest = largest.map(|size| PartPlan::new(bytes, size));
        [Some(usual), of_largest]
            .into_iter()
            .flatten()
            .find(|plan| {
                parts.iter().all(|(number, size)| {
                    (1..=plan.count()).contains(number) && plan.range(*number).1 == *size
                })
            })
    }

    /// The size of each part but the last.
    #[must_use]
    pub fn part_bytes(self) -> u64 {
        self.part_bytes
    }

    /// How many parts there are: one at least.
    #[must_use]
    pub fn count(self) -> u64 {
        self.bytes.div_ceil(self.part_bytes).max(1)
    }

    /// Where a part begins, and how many bytes it has.
    #[must_use]
    pub fn range(self, number: u64) -> (u64, u64) {
        let from = number.saturating_sub(1).saturating_mul(self.part_bytes);
        let rest = self.bytes.saturating_sub(from);
        (from, rest.min(self.part_bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_the_file_and_are_as_many_as_s3_takes() {
        for (bytes, wanted) in [
            (0, 8 * MIB),
            (1, 1),
            (16 * MIB, 8 * MIB),
            (16 * MIB + 1, 8 * MIB),
            (1 << 40, 8 * MIB),
            (5 << 40, 8 * MIB),
        ] {
            let plan = PartPlan::new(bytes, wanted);
            assert!(plan.part_bytes() >= MIN_PART_BYTES && plan.count() <= MAX_PARTS);
            let (from, length) = plan.range(plan.count());
            assert_eq!(from + length, bytes, "{plan:?}");
            assert!(length > 0 || bytes == 0);
        }
        assert_eq!(PartPlan::new(16 * MIB + 1, 8 * MIB).count(), 3);
    }

    #[test]
    fn an_unfinished_upload_goes_on_in_its_own_parts() {
        let bytes = 20 * MIB;
        let plan = |parts: &[(u64, u64)]| {
            PartPlan::of_unfinished(bytes, 8 * MIB, parts).map(PartPlan::part_bytes)
        };
        assert_eq!(plan(&[]), Some(8 * MIB));
        assert_eq!(plan(&[(2, 8 * MIB)]), Some(8 * MIB));
        assert_eq!(plan(&[(3, 4 * MIB)]), Some(8 * MIB));
        // Begun with another size of parts.
        assert_eq!(plan(&[(1, 6 * MIB), (4, 2 * MIB)]), Some(6 * MIB));
        // Of another file, or of no plan.
        for other in [
            &[(1, 8 * MIB), (2, 7 * MIB)][..],
            &[(4, 8 * MIB)],
            &[(1, MIB)],
            &[(0, 8 * MIB)],
        ] {
            assert_eq!(plan(other), None, "{other:?}");
        }
    }
}
