//! Sleeves by length and styling.

use rand::Rng;

use super::canvas::Canvas;
use super::curve::{Curve, Point, along, between, direction};
use super::measures::{Hang, Measures};
use super::panel::{Grain, Panel};
use super::relief::Relief;
use super::{Subject, sleeve_ends};
use crate::product::{SleeveLength, SleeveStyling};

/// The lines of a sleeve.
pub(super) struct Cut {
    /// From the shoulder to the outer corner of the end.
    outer: Curve,
    /// From the point under the arm to the inner corner of the end.
    inner: Curve,
    /// The middle of the armhole.
    top: Point,
    /// The middle of the end.
    end: Point,
    /// The direction of the arm.
    pub down: Point,
    /// The direction across it, outwards.
    pub across: Point,
}

impl Cut {
    /// The right sleeve, or its mirror image; `None` for a garment without.
    fn of(subject: &Subject<'_>, right: bool) -> Option<Cut> {
        let sleeves = subject.garment.sleeves;
        if sleeves.length == SleeveLength::Sleeveless {
            return None;
        }
        let m = &subject.measures;
        let Hang {
            share,
            angle,
            half_end,
        } = Hang::of(sleeves);
        let half_end = half_end * m.arm / Measures::FULL_ARM;
        let length = m.arm * share;
        let down = (angle.sin(), angle.cos());
        let across = (down.1, -down.0);
        let top = between(m.shoulder, m.underarm, 0.5);
        let end = along(top, down, length);
        let corners = (along(end, across, half_end), along(end, across, -half_end));
        let (outer, inner) = match sleeves.styling {
            SleeveStyling::Puff => puffed(m, down, across, corners),
            SleeveStyling::Cap => capped(m, corners),
            _ => set_in(m, down, length, corners),
        };
        let cut = Cut {
            outer,
            inner,
            top,
            end,
            down,
            across,
        };
        Some(if right { cut } else { cut.mirrored() })
    }

    fn mirrored(&self) -> Cut {
        let opposite = |(x, y): Point| (-x, y);
        Cut {
            outer: self.outer.mirrored(),
            inner: self.inner.mirrored(),
            top: opposite(self.top),
            end: opposite(self.end),
            down: opposite(self.down),
            across: opposite(self.across),
        }
    }

    /// The threads run along the arm.
    pub(super) fn grain(&self) -> Grain {
        Grain::running(self.top, self.end)
    }

    /// The ends of the line across the sleeve, `above` pixels before its end
    /// and `wider` on both sides: outer, inner.
    pub(super) fn end_line(&self, above: f32, wider: f32) -> (Point, Point) {
        let up = |corner: Point, side: f32| {
            along(along(corner, self.down, -above), self.across, side * wider)
        };
        (up(self.outer.end(), 1.0), up(self.inner.end(), -1.0))
    }

    /// That line, bowed as it goes around an arm.
    pub(super) fn end_curve(&self, above: f32, wider: f32) -> Curve {
        let (outer, inner) = self.end_line(above, wider);
        let bow = along(between(outer, inner, 0.5), self.down, 5.0);
        Curve::from(outer).quad(bow, inner)
    }

    /// The closed outline. A raglan sleeve goes up to the neck; any other is
    /// tucked under the front at the armhole.
    fn outline(&self, subject: &Subject<'_>) -> Curve {
        let m = &subject.measures;
        let side = self.outer.start().0.signum();
        let place = |(x, y): Point| (side * x, y);
        let outline = self
            .outer
            .clone()
            .then(self.end_curve(0.0, 0.0))
            .then(self.inner.reversed());
        if subject.garment.sleeves.styling == SleeveStyling::Raglan {
            let foot = (m.neck * 0.86, m.neck_y + m.neck_depth * 0.5);
            let bend = (m.underarm.0 * 0.78, m.underarm.1 * 0.8 + foot.1 * 0.2);
            return outline
                .quad(place(bend), place(foot))
                .line(place(m.shoulder_top()));
        }
        outline
            .line(place((m.underarm.0 - 26.0, m.underarm.1 - 12.0)))
            .line(place((m.shoulder.0 - 30.0, m.shoulder.1 + 4.0)))
    }
}

fn set_in(
    m: &Measures,
    down: Point,
    length: f32,
    (outer, inner): (Point, Point),
) -> (Curve, Curve) {
    let slope = direction(m.shoulder_top(), m.shoulder);
    (
        Curve::from(m.shoulder).cubic(
            along(m.shoulder, slope, 14.0 + 0.12 * length),
            along(outer, down, -0.5 * length),
            outer,
        ),
        Curve::from(m.underarm).cubic(
            along(m.underarm, down, 0.3 * length),
            along(inner, down, -0.4 * length),
            inner,
        ),
    )
}

