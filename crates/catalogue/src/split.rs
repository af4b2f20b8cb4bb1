//! Which products are trained on, validated with, tested with.
//!
//! Iterative stratification (Sechidis, Tsoumakas and Vlahavas, 2011), by groups:
//! the rarest label that is left is dealt out first, each group that has it to
//! the split that lacks most of it. So even a value that few products have is,
//! as far as it goes, in every split at the same share.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// A part of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// For training.
    Train,
    /// For choosing an epoch.
    Validation,
    /// For the final evaluation.
    Test,
}

impl Split {
    /// All three, in order.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// The name of its file of pairs.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Split::Train => "vqa_train.csv",
            Split::Validation => "vqa_val.csv",
            Split::Test => "vqa_test.csv",
        }
    }

    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }
}

/// The share of products of each split, in [0, 1]; their sum is 1.
pub(crate) type Shares = [f64; 3];

/// The split of each product. `groups` are the places of products that stay
/// together, `labels` what each product should be spread by.
///
/// The same arguments give the same splits.
pub(crate) fn split(
    groups: &[Vec<usize>],
    labels: &[Vec<usize>],
    shares: Shares,
    seed: u64,
) -> Vec<Split> {
    let mut dealer = Dealer::new(groups, labels, shares);
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    // Of the groups with a label large ones first: small ones fill what is left.
    order.sort_by_key(|&group| std::cmp::Reverse(groups[group].len()));
    let mut by_label: Vec<Vec<usize>> = vec![Vec::new(); dealer.left.len()];
    for &group in &order {
        for &label in &dealer.labels[group] {
            by_label[label].push(group);
        }
    }
    let mut dealt: Vec<Option<Split>> = vec![None; groups.len()];
    while let Some(label) = dealer.rarest() {
        for &group in &by_label[label] {
            if dealt[group].is_none() {
                dealt[group] = Some(dealer.deal(group, label));
            }
        }
    }
    let mut splits = vec![Split::Train; labels.len()];
    for (members, split) in groups.iter().zip(dealt) {
        for &member in members {
            splits[member] = split.unwrap_or(Split::Train);
        }
    }
    splits
}

/// What every split still lacks.
struct Dealer {
    shares: Shares,
    /// By group: how many products, and their labels, once a product.
    sizes: Vec<f64>,
    labels: Vec<Vec<usize>>,
    /// By label: how many products that are not dealt out have it.
    left: Vec<usize>,
    /// By split: how many products it lacks; by label and split the same.
    lacks: Shares,
    lacks_of: Vec<Shares>,
}

impl Dealer {
    /// The last label is one that every product has, so that all are dealt out.
    fn new(groups: &[Vec<usize>], labels: &[Vec<usize>], shares: Shares) -> Dealer {
        let everybody = labels.iter().flatten().max().map_or(0, |label| label + 1);
        let mut left = vec![0; everybody + 1];
        let labels: Vec<Vec<usize>> = groups
            .iter()
            .map(|members| {
                let own = members.iter().flat_map(|&member| &labels[member]).copied();
                own.chain(members.iter().map(|_| everybody)).collect()
            })
            .collect();
        for &label in labels.iter().flatten() {
            left[label] += 1;
        }
        let products = left[everybody] as f64;
        Dealer {
            shares,
            sizes: groups.iter().map(|members| members.len() as f64).collect(),
            lacks: shares.map(|share| share * products),
            lacks_of: left
                .iter()
                .map(|&count| shares.map(|share| share * count as f64))
                .collect(),
            left,
            labels,
        }
    }

    /// The label that fewest of the products that are left have.
    fn rarest(&self) -> Option<usize> {
        let labels = self.left.iter().enumerate();
        let (label, _) = labels
            .filter(|(_, count)| **count > 0)
            .min_by_key(|(_, count)| **count)?;
        Some(label)
    }

    fn deal(&mut self, group: usize, label: usize) -> Split {
        let size = self.sizes[group];
        let place = self.best(&self.lacks_of[label], size);
        self.lacks[place] -= size;
        for &label in &self.labels[group] {
            self.left[label] -= 1;
            self.lacks_of[label][place] -= 1.0;
        }
        Split::ALL[place]
    }

