//! Collars: the leaves of shirts and polo shirts, and the standing band.

use rand::Rng;

use super::Subject;
use super::canvas::Canvas;
use super::closure::button_colour;
use super::curve::{Curve, Point, between};
use super::ink::Ink;
use super::measures::Measures;
use super::panel::{Grain, Panel};
use super::relief::Relief;
use crate::product::{Collar, Neck, Neckline};

/// How far a collar stands above the shoulder.
const STAND: f32 = 24.0;

/// Whether something stands up around this neck.
pub(super) fn stands(neckline: Neckline) -> bool {
    matches!(
        neckline,
        Neckline::Collar(_) | Neckline::Neck(Neck::Polo | Neck::Mandarin)
    )
}

/// The right half of a collar's upper edge at the back.
pub(super) fn back_edge(m: &Measures) -> Curve {
    Curve::from((0.0, m.neck_y - STAND - 5.0)).quad(
        (m.neck * 0.72, m.neck_y - STAND - 4.0),
        (m.neck - 1.0, m.neck_y - STAND + 6.0),
    )
}

/// How the leaf of a collar is cut, from the neck's front.
struct Leaf {
    /// Its point.
    point: Point,
    /// Where it ends on the shoulder, beyond the neck.
    reach: f32,
    /// Whether the point is soft, as knitted ones are.
    soft: bool,
}

pub(super) fn lay(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let leaf = match subject.garment.neckline {
        Neckline::Collar(Collar::Mandarin) | Neckline::Neck(Neck::Mandarin) => {
            return lay_band(canvas, subject, chance);
        }
        Neckline::Collar(Collar::Spread) => Leaf {
            point: (57.0, 44.0),
            reach: 30.0,
            soft: false,
        },
        Neckline::Collar(Collar::ButtonDown) => Leaf {
            point: (44.0, 54.0),
            reach: 27.0,
            soft: false,
        },
        Neckline::Collar(Collar::Cutaway) => Leaf {
            point: (86.0, 26.0),
            reach: 33.0,
            soft: false,
        },
        Neckline::Neck(_) => Leaf {
            point: (45.0, 30.0),
            reach: 22.0,
            soft: true,
        },
    };
    lay_leaves(canvas, subject, &leaf, chance);
    if subject.garment.neckline == Neckline::Collar(Collar::ButtonDown) {
        let (x, y) = leaf_point(subject, &leaf);
        for side in [-1.0, 1.0] {
            canvas.button((side * (x - 3.0), y - 9.0), 3.4, button_colour(subject));
        }
    }
}

fn leaf_point(subject: &Subject<'_>, leaf: &Leaf) -> Point {
    let size = subject.look.collar_size;
    (
        leaf.point.0 * size,
        subject.measures.neck_front().1 + leaf.point.1 * size,
    )
}

fn lay_leaves(canvas: &mut Canvas, subject: &Subject<'_>, leaf: &Leaf, chance: &mut impl Rng) {
    let m = &subject.measures;
    let front = (2.0, m.neck_front().1 - 2.0);
    let top = (m.neck - 1.0, m.neck_y - STAND + 6.0);
    let shoulder = (m.neck + leaf.reach, m.neck_y + leaf.reach * 0.36);
    let point = leaf_point(subject, leaf);

    let inner = Curve::from(top).quad((m.neck * 0.74, m.neck_y + m.neck_depth * 0.5), front);
    let to_point = if leaf.soft {
        let before = between(front, point, 0.86);
        inner
            .line(before)
            .quad(point, (point.0 + 5.0, point.1 - 7.0))
    } else {
        inner.line(point)
    };
    let (outer_x, outer_y) = between(point, shoulder, 0.5);
    let outline = to_point
        .quad((outer_x + 9.0, outer_y - 2.0), shoulder)
        .quad((m.neck + leaf.reach * 0.55, m.neck_y - STAND * 0.72), top);

    let cloth = if leaf.soft {
        subject.trim.unpatterned()
    } else if subject.look.contrasts && subject.trim.is_patterned() {
        subject.trim.contrast()
    } else {
        subject.trim.clone()
    };
    for right in [false, true] {
        let turned = |curve: &Curve| {
            if right {
                curve.clone()
            } else {
                curve.mirrored()
            }
        };
        let side = if right { 1.0 } else { -1.0 };
        let mut relief = Relief::new(5.0, 6.0, 0.4, chance);
        // The collar rolls over where it turns down.
        let roll = (side * (m.neck + 4.0), m.neck_y - STAND + 8.0);
        let roll_end = (side * (front.0 + 12.0), front.1 - 4.0);
        relief.fold((roll, roll_end), 4.0, 1.0, chance);
        canvas.lay(&Panel {
            outline: &turned(&outline),
            within: None,
            cloth: &cloth,
            grain: Grain::running((side * m.neck, m.neck_y), (side * (point.0 - 8.0), point.1)),
            relief,
            lift: 5.0,
            light: 1.02,
        });
        let thread = Ink::thread(&cloth);
        let inset = Curve::from((front.0 + 5.0, front.1 + 3.0))
            .line((point.0 - 2.0, point.1 - 6.5))
            .quad(
                (outer_x + 3.5, outer_y - 3.0),
                (shoulder.0 - 5.5, shoulder.1 - 2.0),
            );
        canvas.ink(&turned(&inset), &thread);
    }
}

/// A band that stands up around the neck and is open at the front.
fn lay_band(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let m = &subject.measures;
    let front = m.neck_front().1;
    let outline = Curve::from((m.neck - 1.0, m.neck_y - STAND + 6.0))
        .quad(
            (m.neck * 0.66, front - STAND * 0.9),
            (9.0, front - STAND + 4.0),
        )
        .quad((1.5, front - STAND + 5.0), (1.5, front - STAND + 14.0))
        .line((1.5, front + 3.0))
        .quad((m.neck * 0.72, front - 3.0), (m.neck + 5.0, m.neck_y + 2.0))
        .quad(
            (m.neck + 4.0, m.neck_y - STAND * 0.5),
            (m.neck - 1.0, m.neck_y - STAND + 6.0),
        );
    let seam =
        Curve::from((2.0, front + 1.0)).quad((m.neck * 0.7, front - 5.0), (m.neck + 3.0, m.neck_y));
    for right in [false, true] {
        let turned = |curve: &Curve| {
            if right {
                curve.clone()
            } else {
                curve.mirrored()
            }
        };
        canvas.lay(&Panel {
            outline: &turned(&outline),
            within: None,
            cloth: &subject.trim,
            grain: Grain::STRAIGHT,
            relief: Relief::new(5.0, 7.0, 0.4, chance),
            lift: 3.0,
            light: 1.0,
        });
        let thread = Ink::thread(&subject.trim);
        canvas.ink(&turned(&seam), &thread);
    }
}
