//! Random changes to photographs, which leave what they show as it is.

use image::RgbImage;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A photograph is moved by at most its side over this.
const SHIFT_SHARE: u32 = 16;

/// The brightness changes by at most this share.
const BRIGHTNESS: f32 = 0.08;

/// A change to a photograph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Change {
    shift: (i32, i32),
    mirrors: bool,
    brightness: f32,
}

impl Change {
    /// Draws one for a photograph in one step.
    pub(super) fn draw(seed: u64, number: usize, photo: &RgbImage) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(number as u64);
        let mut shift = |side: u32| {
            let most = (side / SHIFT_SHARE) as i32;
            rng.random_range(-most..=most)
        };
        Self {
            shift: (shift(photo.width()), shift(photo.height())),
            mirrors: rng.random(),
            brightness: 1.0 + rng.random_range(-BRIGHTNESS..BRIGHTNESS),
        }
    }

    /// The changed photograph; what comes in at an edge repeats the edge.
    pub(super) fn apply(self, photo: &RgbImage) -> RgbImage {
        let (width, height) = photo.dimensions();
        let from =
            |at: u32, shift: i32, side: u32| (at as i32 + shift).clamp(0, side as i32 - 1) as u32;
        RgbImage::from_fn(width, height, |x, y| {
            let x = if self.mirrors { width - 1 - x } else { x };
            let at = (from(x, self.shift.0, width), from(y, self.shift.1, height));
            let image::Rgb(levels) = *photo.get_pixel(at.0, at.1);
            // A cast from f32 stays within 0 and 255.
            image::Rgb(levels.map(|level| (f32::from(level) * self.brightness).round() as u8))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_drawn_from_step_and_photograph() {
        let photo = RgbImage::from_fn(32, 48, |x, y| image::Rgb([x as u8, y as u8, 100]));
        let change = Change::draw(1, 2, &photo);
        assert_eq!(change, Change::draw(1, 2, &photo));
        assert!(change != Change::draw(1, 3, &photo) && change != Change::draw(2, 2, &photo));
        let plain = Change {
            shift: (0, 0),
            mirrors: false,
            brightness: 1.0,
        };
        assert_eq!(plain.apply(&photo), photo);
        let moved = Change {
            shift: (2, -3),
            mirrors: true,
            ..plain
        };
        let moved = moved.apply(&photo);
        assert_eq!(moved.get_pixel(0, 0).0, [31, 0, 100]);
        assert_eq!(moved.get_pixel(31, 10).0, [2, 7, 100]);
    }
}
