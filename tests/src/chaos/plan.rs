//! What happens to which product, in which order: the same for the same seed.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// With fewer there would be lives that no product has.
pub const FEWEST_PRODUCTS: usize = 20;

/// A photo of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The product, counted from 0.
    pub product: usize,
    /// The photo, counted from 1: a later one replaces those before.
    pub number: u32,
}

impl Version {
    /// A number that grows from one photo of a product to the next, and is of no
    /// other photo.
    pub fn order(self) -> u64 {
        const MOST_PHOTOS: u64 = 16;
        self.product as u64 * MOST_PHOTOS + u64::from(self.number)
    }
}

/// What a product's photo is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Photo {
    /// A picture that can be described.
    Whole {
        /// Which one.
        picture: usize,
    },
    /// The first half of a file.
    Cut {
        /// Of which picture.
        picture: usize,
    },
    /// No picture at all.
    Text,
    /// Told of, and not there.
    Missing,
}

impl Photo {
    /// The picture, where there is one to be described.
    pub fn picture(self) -> Option<usize> {
        match self {
            Photo::Whole { picture } => Some(picture),
            Photo::Cut { .. } | Photo::Text | Photo::Missing => None,
        }
    }
}

/// By which way a product's photos are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// S3's notification.
    S3,
    /// S3's event through EventBridge.
    EventBridge,
    /// S3's notification through a topic.
    Sns,
    /// A message of one's own through a topic.
    SnsOwn,
    /// S3's notification in a queue.
    SqsS3,
    /// EventBridge's event in a queue.
    SqsEventBridge,
    /// S3's notification, through a topic into a queue.
    SqsSns,
    /// A message of one's own in a queue.
    SqsOwn,
}

impl Channel {
    /// All of them.
    pub const ALL: [Channel; 8] = [
        Channel::S3,
        Channel::EventBridge,
        Channel::Sns,
        Channel::SnsOwn,
        Channel::SqsS3,
        Channel::SqsEventBridge,
        Channel::SqsSns,
        Channel::SqsOwn,
    ];

    /// Whether a queue delivers it; else it is an asynchronous invocation.
    pub fn is_queue(self) -> bool {
        match self {
            Channel::S3 | Channel::EventBridge | Channel::Sns | Channel::SnsOwn => false,
            Channel::SqsS3 | Channel::SqsEventBridge | Channel::SqsSns | Channel::SqsOwn => true,
        }
    }
}

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// How its photos are told of.
    pub channel: Channel,
    /// Its photos, oldest first; at least one.
    pub photos: Vec<Photo>,
    /// Whether they lie under two keys in turns, so that a newer one replaces none.
    pub has_two_keys: bool,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A photo is put into the bucket.
    Upload(Version),
    /// It is told of; again, for a duplicate.
    Announce(Version),
}

/// All that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The products.
    pub products: Vec<Planned>,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// What becomes of a product's photos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// One photo.
    Plain,
    /// A photo is replaced, once or twice.
    Replaced,
    /// The same, and the old one is told of after the new one.
    Overtaken,
    /// A broken photo is replaced by a good one.
    Mended,
    /// A good photo is replaced by a broken one.
    Spoilt,
    /// A broken photo.
    Broken,
    /// An object that is not there.
    Missing,
}

/// How many products of 100; the others are [`Life::Plain`].
const LIVES: [(Life, usize); 6] = [
    (Life::Replaced, 14),
    (Life::Overtaken, 8),
    (Life::Mended, 4),
    (Life::Spoilt, 2),
    (Life::Broken, 5),
    (Life::Missing, 3),
];

/// How many products have two keys.
const WITH_TWO_KEYS: f64 = 0.3;

/// How often what was told is told once more, and once more again.
const DUPLICATED: f64 = 0.15;

/// Between the first steps of two products that follow each other.
const ROOM: usize = 10;

/// How much later than its photo an event may come by itself, which reorders them.
const JITTER: usize = 8 * ROOM;

