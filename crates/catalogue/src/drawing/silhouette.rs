//! The outline of a garment's front and back.

use rand::Rng;

use super::canvas::Canvas;
use super::curve::{Curve, along, direction};
use super::measures::Measures;
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::{Subject, neck, sleeves};
use crate::product::SleeveStyling;

/// How dark the inner side of the back is, seen past the front.
const INSIDE_LIGHT: f32 = 0.66;

/// How much lower than the front the back's hem is.
const BACK_LONGER: f32 = 5.0;

/// How far the front's lower corner moves away from an open slit.
const SLIT_OPENS: f32 = 10.0;

/// How far the waves of a wide hem rise and fall.
const HEM_WAVE: f32 = 5.0;

/// The front: the neck's edge, shoulders, sides and hem.
pub(super) fn front(subject: &Subject<'_>) -> Curve {
    neck::opening(subject)
        .symmetric()
        .then(half(subject, 0.0).symmetric_about_end())
}

/// The back: as the front, but higher at the neck and a little longer.
fn back(subject: &Subject<'_>) -> Curve {
    neck::back_edge(subject)
        .symmetric()
        .then(half(subject, BACK_LONGER).symmetric_about_end())
}

/// Everything that casts the garment's shadow.
pub(super) fn shadow_outlines(subject: &Subject<'_>) -> Vec<Curve> {
    let mut outlines = sleeves::outlines(subject);
    outlines.push(back(subject));
    outlines
}

/// The inner side of the back, where hem and slits leave it open to view.
pub(super) fn lay_back(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    canvas.lay(&Panel {
        outline: &back(subject),
        within: None,
        cloth: &subject.cloth,
        grain: Grain::STRAIGHT,
        relief: Relief::new(4.0, 8.0, 0.8, chance),
        lift: 0.0,
        light: INSIDE_LIGHT,
    });
}

/// The right half from the top of the shoulder to the hem's middle, which is
/// lowered by `longer`.
fn half(subject: &Subject<'_>, longer: f32) -> Curve {
    let m = &subject.measures;
    let edge = Curve::from(m.shoulder_top())
        .line(m.shoulder)
        .then(armhole(subject));
    side(m, edge, longer).then(hem(m, longer))
}

/// From the end of the shoulder to the point under the arm.
pub(super) fn armhole(subject: &Subject<'_>) -> Curve {
    let m = &subject.measures;
    let deep = match subject.garment.sleeves.styling {
        SleeveStyling::Sleeveless => 30.0,
        _ => 15.0,
    };
    let (x, y) = m.shoulder;
    let drop = m.underarm.1 - y;
    Curve::from(m.shoulder).cubic(
        (x - deep * 0.8, y + drop * 0.38),
        (m.underarm.0 - deep * 1.3, y + drop * 0.88),
        m.underarm,
    )
}

fn side(m: &Measures, edge: Curve, longer: f32) -> Curve {
    let to_waist = m.waist.1 - m.underarm.1;
    let to_hem = m.hem.1 - m.waist.1;
    let up = direction(m.hem, m.waist);
    let edge = edge
        .cubic(
            (m.underarm.0 - 4.0, m.underarm.1 + to_waist * 0.35),
            (m.waist.0, m.waist.1 - to_waist * 0.3),
            m.waist,
        )
        .cubic(
            (m.waist.0, m.waist.1 + to_hem * 0.25),
            along(m.hem, up, to_hem * 0.35),
            along(m.hem, up, m.slit),
        );
    // Beside a slit the front falls inwards and the back shows.
    let inwards = if m.slit > 0.0 && longer == 0.0 {
        SLIT_OPENS
    } else {
        0.0
    };
    edge.line((m.hem.0 - inwards, m.hem.1))
}

/// The right half of the hem, from the side to the middle.
pub(super) fn hem(m: &Measures, longer: f32) -> Curve {
    let (x, y) = m.hem;
    let middle = (0.0, m.hem_middle().1 + longer);
    if m.hem_drop > 30.0 {
        // A shirt's tail: high at the side, then down in a double bend.
        return Curve::from(m.hem).cubic((x - 26.0, y + 8.0), (x * 0.62, middle.1), middle);
    }
    let smooth = Curve::from(m.hem).quad((x * 0.55, middle.1), middle);
    if m.hem.0 < m.waist.0 * 1.8 {
        return smooth;
    }
    // The hem of a wide skirt goes up and down with its folds.
    let waves = 6_u8;
    let mut wavy = Curve::from(m.hem);
    for wave in 1..=waves {
        let t = f32::from(wave) / f32::from(waves);
        let rise = if wave % 2 == 0 { HEM_WAVE } else { -HEM_WAVE };
        let (bend_x, bend_y) = smooth.at(t - 0.5 / f32::from(waves));
        wavy = wavy.quad((bend_x, bend_y + rise), smooth.at(t));
    }
    wavy
}