    /// The split that lacks most of the label, then most products, among those
    /// that have room for the whole group; where none has, the one with most.
    fn best(&self, of_label: &Shares, size: f64) -> usize {
        let wanted = || (0..3).filter(|&place| self.shares[place] > 0.0);
        let more_room =
            |a: usize, b: usize| self.lacks[a].total_cmp(&self.lacks[b]).then(b.cmp(&a));
        wanted()
            .filter(|&place| self.lacks[place] + 0.5 >= size)
            .max_by(|&a, &b| of_label[a].total_cmp(&of_label[b]).then(more_room(a, b)))
            .or_else(|| wanted().max_by(|&a, &b| more_room(a, b)))
            .unwrap_or(0)
    }
}

/// Labels of products as numbers: those of their texts, in alphabetical order.
pub(crate) fn numbered(labels: &[Vec<String>]) -> Vec<Vec<usize>> {
    let all: Vec<&String> = labels
        .iter()
        .flatten()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let number = |label: &String| all.binary_search(&label).unwrap_or_default();
    labels
        .iter()
        .map(|own| own.iter().map(number).collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Groups of the places 0, 1, 2 … by the sizes given.
    fn groups_of(sizes: &[usize]) -> Vec<Vec<usize>> {
        let mut next = 0;
        let mut group = |size: usize| {
            next += size;
            (next - size..next).collect()
        };
        sizes.iter().map(|&size| group(size)).collect()
    }

    fn count(splits: &[Split], split: Split, places: impl Iterator<Item = usize>) -> usize {
        places.filter(|&place| splits[place] == split).count()
    }

    proptest! {
        #[test]
        fn every_group_is_in_one_split_and_sizes_are_near_their_shares(
            sizes in proptest::collection::vec(1_usize..6, 30..120),
            labels in proptest::collection::vec(0_usize..12, 720),
            seed: u64,
        ) {
            let groups = groups_of(&sizes);
            let products: usize = sizes.iter().sum();
            let labels: Vec<Vec<usize>> = (0..products)
                .map(|place| vec![labels[place], 12 + labels[place] % 3])
                .collect();
            let shares = [0.7, 0.1, 0.2];
            let splits = split(&groups, &labels, shares, seed);
            prop_assert_eq!(splits.len(), products);
            for group in &groups {
                prop_assert!(group.iter().all(|&member| splits[member] == splits[group[0]]));
            }
            for (split, share) in Split::ALL.into_iter().zip(shares) {
                let size = count(&splits, split, 0..products) as f64;
                prop_assert!((size - share * products as f64).abs() <= 6.0, "{split:?} {size}");
            }
            prop_assert_eq!(split_again(&groups, &labels, shares, seed), splits);
        }
    }

    fn split_again(
        groups: &[Vec<usize>],
        labels: &[Vec<usize>],
        shares: Shares,
        seed: u64,
    ) -> Vec<Split> {
        split(groups, labels, shares, seed)
    }

    #[test]
    fn rare_labels_are_spread() {
        // One in fifty has label 0, one in ten label 1, all others label 2.
        let products = 1000;
        let labels: Vec<Vec<usize>> = (0..products)
            .map(|place| {
                vec![if place % 50 == 0 {
                    0
                } else if place % 10 == 1 {
                    1
                } else {
                    2
                }]
            })
            .collect();
        let groups = groups_of(&vec![1; products]);
        let splits = split(&groups, &labels, [0.8, 0.1, 0.1], 3);
        for (label, total) in [(0, 20), (1, 100), (2, 880)] {
            let places = || (0..products).filter(|&place| labels[place] == [label]);
            for (split, share) in Split::ALL.into_iter().zip([0.8, 0.1, 0.1]) {
                let found = count(&splits, split, places()) as f64;
                assert!(
                    (found - share * f64::from(total)).abs() <= 1.0,
                    "{label} {split:?} {found}"
                );
            }
        }
        assert_ne!(splits, split(&groups, &labels, [0.8, 0.1, 0.1], 4));
    }

    #[test]
    fn a_group_that_fills_no_small_split_is_trained_on() {
        let sizes: Vec<usize> = [60].into_iter().chain(vec![1; 40]).collect();
        let groups = groups_of(&sizes);
        let labels = vec![vec![0]; 100];
        let splits = split(&groups, &labels, [0.8, 0.1, 0.1], 1);
        assert_eq!(splits[0], Split::Train);
        assert_eq!(count(&splits, Split::Test, 0..100), 10);
    }

    #[test]
    fn a_split_without_a_share_stays_empty() {
        let groups = groups_of(&[1; 50]);
        let splits = split(&groups, &vec![vec![0]; 50], [0.9, 0.0, 0.1], 1);
        assert_eq!(count(&splits, Split::Validation, 0..50), 0);
        assert_eq!(count(&splits, Split::Test, 0..50), 5);
    }
}
