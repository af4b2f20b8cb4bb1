//! What happens to which product, in which order: the same for the same seed.

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::channel::{Channel, Message};

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

/// One product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// How its photos are told of.
    pub channel: Channel,
    /// How each of them is told of as well.
    pub beside: Option<Channel>,
    /// Its photos, oldest first; at least one.
    pub photos: Vec<Photo>,
    /// Whether they lie under two keys in turns, so that a newer one replaces none.
    pub has_two_keys: bool,
    /// Whether they are put into the bucket within one second.
    pub is_close: bool,
}

impl Planned {
    /// The ways by which each of its photos is told of.
    pub fn channels(&self) -> impl Iterator<Item = Channel> + use<> {
        [self.channel].into_iter().chain(self.beside)
    }

    /// Whether messages of one's own are among them.
    pub fn has_own(&self) -> bool {
        self.channels().any(Channel::is_own)
    }
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A photo is put into the bucket.
    Upload(Version),
    /// It is told of; again, for a duplicate.
    Announce(Message),
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

/// How many products are told of by another way as well, of those that may be.
const TOLD_BESIDE: f64 = 0.6;

/// How many products' photos are put into the bucket within one second.
const CLOSE: f64 = 0.5;

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
            let channel = Channel::ALL[rng.random_range(0..Channel::ALL.len())];
            let beside = channel.beside(&mut rng);
            let beside = beside.filter(|_| rng.random_bool(TOLD_BESIDE));
            // Whether a message came before another photo of that second nobody can know.
            let is_order_told = !(channel.is_coarse() && beside.is_some_and(Channel::is_own));
            let one = Planned {
                channel,
                beside,
                photos,
                has_two_keys: rng.random_bool(WITH_TWO_KEYS),
                is_close: rng.random_bool(CLOSE) && is_order_told,
            };
            placed.extend(steps(product, life, &one, &mut rng));
            planned.push(one);
        }
        // Stable: what was put in first is first of equals.
        placed.sort_by_key(|&(place, _)| place);
        Plan {
            products: planned,
            steps: placed.into_iter().map(|(_, step)| step).collect(),
        }
    }

    /// When a version of a product is put into the bucket, as events tell: in ms since the first
    /// moment that they tell of.
    pub fn uploaded_ms(&self, version: Version) -> u64 {
        const PART_MS: u64 = 250;
        let number = u64::from(version.number);
        match self.products[version.product].is_close {
            true => 1_000 + PART_MS * number,
            false => 1_000 * number + PART_MS,
        }
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
fn steps(product: usize, life: Life, one: &Planned, rng: &mut ChaCha8Rng) -> Vec<(usize, Step)> {
    let mut placed = Vec::new();
    let mut told = Vec::new();
    let mut place = product * ROOM;
    for (version, photo) in (1..).zip(&one.photos) {
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
        for channel in one.channels() {
            let message = Message { channel, version };
            told.push((place + rng.random_range(0..JITTER), message));
        }
    }
    if life == Life::Overtaken {
        let last = told.iter().map(|&(place, _)| place).max().unwrap_or(place);
        told[0].0 = last + gap(rng);
    }
    for (mut place, message) in told {
        placed.push((place, Step::Announce(message)));
        while rng.random_bool(DUPLICATED) {
            place += gap(rng);
            placed.push((place, Step::Announce(message)));
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
mod tests;
