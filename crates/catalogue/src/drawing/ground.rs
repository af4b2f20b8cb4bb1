//! What a garment lies on or hangs before.

use rand::Rng;

use super::noise::step;
use super::palette::{Rgb, blend, scaled};
use super::raster::Frame;

/// A wall, or a wall and a floor, darker towards the picture's corners.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ground {
    /// The colour where most light falls.
    pub colour: Rgb,
    /// How light the corners are beside it.
    pub corner: f32,
    /// Where most light falls, as shares of the picture's width and height.
    pub lit: (f32, f32),
    /// Where the floor begins, as a share of the height, and how light it is
    /// beside the wall.
    pub floor: Option<(f32, f32)>,
}

impl Ground {
    /// White paper in a studio.
    pub(super) const PAPER: Ground = Ground {
        colour: [0.968; 3],
        corner: 0.905,
        lit: (0.47, 0.42),
        floor: None,
    };

    /// The colour of every cell of the whole picture, a little warmer or cooler
    /// by chance.
    pub(super) fn paint(&self, whole: Frame, chance: &mut impl Rng) -> Vec<Rgb> {
        let warmth = chance.random_range(-0.008..0.008_f32);
        let [r, g, b] = self.colour;
        let centre = [r + warmth, g, b - warmth];
        let corner = scaled(centre, self.corner);
        let mut cells = Vec::with_capacity(whole.width * whole.height);
        for row in 0..whole.height {
            let y = row as f32 / whole.height as f32 - self.lit.1;
            let floor = match self.floor {
                Some((from, light)) if y + self.lit.1 > from => light,
                _ => 1.0,
            };
            for column in 0..whole.width {
                let x = column as f32 / whole.width as f32 - self.lit.0;
                let shade = step(0.1, 0.85, (x * x + y * y).sqrt());
                cells.push(scaled(blend(centre, corner, shade), floor));
            }
        }
        cells
    }
}
