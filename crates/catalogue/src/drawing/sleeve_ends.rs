//! What a sleeve ends in: a hem, a cuff, a gathered band, a turned-up end.

use rand::Rng;

use super::Subject;
use super::canvas::Canvas;
use super::closure::button_colour;
use super::curve::{Curve, Point, along, between};
use super::ink::Ink;
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::sleeves::Cut;
use crate::product::{Category, SleeveLength, SleeveStyling};

pub(super) fn lay(canvas: &mut Canvas, subject: &Subject<'_>, cut: &Cut, chance: &mut impl Rng) {
    let garment = subject.garment;
    let has_cuffs =
        garment.category == Category::Shirt && garment.sleeves.length == SleeveLength::Long;
    match garment.sleeves.styling {
        SleeveStyling::RollUp => lay_roll(canvas, subject, cut, chance),
        SleeveStyling::Puff => lay_band(canvas, subject, cut, (13.0, 1.5), chance),
        _ if has_cuffs => {
            lay_band(canvas, subject, cut, (40.0, 1.0), chance);
            let (outer, inner) = cut.end_line(19.0, 0.0);
            canvas.button(between(outer, inner, 0.72), 4.2, button_colour(subject));
        }
        _ => {
            for above in [9.0, 12.0] {
                canvas.ink(&cut.end_curve(above, 0.5), &Ink::thread(&subject.trim));
            }
        }
    }
}

/// A straight band around the sleeve's end: `(height, wider)` in pixels.
fn lay_band(
    canvas: &mut Canvas,
    subject: &Subject<'_>,
    cut: &Cut,
    (height, wider): (f32, f32),
    chance: &mut impl Rng,
) {
    canvas.lay(&Panel {
        outline: &band(cut, height, wider),
        within: None,
        cloth: &subject.trim,
        grain: cut.grain(),
        relief: Relief::new(7.0, 9.0, 0.6, chance),
        lift: 2.0,
        light: 1.0,
    });
    for above in [3.5, height - 3.0] {
        canvas.ink(&cut.end_curve(above, 0.5), &Ink::thread(&subject.trim));
    }
}

fn band(cut: &Cut, height: f32, wider: f32) -> Curve {
    cut.end_curve(-1.0, wider)
        .then(cut.end_curve(height, wider + 1.0).reversed())
}

/// The turned-up end, held by a tab with a button.
fn lay_roll(canvas: &mut Canvas, subject: &Subject<'_>, cut: &Cut, chance: &mut impl Rng) {
    let (outer, inner) = cut.end_line(0.0, 0.0);
    let cloth = match subject.look.contrasts {
        true => subject.trim.contrast(),
        false => subject.trim.clone(),
    };
    for (height, wider) in [(40.0, 2.0), (24.0, 4.5)] {
        canvas.lay(&Panel {
            outline: &band(cut, height, wider),
            within: None,
            cloth: &cloth,
            // Turned up, the cloth shows crosswise.
            grain: Grain::running(outer, inner),
            relief: Relief::new(8.0, 8.0, 0.9, chance),
            lift: 3.0,
            light: 1.02,
        });
    }
    let (outer, inner) = cut.end_line(12.0, 0.0);
    let foot = between(outer, inner, 0.42);
    let top = along(foot, cut.down, -74.0);
    let side = |point: Point, by: f32| along(point, cut.across, by);
    let tab = Curve::from(side(top, 6.5))
        .line(side(foot, 6.5))
        .line(along(foot, cut.down, 8.0))
        .line(side(foot, -6.5))
        .line(side(top, -6.5));
    canvas.lay(&Panel {
        outline: &tab,
        within: None,
        cloth: &subject.trim,
        grain: Grain::running(top, foot),
        relief: Relief::new(3.0, 4.0, 0.3, chance),
        lift: 2.5,
        light: 1.0,
    });
    canvas.button(along(foot, cut.down, -3.0), 4.0, button_colour(subject));
}