impl Plan {
    /// A plan for so many products, whose photos show `pictures` different pictures,
    /// two or more.
    pub fn new(products: usize, pictures: usize, seed: u64) -> Plan {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut lives: Vec<Life> = LIVES
            .iter()
            .flat_map(|&(life, share)| std::iter::repeat_n(life, (products * share / 100).max(1)))
            .collect();
        lives.resize(products, Life::Plain);
        lives.shuffle(&mut rng);
        let mut placed = Vec::new();
        let mut planned = Vec::with_capacity(products);
        for (product, life) in lives.into_iter().enumerate() {
            let photos = photos(life, pictures, &mut rng);
            placed.extend(steps(product, life, &photos, &mut rng));
            let channel = Channel::ALL[rng.random_range(0..Channel::ALL.len())];
            let has_two_keys = rng.random_bool(WITH_TWO_KEYS);
            planned.push(Planned {
                channel,
                photos,
                has_two_keys,
            });
        }
        // Stable: what was put in first is first of equals.
        placed.sort_by_key(|&(place, _)| place);
        Plan {
            products: planned,
            steps: placed.into_iter().map(|(_, step)| step).collect(),
        }
    }

    /// The channel of a product.
    pub fn channel(&self, product: usize) -> Channel {
        self.products[product].channel
    }

    /// Where a version of a product lies.
    pub fn key(&self, version: Version) -> String {
        let is_other =
            self.products[version.product].has_two_keys && version.number.is_multiple_of(2);
        let extension = if is_other { "jpeg" } else { "jpg" };
        format!("incoming/{}.{extension}", product_id(version.product))
    }

    /// What a version of a product shows.
    pub fn photo(&self, version: Version) -> Photo {
        self.products[version.product].photos[version.number as usize - 1]
    }

    /// All versions of a product, oldest first.
    pub fn versions(&self, product: usize) -> impl DoubleEndedIterator<Item = Version> + use<> {
        let count = self.products[product].photos.len() as u32;
        (1..=count).map(move |number| Version { product, number })
    }

    /// The newest version of a product.
    pub fn newest(&self, product: usize) -> Version {
        let number = self.products[product].photos.len() as u32;
        Version { product, number }
    }

    /// How many photos there are, and how often one is told of beyond once.
    pub fn counts(&self) -> (usize, usize) {
        let versions = self
            .products
            .iter()
            .map(|planned| planned.photos.len())
            .sum();
        let is_told = |step: &&Step| matches!(step, Step::Announce(_));
        let told = self.steps.iter().filter(is_told).count();
        (versions, told - versions)
    }
}

/// The name of a product.
pub fn product_id(product: usize) -> String {
    format!("chaos-{product:05}")
}

/// The product of a name.
pub fn product_named(id: &str) -> Option<usize> {
    let product = id.strip_prefix("chaos-")?.parse().ok()?;
    (product_id(product) == id).then_some(product)
}

fn photos(life: Life, pictures: usize, rng: &mut ChaCha8Rng) -> Vec<Photo> {
    let first = rng.random_range(0..pictures);
    // Neighbours are never the same picture.
    let whole = |index: usize| Photo::Whole {
        picture: (first + index) % pictures,
    };
    let broken = match rng.random_bool(0.5) {
        true => Photo::Cut { picture: first },
        false => Photo::Text,
    };
    match life {
        Life::Plain => vec![whole(0)],
        Life::Replaced if rng.random_bool(0.2) => vec![whole(0), whole(1), whole(2)],
        Life::Replaced | Life::Overtaken => vec![whole(0), whole(1)],
        Life::Mended => vec![broken, whole(0)],
        Life::Spoilt => vec![whole(0), broken],
        Life::Broken => vec![broken],
        Life::Missing => vec![Photo::Missing],
    }
}

/// The steps of a product, each with its place among those of all products.
fn steps(product: usize, life: Life, photos: &[Photo], rng: &mut ChaCha8Rng) -> Vec<(usize, Step)> {
    let mut placed = Vec::new();
    let mut told = Vec::new();
    let mut place = product * ROOM;
    for (version, photo) in (1..).zip(photos) {
        let version = Version {
            product,
            number: version,
        };
        if version.number > 1 {
            place += gap(rng);
        }
        if *photo != Photo::Missing {
            placed.push((place, Step::Upload(version)));
        }
        told.push((place + rng.random_range(0..JITTER), version));
    }
    if life == Life::Overtaken {
        let last = told.iter().map(|&(place, _)| place).max().unwrap_or(place);
        told[0].0 = last + gap(rng);
    }
    for (mut place, version) in told {
        placed.push((place, Step::Announce(version)));
        while rng.random_bool(DUPLICATED) {
            place += gap(rng);
            placed.push((place, Step::Announce(version)));
        }
    }
    placed
}

