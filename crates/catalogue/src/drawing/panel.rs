//! A piece of cloth, ready to be laid on the picture.

use super::cloth::Cloth;
use super::curve::{Curve, Point, direction};
use super::relief::Relief;

/// A piece of cloth.
pub(super) struct Panel<'a> {
    /// Its closed outline.
    pub outline: &'a Curve,
    /// Another closed outline that it does not leave.
    pub within: Option<&'a Curve>,
    pub cloth: &'a Cloth,
    pub grain: Grain,
    pub relief: Relief,
    /// How far, in pixels, it stands over what lies below: the reach of its shadow.
    pub lift: f32,
    /// Light that reaches it; 1 for an outer side.
    pub light: f32,
}

/// How the threads of a panel run: from the garment's measures to the cloth's.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grain {
    origin: Point,
    /// The direction of the warp, from top to bottom where nothing is turned.
    down: Point,
}

impl Grain {
    /// The warp runs straight down and the cloth's origin is the garment's.
    pub(super) const STRAIGHT: Grain = Grain {
        origin: (0.0, 0.0),
        down: (0.0, 1.0),
    };

    /// The warp runs from one point to another.
    pub(super) fn running(from: Point, to: Point) -> Grain {
        Grain {
            origin: from,
            down: direction(from, to),
        }
    }

    /// The place on the cloth, in pixels across and along the warp.
    pub(super) fn on_cloth(&self, (x, y): Point) -> Point {
        let (dx, dy) = (x - self.origin.0, y - self.origin.1);
        (
            dx * self.down.1 - dy * self.down.0,
            dx * self.down.0 + dy * self.down.1,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Grain;

    #[test]
    fn straight_grain_keeps_places_and_turned_grain_turns_them() {
        assert_eq!(Grain::STRAIGHT.on_cloth((3.0, 5.0)), (3.0, 5.0));
        let sideways = Grain::running((1.0, 1.0), (9.0, 1.0));
        assert_eq!(sideways.on_cloth((4.0, 1.0)), (0.0, 3.0));
    }
}
