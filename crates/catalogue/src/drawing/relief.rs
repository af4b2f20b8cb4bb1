//! The relief of a panel of cloth: how it bulges and folds.

use rand::Rng;
use tiny_skia::{Path, PathBuilder};

use super::curve::{Curve, Point, along, between, direction};
use super::noise;
use super::raster::Field;

/// Blur, in pixels, that makes a fold's outline a fold.
const SOFT: f32 = 5.5;
const CRISP: f32 = 2.2;
/// Heights in pixels before the blur, which lowers narrow folds.
const SOFT_HEIGHT: f32 = 13.0;
const CRISP_HEIGHT: f32 = 4.2;

/// What raises and lowers a panel's surface.
#[derive(Clone, Debug)]
pub(super) struct Relief {
    /// Height of the middle over the edge, in pixels.
    pub roundness: f32,
    /// How far from the edge, in pixels, the surface gets level.
    pub rim: f32,
    /// Height of chance unevenness, in pixels.
    pub crumple: f32,
    /// Where chance begins.
    pub seed: u32,
    ridges: Vec<Curve>,
    valleys: Vec<Curve>,
    creases: Vec<Curve>,
}

impl Relief {
    pub(super) fn new(roundness: f32, rim: f32, crumple: f32, chance: &mut impl Rng) -> Relief {
        Relief {
            roundness,
            rim,
            crumple,
            seed: chance.random(),
            ridges: Vec::new(),
            valleys: Vec::new(),
            creases: Vec::new(),
        }
    }

    /// Something that lies flat on the garment, such as a band or a collar.
    pub(super) fn flat(roundness: f32, chance: &mut impl Rng) -> Relief {
        Relief::new(roundness, 3.0, 0.3, chance)
    }

    /// A soft fold that stands up, with a hollow beside it. It bends by chance
    /// up to `reach` pixels.
    pub(super) fn fold(
        &mut self,
        (from, to): (Point, Point),
        width: f32,
        reach: f32,
        chance: &mut impl Rng,
    ) {
        let middle = bend(from, to, reach, chance);
        self.ridges.push(lens(from, middle, to, width));
        let beside = |(x, y): Point| (x + width * 0.72, y + width * 0.54);
        self.valleys
            .push(lens(beside(from), beside(middle), beside(to), width * 0.7));
    }

    /// A soft hollow.
    pub(super) fn hollow(
        &mut self,
        (from, to): (Point, Point),
        width: f32,
        reach: f32,
        chance: &mut impl Rng,
    ) {
        self.valleys
            .push(lens(from, bend(from, to, reach, chance), to, width));
    }

    /// A sharp narrow crease, as where cloth is gathered.
    pub(super) fn crease(
        &mut self,
        (from, to): (Point, Point),
        width: f32,
        reach: f32,
        chance: &mut impl Rng,
    ) {
        self.creases
            .push(lens(from, bend(from, to, reach, chance), to, width));
    }

    /// The height of every cell in pixels, for a panel of that coverage.
    pub(super) fn height(&self, coverage: &Field) -> Field {
        let mut height = Field::zero(coverage.frame);
        for (share, sigma) in [(0.45, self.rim * 0.35), (0.55, self.rim)] {
            let mut bulge = coverage.clone();
            bulge.blur(sigma);
            height.add(&bulge, self.roundness * share);
        }
        for (folds, sigma, lift) in [
            (&self.ridges, SOFT, SOFT_HEIGHT),
            (&self.valleys, SOFT, -SOFT_HEIGHT),
            (&self.creases, CRISP, -CRISP_HEIGHT),
        ] {
            if let Some(path) = joined(folds) {
                let mut shape = Field::coverage(coverage.frame, &path);
                shape.blur(sigma);
                height.add(&shape, lift);
            }
        }
        if self.crumple > 0.0 {
            self.add_crumple(&mut height);
        }
        height
    }

    fn add_crumple(&self, height: &mut Field) {
        let frame = height.frame;
        for row in 0..frame.height {
            for column in 0..frame.width {
                let (x, y) = frame.place(column, row);
                let broad = noise::smooth(x / 46.0, y / 74.0, self.seed);
                let fine = noise::smooth(x / 15.0, y / 27.0, self.seed ^ 1);
                height.values[row * frame.width + column] += self.crumple * (broad + 0.22 * fine);
            }
        }
    }
}

/// A shape that is `width` wide in its middle and pointed at both ends.
fn lens(from: Point, bend: Point, to: Point, width: f32) -> Curve {
    let ahead = direction(from, to);
    let aside = (-ahead.1, ahead.0);
    Curve::from(from)
        .quad(along(bend, aside, width), to)
        .quad(along(bend, aside, -width), from)
}

fn joined(curves: &[Curve]) -> Option<Path> {
    let mut builder = PathBuilder::new();
    for path in curves.iter().filter_map(Curve::closed_path) {
        builder.push_path(&path);
    }
    builder.finish()
}

/// The middle between two points, moved by chance up to `reach` pixels.
fn bend(from: Point, to: Point, reach: f32, chance: &mut impl Rng) -> Point {
    let (x, y) = between(from, to, 0.5);
    (
        x + chance.random_range(-reach..=reach),
        y + chance.random_range(-reach..=reach),
    )
}