/// Half of the time so little that both are worked on at once, else much.
fn gap(rng: &mut ChaCha8Rng) -> usize {
    match rng.random_bool(0.5) {
        true => rng.random_range(1..3 * ROOM),
        false => rng.random_range(3 * ROOM..200 * ROOM),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(plan: &Plan, step: Step) -> usize {
        plan.steps.iter().position(|other| *other == step).unwrap()
    }

    #[test]
    fn the_same_seed_plans_the_same_and_another_does_not() {
        assert_eq!(Plan::new(100, 5, 7), Plan::new(100, 5, 7));
        assert_ne!(Plan::new(100, 5, 7), Plan::new(100, 5, 8));
    }

    #[test]
    fn every_photo_is_told_of_and_not_before_it_is_there() {
        let plan = Plan::new(500, 4, 1);
        for product in 0..500 {
            for version in plan.versions(product) {
                let told = place(&plan, Step::Announce(version));
                if plan.photo(version) != Photo::Missing {
                    assert!(place(&plan, Step::Upload(version)) < told, "{version:?}");
                }
            }
            let uploads: Vec<Version> = plan
                .steps
                .iter()
                .filter_map(|step| match step {
                    Step::Upload(version) if version.product == product => Some(*version),
                    _ => None,
                })
                .collect();
            assert!(uploads.is_sorted(), "{uploads:?}");
        }
    }

    #[test]
    fn a_small_plan_has_every_life_and_every_way_of_delivery() {
        let plan = Plan::new(FEWEST_PRODUCTS * 3, 4, 7);
        let has = |wanted: fn(&Planned) -> bool| plan.products.iter().any(wanted);
        assert!(has(|product| product.photos == [Photo::Missing]));
        assert!(has(|product| product.photos.len() == 1
            && matches!(product.photos[0], Photo::Cut { .. } | Photo::Text)));
        assert!(has(|product| product.photos.len() == 2
            && product.photos[0].picture().is_none()
            && product.photos[1].picture().is_some()));
        assert!(has(|product| product.photos.len() == 2
            && product.photos[0].picture().is_some()
            && product.photos[1].picture().is_none()));
        assert!(has(|product| product.channel.is_queue()));
        assert!(has(|product| !product.channel.is_queue()));
        // Some photo is told of after a newer one of its product.
        let late = (0..plan.products.len()).any(|product| {
            let newest = place(&plan, Step::Announce(plan.newest(product)));
            let mut older = plan.versions(product).rev().skip(1);
            older.any(|version| place(&plan, Step::Announce(version)) > newest)
        });
        assert!(late);
        let (versions, duplicates) = plan.counts();
        assert!(versions > plan.products.len() && duplicates > 0);
    }

    #[test]
    fn some_products_have_photos_under_two_keys_and_others_replace_theirs() {
        let plan = Plan::new(200, 4, 7);
        let keys = |product: usize| {
            let keys = plan.versions(product).map(|version| plan.key(version));
            keys.collect::<std::collections::BTreeSet<String>>().len()
        };
        let several = (0..200).filter(|&product| plan.newest(product).number > 1);
        let (two, one): (Vec<usize>, Vec<usize>) = several.partition(|&product| keys(product) == 2);
        assert!(!two.is_empty() && !one.is_empty());
        assert!(
            two.iter()
                .all(|&product| plan.products[product].has_two_keys)
        );
    }

    #[test]
    fn photos_that_follow_each_other_differ() {
        for planned in Plan::new(1_000, 2, 3).products {
            for pair in planned.photos.windows(2) {
                assert_ne!(pair[0], pair[1]);
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(product_named(&product_id(1_234)), Some(1_234));
        for other in ["chaos-1234", "chaos-", "drawn-01", "chaos-+0001"] {
            assert_eq!(product_named(other), None, "{other}");
        }
    }
}
