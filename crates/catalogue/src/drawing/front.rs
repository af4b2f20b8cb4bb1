//! The front of a garment: its panel with folds, seams and pocket.

use rand::Rng;

use super::Subject;
use super::canvas::Canvas;
use super::curve::Curve;
use super::ink::Ink;
use super::measures::Measures;
use super::palette::scaled;
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::silhouette;
use crate::product::{Category, Collar, Fit, Neckline, SleeveStyling};

pub(super) fn lay(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let garment = subject.garment;
    let mut relief = Relief::new(17.0, 30.0, 2.6, chance);
    add_chest_folds(&mut relief, &subject.measures, chance);
    add_falling_folds(&mut relief, &subject.measures, chance);
    if garment.fit == Fit::Slim || garment.category == Category::Dress {
        add_waist_folds(&mut relief, &subject.measures, chance);
    }
    canvas.lay(&Panel {
        outline: &silhouette::front(subject),
        within: None,
        cloth: &subject.cloth,
        grain: Grain::STRAIGHT,
        relief,
        lift: 3.5,
        light: 1.0,
    });
    stitch_hem(canvas, subject);
    if garment.sleeves.styling == SleeveStyling::Sleeveless {
        lay_armhole_binding(canvas, subject, chance);
    }
    match garment.category {
        Category::Shirt if garment.neckline != Neckline::Collar(Collar::Mandarin) => {
            stitch_pocket(canvas, subject);
        }
        Category::Dress => stitch_waist(canvas, subject),
        _ => {}
    }
}

/// From under the arms towards the chest and down, and from the shoulders' ends.
fn add_chest_folds(relief: &mut Relief, m: &Measures, chance: &mut impl Rng) {
    for side in [-1.0, 1.0] {
        for (inwards, downwards) in [(0.42, 34.0), (0.3, 92.0), (0.62, 150.0)] {
            let below = chance.random_range(2.0..18.0);
            let inwards = inwards + chance.random_range(0.0..0.2);
            let downwards = downwards + chance.random_range(-14.0..14.0);
            let from = (side * (m.underarm.0 - 9.0), m.underarm.1 + below);
            let to = (
                side * m.underarm.0 * (1.0 - inwards),
                m.underarm.1 + downwards,
            );
            relief.fold((from, to), chance.random_range(4.0..7.5), 12.0, chance);
        }
        let from = (side * (m.shoulder.0 - 16.0), m.shoulder.1 + 22.0);
        let to = (
            side * m.shoulder.0 * 0.66,
            m.underarm.1 + chance.random_range(-40.0..4.0),
        );
        relief.hollow((from, to), 5.0, 7.0, chance);
    }
}

/// Long folds from the chest or waist to the hem: more and deeper ones the
/// wider the hem is than the waist.
fn add_falling_folds(relief: &mut Relief, m: &Measures, chance: &mut impl Rng) {
    let flare = (m.hem.0 / m.waist.0 - 1.0).max(0.0);
    let count: u8 = if flare > 0.8 { 9 } else { 5 };
    for fold in 0..count {
        let place = f32::from(fold) + 0.5 + chance.random_range(-0.22..0.22);
        let across = place / f32::from(count) * 2.0 - 1.0;
        let above = chance.random_range(-60.0..50.0) * (1.0 - flare).max(0.0);
        let short = chance.random_range(4.0..40.0);
        let from = (across * m.waist.0 * 0.82, m.waist.1 - above);
        let to = (
            across * m.hem.0 * 0.9,
            m.hem_middle().1 - m.hem_drop * across.abs() - short,
        );
        let width = chance.random_range(4.0..7.0) + 6.0 * flare;
        relief.fold((from, to), width, 9.0, chance);
    }
}

/// Short folds across the waist, from the sides inwards.
fn add_waist_folds(relief: &mut Relief, m: &Measures, chance: &mut impl Rng) {
    for side in [-1.0, 1.0] {
        for step in [-1.8, -0.8, 0.2, 1.2] {
            let y = m.waist.1 + step * 24.0 + chance.random_range(-7.0..7.0);
            let reach = chance.random_range(0.4..0.62);
            let from = (side * (m.waist.0 - 3.0), y);
            let to = (side * m.waist.0 * reach, y + chance.random_range(4.0..24.0));
            relief.fold((from, to), chance.random_range(2.6..4.4), 5.0, chance);
        }
    }
}

fn stitch_hem(canvas: &mut Canvas, subject: &Subject<'_>) {
    let knitted = subject.garment.category == Category::TShirt;
    let seams: &[f32] = if knitted { &[11.0, 14.0] } else { &[9.0] };
    let edge = silhouette::hem(&subject.measures, 0.0).symmetric_about_end();
    for above in seams {
        canvas.ink(&edge.moved(0.0, -above), &Ink::thread(&subject.cloth));
    }
}

fn stitch_pocket(canvas: &mut Canvas, subject: &Subject<'_>) {
    let (left, right) = (40.0, 100.0);
    let top = subject.measures.underarm.1 - 18.0;
    let pocket = Curve::from((left, top))
        .line((left, top + 58.0))
        .line((left + 30.0, top + 70.0))
        .line((right, top + 58.0))
        .line((right, top))
        .line((left, top));
    let shade = Ink::line(scaled(subject.cloth.base, 0.35), 0.28, 2.2);
    canvas.ink(&pocket.moved(0.8, 1.2), &shade);
    let thread = Ink::thread(&subject.cloth);
    canvas.ink(&pocket, &thread);
    canvas.ink(
        &Curve::from((left, top + 13.0)).line((right, top + 13.0)),
        &thread,
    );
}

fn stitch_waist(canvas: &mut Canvas, subject: &Subject<'_>) {
    let (x, y) = subject.measures.waist;
    let seam = Curve::from((-x, y)).quad((0.0, y + 9.0), (x, y));
    canvas.ink(
        &seam,
        &Ink::line(scaled(subject.cloth.base, 0.4), 0.55, 1.8),
    );
}

fn lay_armhole_binding(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    let edge = silhouette::armhole(subject);
    let front = silhouette::front(subject);
    let band = edge.clone().then(edge.moved(-7.0, 3.0).reversed());
    let cloth = subject.trim.unpatterned();
    for outline in [band.mirrored(), band] {
        canvas.lay(&Panel {
            outline: &outline,
            within: Some(&front),
            cloth: &cloth,
            grain: Grain::STRAIGHT,
            relief: Relief::new(2.6, 3.0, 0.2, chance),
            lift: 1.2,
            light: 0.98,
        });
    }
}
