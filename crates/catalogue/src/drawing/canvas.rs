//! The picture while it is made: ground, shadows, lit panels, lines.

use image::{Rgb as Pixel, RgbImage};
use rand::Rng;
use tiny_skia::{LineCap, LineJoin, Path, PathBuilder, Stroke, StrokeDash};

use super::curve::{Curve, Point};
use super::ground::Ground;
use super::ink::Ink;
use super::noise::{self, mix, step};
use super::palette::{Rgb, blend, scaled};
use super::panel::Panel;
use super::raster::{Field, Frame};
use super::{HEIGHT, WIDTH};

/// The direction to the light: from the left, from above, from the front.
const LIGHT: [f32; 3] = [-0.42, -0.55, 0.72];
/// How much of the light comes from everywhere.
const AMBIENT: f32 = 0.38;
/// How far a full ridge goes towards white.
const SHEEN: f32 = 0.42;
/// How far, in pixels, a slope of 1 shifts the pattern.
const SHIFT: f32 = 1.6;
/// How much darker the very edge of a panel is.
const EDGE_DARKNESS: f32 = 0.16;

/// The picture, on a grid finer than its pixels.
pub(super) struct Canvas {
    cells: Vec<Rgb>,
    whole: Frame,
    /// Where the garment already lies.
    covered: Field,
}

impl Canvas {
    /// An empty picture of `scale` grid cells a pixel.
    pub(super) fn with_ground(ground: &Ground, scale: usize, chance: &mut impl Rng) -> Canvas {
        let whole = Frame::whole(scale);
        Canvas {
            cells: ground.paint(whole, chance),
            whole,
            covered: Field::zero(whole),
        }
    }

    /// The shadow that a garment of these outlines casts on the ground.
    pub(super) fn cast_shadow(&mut self, outlines: &[Curve]) {
        let mut builder = PathBuilder::new();
        for path in outlines.iter().filter_map(Curve::closed_path) {
            builder.push_path(&path);
        }
        let Some(path) = builder.finish() else { return };
        for (dx, dy, sigma, darkness) in [(11.0, 17.0, 15.0, 0.2), (3.0, 5.0, 4.0, 0.2)] {
            let mut shadow = Field::coverage_moved(self.whole, &path, dx, dy);
            shadow.blur(sigma);
            self.darken(&shadow, darkness);
        }
    }

    /// Lays a panel on what is there already.
    pub(super) fn lay(&mut self, panel: &Panel<'_>) {
        let Some(path) = panel.outline.closed_path() else {
            return;
        };
        let margin = 4.0 + panel.lift * 4.0;
        let Some(frame) = self.whole.around(path.bounds(), margin) else {
            return;
        };
        let mut coverage = Field::coverage(frame, &path);
        if let Some(within) = panel.within.and_then(Curve::closed_path) {
            coverage.multiply(&Field::coverage(frame, &within));
        }
        if panel.lift > 0.0 {
            self.shade_below(&path, frame, panel.lift);
        }

        let height = panel.relief.height(&coverage);
        let mut inner = coverage.clone();
        inner.blur(2.5);
        for row in 0..frame.height {
            for column in 0..frame.width {
                let covers = coverage.at(column, row);
                if covers == 0.0 {
                    continue;
                }
                let (slope_x, slope_y) = slope(&height, column, row);
                let (u, v) = panel.grain.on_cloth(frame.place(column, row));
                // A slope shows more cloth, so the pattern shifts with it.
                let cloth = panel.cloth.colour(u + slope_x * SHIFT, v + slope_y * SHIFT);
                let edge = mix(
                    1.0 - EDGE_DARKNESS,
                    1.0,
                    step(0.5, 0.95, inner.at(column, row)),
                );
                let lit = light(cloth, slope_x, slope_y, panel.light * edge);
                let cell = self.cell(frame, column, row);
                self.cells[cell] = blend(self.cells[cell], lit, covers);
                let covered = &mut self.covered.values[cell];
                *covered += (1.0 - *covered) * covers;
            }
        }
    }

    /// Draws along an open curve, on the garment only.
    pub(super) fn ink(&mut self, curve: &Curve, ink: &Ink) {
        let stroke = Stroke {
            width: ink.width,
            line_cap: LineCap::Round,
            line_join: LineJoin::Round,
            ..Stroke::default()
        };
        let resolution = self.whole.scale as f32;
        let path = curve.open_path().and_then(|path| match ink.stitch {
            Some((stitch, gap)) => path.dash(&StrokeDash::new(vec![stitch, gap], 0.0)?, resolution),
            None => Some(path),
        });
        let Some(outline) = path.and_then(|path| path.stroke(&stroke, resolution)) else {
            return;
        };
        self.fill(&outline, ink.colour, ink.opacity);
    }

