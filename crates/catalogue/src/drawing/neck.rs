//! The neck of a garment: its opening, what is seen through it, its edge.

use rand::Rng;

use super::canvas::Canvas;
use super::curve::{Curve, between};
use super::ink::Ink;
use super::palette::{rgb, scaled};
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::{Subject, collar, silhouette};
use crate::product::{Category, Colour, Neck, Neckline};

/// How dark the inner side of the back is, seen through the neck.
const INSIDE_LIGHT: f32 = 0.6;

/// The right half of the opening, from its front up to the shoulder.
pub(super) fn opening(subject: &Subject<'_>) -> Curve {
    let m = &subject.measures;
    let (front, top) = (m.neck_front(), m.shoulder_top());
    let edge = Curve::from(front);
    match subject.garment.neckline {
        Neckline::Collar(_) | Neckline::Neck(Neck::Polo | Neck::Mandarin) => {
            edge.quad((m.neck * 0.55, front.1 - 4.0), top)
        }
        Neckline::Neck(Neck::V) => {
            let control = between(front, top, 0.55);
            edge.quad((control.0 + 5.0, control.1 + 5.0), top)
        }
        Neckline::Neck(Neck::Square) => {
            let corner = (m.neck * 0.86, front.1 - 3.0);
            edge.line((corner.0 - 7.0, front.1 - 1.0))
                .quad(corner, (corner.0 + 1.5, corner.1 - 9.0))
                .line(top)
        }
        Neckline::Neck(Neck::Boat) => edge.cubic(
            (m.neck * 0.55, front.1),
            (m.neck * 0.85, front.1 - m.neck_depth * 0.55),
            top,
        ),
        Neckline::Neck(Neck::Round | Neck::Scoop) => edge.cubic(
            (m.neck * 0.62, front.1),
            (m.neck * 0.98, front.1 - m.neck_depth * 0.52),
            top,
        ),
    }
}

/// The right half of the back's upper edge, from its middle to the shoulder or,
/// with something that stands up around the neck, above it.
pub(super) fn back_edge(subject: &Subject<'_>) -> Curve {
    let m = &subject.measures;
    if collar::stands(subject.garment.neckline) {
        return collar::back_edge(m);
    }
    let dip = (m.neck * 0.2).min(13.0);
    Curve::from((0.0, m.neck_y + dip)).quad((m.neck * 0.7, m.neck_y + dip), m.shoulder_top())
}

/// The inner side of the back with its band and label.
pub(super) fn lay_inside(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let upper = back_edge(subject);
    let lower = opening(subject).moved(0.0, 6.0);
    let outline = upper.symmetric().then(lower.symmetric().reversed());
    canvas.lay(&Panel {
        outline: &outline,
        within: None,
        cloth: &subject.cloth,
        grain: Grain::STRAIGHT,
        relief: Relief::new(5.0, 9.0, 0.5, chance),
        lift: 0.0,
        light: INSIDE_LIGHT,
    });
    // The band inside, and shade under it towards the depth of the garment.
    let band = upper.symmetric();
    let inside = band.clone().then(band.moved(0.0, 12.0).reversed());
    canvas.lay(&Panel {
        outline: &inside,
        within: None,
        cloth: &subject.trim.unpatterned(),
        grain: Grain::STRAIGHT,
        relief: Relief::flat(2.0, chance),
        lift: 3.0,
        light: 0.8,
    });
    lay_label(canvas, subject, upper.start().1 + 10.0, chance);
}

fn lay_label(canvas: &mut Canvas, subject: &Subject<'_>, top: f32, chance: &mut impl Rng) {
    let (wide, high) = (15.0, 15.0);
    if opening(subject).start().1 < top + high + 3.0 {
        return;
    }
    let label = Curve::from((-wide, top))
        .line((wide, top))
        .line((wide, top + high))
        .line((-wide, top + high));
    let mut cloth = subject.cloth.contrast();
    cloth.base = scaled(rgb(Colour::OffWhite), 0.96);
    canvas.lay(&Panel {
        outline: &label,
        within: None,
        cloth: &cloth,
        grain: Grain::STRAIGHT,
        relief: Relief::flat(0.8, chance),
        lift: 1.2,
        light: 0.93,
    });
    for (line, half) in [(5.5, 8.0), (10.0, 5.0)] {
        let writing = Curve::from((-half, top + line)).line((half, top + line));
        let ink = Ink::line([0.25; 3], 0.6, 1.6);
        canvas.ink(&writing, &ink);
    }
}

/// The edge of a neck: a knitted band, a facing, or the collar of a polo shirt
/// or kurta.
pub(super) fn lay_edge(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    match subject.garment.neckline {
        Neckline::Collar(_) | Neckline::Neck(Neck::Polo | Neck::Mandarin) => {
            collar::lay(canvas, subject, chance);
        }
        Neckline::Neck(_) if subject.garment.category == Category::TShirt => {
            lay_band(canvas, subject, 12.0, chance);
        }
        Neckline::Neck(_) => lay_band(canvas, subject, 6.5, chance),
    }
}

fn lay_band(canvas: &mut Canvas, subject: &Subject<'_>, width: f32, chance: &mut impl Rng) {
    let m = &subject.measures;
    let inner = opening(subject);
    // The opening stretched from the height of the shoulders, where the front ends.
    let wider = |by: f32| {
        inner.scaled(
            (m.neck + by) / m.neck,
            (m.neck_depth + by) / m.neck_depth,
            m.neck_y,
        )
    };
    let outline = inner.symmetric().then(wider(width).symmetric().reversed());
    let cloth = subject.trim.unpatterned();
    canvas.lay(&Panel {
        outline: &outline,
        within: Some(&silhouette::front(subject)),
        cloth: &cloth,
        grain: Grain::STRAIGHT,
        relief: Relief::new(3.2, 4.0, 0.3, chance),
        lift: 1.6,
        light: 0.98,
    });
    canvas.ink(&wider(width + 3.0).symmetric(), &Ink::thread(&cloth));
}
