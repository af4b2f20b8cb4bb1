//! Prints: figures on the cloth, as functions of the place.

use super::cloth::EDGE;
use super::noise::{self, step};
use super::palette::{Rgb, blend, lightness, scaled};

/// What is printed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Print {
    /// Flowers strewn by chance.
    Flowers,
    /// Dots in shifted rows.
    Dots,
    /// Pairs of leaves in shifted rows.
    Leaves,
    /// One picture on the chest: a sun behind waves.
    Sunset,
}

impl Print {
    /// The colour at a place, printed in `ink` on cloth of the colour `base`.
    pub(super) fn colour(self, base: Rgb, ink: Rgb, u: f32, v: f32, seed: u32) -> Rgb {
        match self {
            Print::Flowers => flowers(base, ink, u, v, seed),
            Print::Dots => dots(base, ink, u, v),
            Print::Leaves => leaves(base, ink, u, v),
            Print::Sunset => sunset(base, ink, u, v),
        }
    }
}

/// 1 where `distance` is below zero, 0 above, with a soft edge.
fn inside(distance: f32) -> f32 {
    1.0 - step(-EDGE, EDGE, distance)
}

fn dots(base: Rgb, ink: Rgb, u: f32, v: f32) -> Rgb {
    const APART: f32 = 25.0;
    const RADIUS: f32 = 5.2;
    let middle_row = (v / (APART * 0.5)).round();
    let mut nearest = f32::MAX;
    for row in [middle_row - 1.0, middle_row, middle_row + 1.0] {
        let shift = if row as i32 % 2 == 0 {
            0.0
        } else {
            APART * 0.5
        };
        let column = ((u - shift) / APART).round();
        let (dx, dy) = (u - shift - column * APART, v - row * APART * 0.5);
        nearest = nearest.min(dx * dx + dy * dy);
    }
    blend(base, ink, inside(nearest.sqrt() - RADIUS))
}

fn flowers(base: Rgb, ink: Rgb, u: f32, v: f32, seed: u32) -> Rgb {
    const CELL: f32 = 42.0;
    let leaf_colour = if lightness(base) > 0.45 {
        [0.24, 0.47, 0.32]
    } else {
        [0.56, 0.76, 0.55]
    };
    let (column, row) = ((u / CELL).floor() as i32, (v / CELL).floor() as i32);
    let mut colour = base;
    for y in row - 1..=row + 1 {
        for x in column - 1..=column + 1 {
            let chance = |which: u32| noise::cell(x, y, seed ^ (which << 8));
            let centre_u = (x as f32 + 0.5 + 0.5 * (chance(1) - 0.5)) * CELL;
            let centre_v = (y as f32 + 0.5 + 0.5 * (chance(2) - 0.5)) * CELL;
            let (du, dv) = (u - centre_u, v - centre_v);
            let size = 10.0 + 6.0 * chance(3);
            let distance = (du * du + dv * dv).sqrt();
            if distance > size * 1.9 {
                continue;
            }
            let turn = chance(4) * std::f32::consts::TAU;
            let angle = dv.atan2(du) - turn;
            // Two leaves behind the petals.
            for side in [0.9, 3.7] {
                let (ahead, aside) = (
                    distance * (angle - side).cos(),
                    distance * (angle - side).sin(),
                );
                let reach = (ahead - size * 1.15) / (size * 0.65);
                let leaf = aside.abs() - size * 0.26 * (1.0 - reach * reach).max(0.0);
                if reach.abs() < 1.0 {
                    colour = blend(colour, leaf_colour, inside(leaf));
                }
            }
            let petal = size * (0.62 + 0.38 * (2.5 * angle).cos().abs());
            let tint = blend(ink, [1.0; 3], 0.25 * chance(5));
            let toward_heart = blend(scaled(tint, 0.8), tint, step(0.1, 0.8, distance / size));
            colour = blend(colour, toward_heart, inside(distance - petal));
            colour = blend(colour, [0.96, 0.8, 0.32], inside(distance - size * 0.24));
        }
    }
    colour
}

fn leaves(base: Rgb, ink: Rgb, u: f32, v: f32) -> Rgb {
    const WIDE: f32 = 34.0;
    const HIGH: f32 = 26.0;
    let row = (v / HIGH).round();
    let shift = if row as i32 % 2 == 0 { 0.0 } else { WIDE * 0.5 };
    let column = ((u - shift) / WIDE).round();
    let (x, y) = (u - shift - column * WIDE, v - row * HIGH);
    let mut cover = inside((x * x + (y - 9.0) * (y - 9.0)).sqrt() - 1.5);
    // A leaf upright and one to either side, from a common foot.
    for (cos, sin, length) in [(1.0, 0.0, 17.0), (0.62, 0.785, 14.0), (0.62, -0.785, 14.0)] {
        let (dx, dy) = (x, 7.0 - y);
        let (ahead, aside) = (dy * cos + dx * sin, dx * cos - dy * sin);
        let reach = ahead / length * 2.0 - 1.0;
        if reach.abs() < 1.0 {
            let half = 3.3 * (1.0 - reach * reach);
            let vein = inside(aside.abs() - 0.45) * 0.75;
            cover = cover.max(inside(aside.abs() - half) * (1.0 - vein));
        }
    }
    blend(base, ink, cover * 0.95)
}

fn sunset(base: Rgb, ink: Rgb, u: f32, v: f32) -> Rgb {
    const RADIUS: f32 = 66.0;
    let (x, y) = (u, v - 318.0);
    let mut colour = base;
    // The sun pales downwards and is cut by bars that get broader.
    let down = ((y + RADIUS) / (2.0 * RADIUS)).clamp(0.0, 1.0);
    let bar = (y / 13.0 + 100.0).fract();
    let gap = if y > -14.0 {
        step(0.0, 1.0, (y + 14.0) / RADIUS) * 0.55
    } else {
        0.0
    };
    let sun = inside((x * x + y * y).sqrt() - RADIUS) * inside((gap - bar) * 13.0);
    colour = blend(colour, blend(ink, [0.98, 0.83, 0.42], 1.0 - down), sun);
    // Waves below.
    for line in 0..4 {
        let depth = 84.0 + 11.0 * line as f32;
        let half = RADIUS * (1.0 - 0.17 * line as f32);
        let crest = depth + 3.0 * triangle_wave(x / 26.0 + 0.5 * line as f32);
        let wave = inside((y - crest).abs() - 2.0) * inside(x.abs() - half);
        colour = blend(colour, [0.42, 0.68, 0.78], wave);
    }
    colour
}

/// A wave between -1 and 1 with the period 1, rounded at its crests.
fn triangle_wave(t: f32) -> f32 {
    let phase = (t - t.floor()) * 2.0 - 1.0;
    let tent = 1.0 - 2.0 * phase.abs();
    tent * (1.5 - 0.5 * tent * tent)
}
