//! What closes a garment in front: plackets, buttons, embroidery.

use rand::Rng;

use super::Subject;
use super::canvas::Canvas;
use super::curve::Curve;
use super::ink::Ink;
use super::palette::{Rgb, blend, lightness, rgb, scaled};
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::silhouette;
use crate::product::{Category, Collar, Colour, Neck, Neckline};

const HALF_PLACKET: f32 = 13.0;
const SHIRT_BUTTONS_APART: f32 = 70.0;
const POLO_PLACKET: f32 = 104.0;
const KURTA_PLACKET: f32 = 168.0;

pub(super) fn lay(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let top = subject.measures.neck_front().1;
    match (subject.garment.category, subject.garment.neckline) {
        (Category::Shirt, neckline) => {
            let end = subject.measures.hem_middle().1 - 2.0;
            let has_band = neckline == Neckline::Collar(Collar::Mandarin);
            let first = top + if has_band { 16.0 } else { 10.0 };
            lay_placket(canvas, subject, (top + 1.0, end), chance);
            let buttons = ((end - 40.0 - first) / SHIRT_BUTTONS_APART) as u8;
            lay_buttons(
                canvas,
                subject,
                (first, SHIRT_BUTTONS_APART, buttons + 1),
                5.0,
            );
        }
        (_, Neckline::Neck(Neck::Polo)) => {
            lay_placket(canvas, subject, (top, top + POLO_PLACKET), chance);
            lay_buttons(canvas, subject, (top + 12.0, 38.0, 3), 4.6);
        }
        (_, Neckline::Neck(Neck::Mandarin)) => {
            lay_placket(canvas, subject, (top, top + KURTA_PLACKET), chance);
            embroider(canvas, subject, (top, top + KURTA_PLACKET));
            lay_buttons(canvas, subject, (top + 14.0, 34.0, 5), 4.0);
        }
        _ => {}
    }
}

/// Buttons down the middle: `(first, apart, count)`.
fn lay_buttons(
    canvas: &mut Canvas,
    subject: &Subject<'_>,
    (first, apart, count): (f32, f32, u8),
    radius: f32,
) {
    for number in 0..count {
        canvas.button(
            (0.0, first + apart * f32::from(number)),
            radius,
            button_colour(subject),
        );
    }
}

fn lay_placket(
    canvas: &mut Canvas,
    subject: &Subject<'_>,
    (top, end): (f32, f32),
    chance: &mut impl Rng,
) {
    let half = HALF_PLACKET;
    let strip = Curve::from((-half, top))
        .line((half, top))
        .line((half, end))
        .line((-half, end));
    canvas.lay(&Panel {
        outline: &strip,
        within: Some(&silhouette::front(subject)),
        cloth: &subject.cloth,
        grain: Grain::STRAIGHT,
        relief: Relief::new(2.4, 4.0, 1.2, chance),
        lift: 2.2,
        light: 1.0,
    });
    let thread = Ink::thread(&subject.cloth);
    for x in [-half + 3.0, half - 3.0] {
        canvas.ink(&Curve::from((x, top)).line((x, end - 4.0)), &thread);
    }
    if end < subject.measures.waist.1 {
        canvas.ink(
            &Curve::from((-half, end - 5.0)).line((half, end - 5.0)),
            &thread,
        );
    }
}

/// A zigzag between two lines in the second colour, on both sides of a placket
/// and meeting below it.
fn embroider(canvas: &mut Canvas, subject: &Subject<'_>, (top, end): (f32, f32)) {
    const ROW: f32 = 7.0;
    let (inner, outer) = (HALF_PLACKET + 4.0, HALF_PLACKET + 17.0);
    let ink = Ink::line(subject.cloth.accent, 0.95, 1.7);
    let top = top - 2.0;
    for side in [-1.0, 1.0] {
        let mut zigzag = Curve::from((side * (inner + 3.0), top));
        for row in 1..=((end - top) / ROW) as u16 {
            let x = if row % 2 == 0 {
                inner + 3.0
            } else {
                outer - 3.0
            };
            zigzag = zigzag.line((side * x, top + ROW * f32::from(row)));
        }
        canvas.ink(&zigzag, &ink);
        for x in [inner, outer] {
            canvas.ink(&Curve::from((side * x, top)).line((side * x, end)), &ink);
        }
    }
    let foot = end + 26.0;
    canvas.ink(
        &Curve::from((-outer, end))
            .line((0.0, foot))
            .line((outer, end)),
        &ink,
    );
    canvas.button((0.0, foot - 13.0), 2.6, subject.cloth.accent);
}

/// Buttons are light on dark cloth and darker on light cloth.
pub(super) fn button_colour(subject: &Subject<'_>) -> Rgb {
    let cloth = subject.cloth.base;
    if lightness(cloth) > 0.75 {
        blend(scaled(cloth, 0.8), rgb(Colour::Beige), 0.3)
    } else {
        blend(rgb(Colour::OffWhite), cloth, 0.1)
    }
}
