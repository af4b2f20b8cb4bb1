//! Outlines made of cubic curves.

use tiny_skia::{Path, PathBuilder};

/// A place: pixels to the right of the garment's middle, pixels from the top.
pub(super) type Point = (f32, f32);

/// A run of cubic curves; lines are curves, too, so that it can be turned round.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    start: Point,
    /// Two control points and the end of each piece.
    pieces: Vec<[Point; 3]>,
}

impl Curve {
    pub(super) fn from(start: Point) -> Curve {
        Curve {
            start,
            pieces: Vec::new(),
        }
    }

    pub(super) fn line(self, end: Point) -> Curve {
        let start = self.end();
        self.cubic(
            between(start, end, 1.0 / 3.0),
            between(start, end, 2.0 / 3.0),
            end,
        )
    }

    pub(super) fn quad(self, control: Point, end: Point) -> Curve {
        let start = self.end();
        self.cubic(
            between(start, control, 2.0 / 3.0),
            between(end, control, 2.0 / 3.0),
            end,
        )
    }

    pub(super) fn cubic(mut self, first: Point, second: Point, end: Point) -> Curve {
        self.pieces.push([first, second, end]);
        self
    }

    /// Goes on with `next`, by a line where it does not begin at this one's end.
    pub(super) fn then(mut self, next: Curve) -> Curve {
        if self.end() != next.start {
            self = self.line(next.start);
        }
        self.pieces.extend(next.pieces);
        self
    }

    pub(super) fn start(&self) -> Point {
        self.start
    }

    pub(super) fn end(&self) -> Point {
        self.pieces.last().map_or(self.start, |piece| piece[2])
    }

    /// The same on the garment's other side.
    pub(super) fn mirrored(&self) -> Curve {
        self.map(|(x, y)| (-x, y))
    }

    pub(super) fn moved(&self, dx: f32, dy: f32) -> Curve {
        self.map(|(x, y)| (x + dx, y + dy))
    }

    /// Stretched from the garment's middle and from the height `from_y`.
    pub(super) fn scaled(&self, across: f32, down: f32, from_y: f32) -> Curve {
        self.map(|(x, y)| (x * across, from_y + (y - from_y) * down))
    }

    /// The same from its end to its start.
    pub(super) fn reversed(&self) -> Curve {
        let mut reversed = Curve::from(self.end());
        for (place, &[first, second, _]) in self.pieces.iter().enumerate().rev() {
            let end = if place == 0 {
                self.start
            } else {
                self.pieces[place - 1][2]
            };
            reversed = reversed.cubic(second, first, end);
        }
        reversed
    }

    /// The mirrored curve backwards, then this one: from its end's mirror image
    /// to its end, with its start in the middle.
    pub(super) fn symmetric(&self) -> Curve {
        self.mirrored().reversed().then(self.clone())
    }

    /// This curve, then its mirror image backwards: it ends opposite its start,
    /// with its end in the middle.
    pub(super) fn symmetric_about_end(&self) -> Curve {
        self.clone().then(self.mirrored().reversed())
    }

    /// The point at `t` in [0, 1] of a curve of one piece.
    pub(super) fn at(&self, t: f32) -> Point {
        let Some(&[b, c, d]) = self.pieces.first() else {
            return self.start;
        };
        let s = 1.0 - t;
        let weights = [s * s * s, 3.0 * s * s * t, 3.0 * s * t * t, t * t * t];
        let mut sum = (0.0, 0.0);
        for (weight, point) in weights.into_iter().zip([self.start, b, c, d]) {
            sum = (sum.0 + weight * point.0, sum.1 + weight * point.1);
        }
        sum
    }

    pub(super) fn open_path(&self) -> Option<Path> {
        self.builder().finish()
    }

    pub(super) fn closed_path(&self) -> Option<Path> {
        let mut builder = self.builder();
        builder.close();
        builder.finish()
    }

    fn builder(&self) -> PathBuilder {
        let mut builder = PathBuilder::new();
        builder.move_to(self.start.0, self.start.1);
        for &[first, second, end] in &self.pieces {
            builder.cubic_to(first.0, first.1, second.0, second.1, end.0, end.1);
        }
        builder
    }

    fn map(&self, change: impl Fn(Point) -> Point) -> Curve {
        let pieces = self.pieces.iter().map(|piece| piece.map(&change)).collect();
        Curve {
            start: change(self.start),
            pieces,
        }
    }
}

/// The point `t` of the way from `a` to `b`.
pub(super) fn between(a: Point, b: Point, t: f32) -> Point {
    (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t)
}

/// `from` moved by `length` along `direction`.
pub(super) fn along(from: Point, direction: Point, length: f32) -> Point {
    (from.0 + direction.0 * length, from.1 + direction.1 * length)
}

/// The vector from `a` to `b`, of length 1.
pub(super) fn direction(a: Point, b: Point) -> Point {
    let (x, y) = (b.0 - a.0, b.1 - a.1);
    let length = (x * x + y * y).sqrt().max(f32::EPSILON);
    (x / length, y / length)
}

#[cfg(test)]
mod tests {
    use super::Curve;

    #[test]
    fn turning_round_twice_changes_nothing() {
        let curve = Curve::from((0.0, 0.0))
            .line((3.0, 0.0))
            .quad((5.0, 1.0), (6.0, 4.0));
        let twice = curve.reversed().reversed();
        assert_eq!((twice.start(), twice.end()), (curve.start(), curve.end()));
        assert_eq!(twice.pieces, curve.pieces);
        assert_eq!(curve.reversed().end(), (0.0, 0.0));
    }

    #[test]
    fn a_symmetric_curve_ends_opposite_its_start() {
        let curve = Curve::from((0.0, 9.0))
            .quad((4.0, 9.0), (5.0, 2.0))
            .symmetric();
        assert_eq!((curve.start(), curve.end()), ((-5.0, 2.0), (5.0, 2.0)));
        assert_eq!(curve.pieces.len(), 2);
    }

    #[test]
    fn points_of_a_line() {
        let (x, y) = Curve::from((0.0, 0.0)).line((8.0, 4.0)).at(0.25);
        assert!((x - 2.0).abs() < 1e-5 && (y - 1.0).abs() < 1e-5);
    }
}