fn puffed(
    m: &Measures,
    down: Point,
    across: Point,
    (outer, inner): (Point, Point),
) -> (Curve, Curve) {
    (
        Curve::from(m.shoulder).cubic(
            (m.shoulder.0 + 22.0, m.shoulder.1 - 34.0),
            (outer.0 + across.0 * 46.0, outer.1 + across.1 * 46.0 - 34.0),
            outer,
        ),
        Curve::from(m.underarm).cubic(
            along(m.underarm, down, 14.0),
            along(along(inner, down, -18.0), across, -20.0),
            inner,
        ),
    )
}

fn capped(m: &Measures, (outer, inner): (Point, Point)) -> (Curve, Curve) {
    let slope = direction(m.shoulder_top(), m.shoulder);
    (
        Curve::from(m.shoulder).quad(along(m.shoulder, slope, 24.0), outer),
        Curve::from(m.underarm).quad(between(m.underarm, inner, 0.5), inner),
    )
}

/// The outlines of both sleeves, for the shadow.
pub(super) fn outlines(subject: &Subject<'_>) -> Vec<Curve> {
    let cuts = [false, true]
        .into_iter()
        .filter_map(|right| Cut::of(subject, right));
    cuts.map(|cut| cut.outline(subject)).collect()
}

pub(super) fn lay(canvas: &mut Canvas, subject: &Subject<'_>, chance: &mut impl Rng) {
    for cut in [false, true]
        .into_iter()
        .filter_map(|right| Cut::of(subject, right))
    {
        let mut relief = Relief::new(13.0, 20.0, 1.6, chance);
        match subject.garment.sleeves.styling {
            SleeveStyling::Puff => add_gathers(&mut relief, &cut, chance),
            SleeveStyling::Cap => {}
            _ => add_folds(&mut relief, subject.garment.sleeves.length, &cut, chance),
        }
        let over_the_front = subject.garment.sleeves.styling == SleeveStyling::Raglan;
        canvas.lay(&Panel {
            outline: &cut.outline(subject),
            within: None,
            cloth: &subject.trim,
            grain: cut.grain(),
            relief,
            lift: if over_the_front { 1.5 } else { 0.0 },
            light: 0.98,
        });
        sleeve_ends::lay(canvas, subject, &cut, chance);
    }
}

/// Gathers run from the armhole and from the band at the end towards the middle.
fn add_gathers(relief: &mut Relief, cut: &Cut, chance: &mut impl Rng) {
    for step in 0..8_u8 {
        let t = (f32::from(step) + 0.7 + chance.random_range(-0.2..0.2)) / 8.4;
        let band = between(cut.outer.end(), cut.inner.end(), t);
        let up = along(band, cut.down, -chance.random_range(30.0..64.0));
        let spread = along(up, cut.across, (0.5 - t) * 30.0);
        relief.crease((band, spread), 3.0, 3.0, chance);

        let armhole = between(cut.outer.start(), cut.inner.start(), t * 0.55);
        let to = along(
            along(armhole, cut.across, 34.0 - 18.0 * t),
            cut.down,
            4.0 + 40.0 * t,
        );
        relief.crease((armhole, to), 3.2, 3.0, chance);
    }
    let (from, to) = (cut.outer.at(0.45), cut.inner.at(0.8));
    relief.fold(
        (between(from, to, 0.15), between(from, to, 0.7)),
        6.0,
        6.0,
        chance,
    );
}

/// Folds at the armhole, the elbow and the lower arm.
fn add_folds(relief: &mut Relief, length: SleeveLength, cut: &Cut, chance: &mut impl Rng) {
    let near = cut.inner.at(0.1);
    for reach in [0.4, 0.72] {
        let to = between(cut.outer.at(reach), cut.end, 0.25);
        relief.fold((near, to), chance.random_range(4.0..7.0), 8.0, chance);
    }
    if length == SleeveLength::Short {
        return;
    }
    for step in 0..5_u8 {
        let t = 0.4 + 0.08 * f32::from(step) + chance.random_range(-0.02..0.02);
        let from = between(cut.inner.at(t), cut.outer.at(t), 0.03);
        let across = chance.random_range(0.35..0.72);
        let to = between(cut.inner.at(t + 0.02), cut.outer.at(t + 0.07), across);
        relief.fold((from, to), chance.random_range(3.4..5.5), 4.0, chance);
        relief.crease((from, between(from, to, 0.6)), 1.6, 2.0, chance);
    }
    let end = cut.end_line(38.0, -4.0);
    for step in 0..3_u8 {
        let to = between(end.0, end.1, 0.2 + 0.28 * f32::from(step));
        let from = along(to, cut.down, -chance.random_range(40.0..110.0));
        relief.fold((from, to), chance.random_range(3.4..5.0), 5.0, chance);
    }
}
