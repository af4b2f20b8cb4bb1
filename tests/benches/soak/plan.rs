//! Which requests are sent, in which order: the same for the same seed.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::capabilities::Capabilities;

/// Every block of so many requests has the same mix, so that what the first
/// block needs of memory is what the others need.
pub const BLOCK: usize = 1_000;

/// Kinds of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Good, about a photo that was not seen before.
    Fresh,
    /// Good, about a photo that was.
    Repeated,
    /// Good, sent slowly.
    Slow,
    /// Good, as an AWS SDK asks.
    Endpoint,
    /// Good, the photo as the body.
    RawImage,
    /// Good and bad lines of one body.
    JsonLines,
    /// Good, as large as the limits allow.
    Heavy,
    /// A photo with changed bytes: a picture or none, as it was alone.
    Damaged,
    /// A file that is no photo.
    BadFile,
    /// What would take far more memory than it is long.
    Bomb,
    BadJson,
    BadParameter,
    BadPrompt,
    BadHttp,
    /// A client that leaves while it sends.
    LeftSending,
    /// A client that leaves while it waits.
    LeftWaiting,
    /// A client that stops sending and stays, for as long as the server lets
    /// it; in the first half only, so that the end need not wait for them.
    Stalled,
}

/// How many of a block; the rest are [`Kind::Repeated`].
const MIX: [(Kind, usize); 16] = [
    (Kind::Fresh, 260),
    (Kind::Slow, 25),
    (Kind::Endpoint, 25),
    (Kind::RawImage, 25),
    (Kind::JsonLines, 15),
    (Kind::Heavy, 8),
    (Kind::Damaged, 40),
    (Kind::BadFile, 70),
    (Kind::Bomb, 24),
    (Kind::BadJson, 50),
    (Kind::BadParameter, 50),
    (Kind::BadPrompt, 30),
    (Kind::BadHttp, 30),
    (Kind::LeftSending, 40),
    (Kind::LeftWaiting, 40),
    (Kind::Stalled, 1),
];

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    pub kind: Kind,
    /// How many of this kind come before it.
    pub ordinal: usize,
}

pub fn plan(requests: usize, capabilities: Capabilities, seed: u64) -> Vec<Planned> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let understood = |kind| match kind {
        Kind::RawImage => capabilities.raw_images,
        Kind::JsonLines => capabilities.json_lines,
        _ => true,
    };
    let mut mix: Vec<Kind> = MIX
        .into_iter()
        .filter(|&(kind, _)| understood(kind))
        .flat_map(|(kind, count)| std::iter::repeat_n(kind, count))
        .collect();
    mix.resize(BLOCK, Kind::Repeated);
    let mut plan: Vec<Planned> = Vec::with_capacity(requests + BLOCK);
    let mut counts = std::collections::BTreeMap::new();
    while plan.len() < requests {
        mix.shuffle(&mut rng);
        let is_late = plan.len() > requests / 2;
        for &kind in &mix {
            let kind = match kind {
                Kind::Stalled if is_late => Kind::Repeated,
                kind => kind,
            };
            let count = counts.entry(kind).or_insert(0);
            plan.push(Planned {
                kind,
                ordinal: *count,
            });
            *count += 1;
        }
    }
    plan.truncate(requests);
    plan
}
