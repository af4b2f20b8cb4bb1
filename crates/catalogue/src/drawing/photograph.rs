//! A drawn picture as an ordinary camera would have taken it.

use image::{Rgb as Pixel, RgbImage};
use rand::Rng;

use super::noise;

/// The width of a photograph in pixels.
pub const PHOTO_WIDTH: u32 = 240;
/// The height of a photograph in pixels.
pub const PHOTO_HEIGHT: u32 = 320;

/// Samples of the drawing along a pixel of the photograph.
const SAMPLES: usize = 3;

/// Where the camera stands and what it does to light.
#[derive(Clone, Debug)]
pub(super) struct Camera {
    /// How large the garment is beside a picture that it fills.
    zoom: f32,
    /// How far it is from the middle, as shares of width and height.
    offset: (f32, f32),
    /// How far the camera is turned, in radians.
    turn: f32,
    mirrored: bool,
    /// Exposure of red, green and blue.
    exposure: [f32; 3],
    /// How much lighter the right side is than the left.
    side_light: f32,
    contrast: f32,
    /// Standard deviation of the sensor's noise, in levels of 255.
    noise_levels: f32,
    noise_seed: u32,
    /// Of the file.
    pub jpeg_quality: u8,
}

impl Camera {
    pub(super) fn by_chance(chance: &mut impl Rng) -> Camera {
        let zoom = chance.random_range(0.78..1.02_f32);
        // The garment stays in the picture.
        let room = (1.0 - zoom).max(0.0) * 0.45;
        let exposure = chance.random_range(0.93..1.03);
        let warmth = chance.random_range(-0.012..0.012);
        Camera {
            zoom,
            offset: (
                chance.random_range(-room..=room),
                chance.random_range(-room..=room),
            ),
            turn: chance.random_range(-0.06..0.06),
            mirrored: chance.random_bool(0.5),
            exposure: [
                exposure * (1.0 + warmth),
                exposure,
                exposure * (1.0 - warmth),
            ],
            side_light: chance.random_range(-0.07..0.07),
            contrast: chance.random_range(0.94..1.06),
            noise_levels: chance.random_range(0.0..3.5),
            noise_seed: chance.random(),
            jpeg_quality: chance.random_range(74..=93),
        }
    }

    /// The photograph of a drawing, [`PHOTO_WIDTH`]×[`PHOTO_HEIGHT`]. What lies
    /// beyond the drawing's edge looks as its edge does.
    pub(super) fn take(&self, drawing: &RgbImage) -> RgbImage {
        let (sin, cos) = self.turn.sin_cos();
        let (width, height) = (drawing.width() as f32, drawing.height() as f32);
        let scale = width / PHOTO_WIDTH as f32 / self.zoom;
        RgbImage::from_fn(PHOTO_WIDTH, PHOTO_HEIGHT, |column, row| {
            let mut sum = [0.0_f32; 3];
            for sample in 0..SAMPLES * SAMPLES {
                let within = |place: usize| (place as f32 + 0.5) / SAMPLES as f32 - 0.5;
                let across = column as f32 + 0.5 + within(sample % SAMPLES);
                let down = row as f32 + 0.5 + within(sample / SAMPLES);
                let x = across - PHOTO_WIDTH as f32 * (0.5 + self.offset.0);
                let y = down - PHOTO_HEIGHT as f32 * (0.5 + self.offset.1);
                let x = if self.mirrored { -x } else { x };
                let from_x = (x * cos + y * sin) * scale + width * 0.5;
                let from_y = (y * cos - x * sin) * scale + height * 0.5;
                let from = nearest(drawing, from_x, from_y);
                sum = [0, 1, 2].map(|channel| sum[channel] + f32::from(from[channel]));
            }
            let mean = sum.map(|level| level / (SAMPLES * SAMPLES) as f32);
            Pixel(self.expose(mean, column, row))
        })
    }

    fn expose(&self, levels: [f32; 3], column: u32, row: u32) -> [u8; 3] {
        let side = 1.0 + self.side_light * (column as f32 / PHOTO_WIDTH as f32 - 0.5);
        [0, 1, 2].map(|channel| {
            let lit = levels[channel] * self.exposure[channel] * side;
            let level = 128.0 + (lit - 128.0) * self.contrast;
            let noise = self.noise_at(column, row, channel as u32) * self.noise_levels;
            (level + noise).round().clamp(0.0, 255.0) as u8
        })
    }

    /// Near a normal distribution of variance 1: the sum of three even ones of
    /// variance 1/12 each, doubled.
    fn noise_at(&self, column: u32, row: u32, channel: u32) -> f32 {
        let even = |which: u32| {
            let seed = self.noise_seed ^ (channel * 3 + which).wrapping_mul(0x9E37_79B9);
            noise::cell(column as i32, row as i32, seed) - 0.5
        };
        2.0 * (even(0) + even(1) + even(2))
    }
}

fn nearest(picture: &RgbImage, x: f32, y: f32) -> [u8; 3] {
    let place = |at: f32, size: u32| (at.max(0.0) as u32).min(size - 1);
    picture
        .get_pixel(place(x, picture.width()), place(y, picture.height()))
        .0
}