    /// A button with four holes, or a stud without any for `radius` under 3.
    pub(super) fn button(&mut self, (x, y): Point, radius: f32, colour: Rgb) {
        let disc = |dx: f32, dy: f32, r: f32| PathBuilder::from_circle(x + dx, y + dy, r);
        let layers = [
            (disc(1.0, 1.8, radius * 1.08), [0.0; 3], 0.3),
            (disc(0.0, 0.0, radius), scaled(colour, 0.72), 1.0),
            (
                disc(-0.35, -0.45, radius * 0.9),
                blend(colour, [1.0; 3], 0.18),
                1.0,
            ),
            (disc(0.0, 0.0, radius * 0.68), scaled(colour, 0.93), 1.0),
        ];
        for (path, colour, opacity) in layers {
            if let Some(path) = path {
                self.fill(&path, colour, opacity);
            }
        }
        if radius >= 3.0 {
            let apart = radius * 0.27;
            for (dx, dy) in [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)] {
                if let Some(hole) = disc(dx * apart, dy * apart, radius * 0.14) {
                    self.fill(&hole, scaled(colour, 0.35), 1.0);
                }
            }
        }
    }

    /// The finished picture: cells averaged to pixels, with a grain of half a
    /// level that keeps soft gradients from banding.
    pub(super) fn finish(self, chance: &mut impl Rng) -> RgbImage {
        let seed: u32 = chance.random();
        let Frame { scale, width, .. } = self.whole;
        RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
            let mut sum = [0.0_f32; 3];
            for row in 0..scale {
                let first = (y as usize * scale + row) * width + x as usize * scale;
                for cell in &self.cells[first..first + scale] {
                    sum = [0, 1, 2].map(|channel| sum[channel] + cell[channel]);
                }
            }
            let grain = noise::cell(x as i32, y as i32, seed) - 0.5;
            Pixel(sum.map(|level| {
                let level = level / (scale * scale) as f32 * 255.0 + grain;
                level.round().clamp(0.0, 255.0) as u8
            }))
        })
    }

    fn fill(&mut self, path: &Path, colour: Rgb, opacity: f32) {
        let Some(frame) = self.whole.around(path.bounds(), 2.0) else {
            return;
        };
        let coverage = Field::coverage(frame, path);
        for row in 0..frame.height {
            for column in 0..frame.width {
                let cell = self.cell(frame, column, row);
                let strength = coverage.at(column, row) * opacity * self.covered.values[cell];
                self.cells[cell] = blend(self.cells[cell], colour, strength);
            }
        }
    }

    fn shade_below(&mut self, path: &Path, frame: Frame, lift: f32) {
        for (reach, darkness) in [(1.0, 0.26), (0.3, 0.2)] {
            let mut shadow = Field::coverage_moved(frame, path, lift * 0.45 * reach, lift * reach);
            shadow.blur(lift * 0.8 * reach);
            for row in 0..frame.height {
                for column in 0..frame.width {
                    let cell = self.cell(frame, column, row);
                    let strength = shadow.at(column, row) * darkness * self.covered.values[cell];
                    self.cells[cell] = scaled(self.cells[cell], 1.0 - strength);
                }
            }
        }
    }

    fn darken(&mut self, shadow: &Field, darkness: f32) {
        for (cell, strength) in self.cells.iter_mut().zip(&shadow.values) {
            *cell = scaled(*cell, 1.0 - strength * darkness);
        }
    }

    fn cell(&self, frame: Frame, column: usize, row: usize) -> usize {
        (frame.top + row) * self.whole.width + frame.left + column
    }
}

/// The slope of the surface to the right and downwards.
fn slope(height: &Field, column: usize, row: usize) -> Point {
    let Frame {
        scale,
        width,
        height: rows,
        ..
    } = height.frame;
    let (left, right) = (column.saturating_sub(1), (column + 1).min(width - 1));
    let (above, below) = (row.saturating_sub(1), (row + 1).min(rows - 1));
    let per_pixel = scale as f32 * 0.5;
    (
        (height.at(right, row) - height.at(left, row)) * per_pixel,
        (height.at(column, below) - height.at(column, above)) * per_pixel,
    )
}

/// The colour of cloth in the light (Lambert's law, level cloth unchanged).
fn light(cloth: Rgb, slope_x: f32, slope_y: f32, factor: f32) -> Rgb {
    let normal_length = (slope_x * slope_x + slope_y * slope_y + 1.0).sqrt();
    let facing = (LIGHT[2] - slope_x * LIGHT[0] - slope_y * LIGHT[1]) / normal_length;
    let brightness = facing.max(0.0) / LIGHT[2];
    let shaded = scaled(cloth, factor);
    if brightness < 1.0 {
        scaled(shaded, AMBIENT + (1.0 - AMBIENT) * brightness)
    } else {
        blend(shaded, [1.0; 3], (SHEEN * (brightness - 1.0)).min(0.6))
    }
}
