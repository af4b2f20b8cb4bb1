//! Grids of numbers over a part of the picture.

use tiny_skia::{FillRule, Mask, Path, Rect, Transform};

use super::{HEIGHT, WIDTH};

/// A rectangle of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Grid cells along a pixel of the finished picture, which averages them.
    pub scale: usize,
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
}

impl Frame {
    /// The whole picture.
    pub(super) fn whole(scale: usize) -> Frame {
        Frame {
            scale,
            left: 0,
            top: 0,
            width: WIDTH as usize * scale,
            height: HEIGHT as usize * scale,
        }
    }

    /// The cells of this frame, which is a whole picture's, that `bounds` and
    /// `margin` pixels around it touch; `None` where they lie outside of it.
    pub(super) fn around(&self, bounds: Rect, margin: f32) -> Option<Frame> {
        let cell = |pixels: f32, limit: usize| {
            (pixels * self.scale as f32).clamp(0.0, limit as f32) as usize
        };
        let middle = WIDTH as f32 / 2.0;
        let left = cell(bounds.left() + middle - margin, self.width);
        let right = cell(bounds.right() + middle + margin + 1.0, self.width);
        let top = cell(bounds.top() - margin, self.height);
        let bottom = cell(bounds.bottom() + margin + 1.0, self.height);
        (right > left && bottom > top).then(|| Frame {
            scale: self.scale,
            left,
            top,
            width: right - left,
            height: bottom - top,
        })
    }

    /// The place in the garment's measures of a cell's middle.
    pub(super) fn place(&self, column: usize, row: usize) -> (f32, f32) {
        let scale = self.scale as f32;
        let x = (self.left + column) as f32 + 0.5;
        let y = (self.top + row) as f32 + 0.5;
        (x / scale - WIDTH as f32 / 2.0, y / scale)
    }
}

/// A number for every cell of a frame, row by row.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub frame: Frame,
    pub values: Vec<f32>,
}

impl Field {
    pub(super) fn zero(frame: Frame) -> Field {
        Field {
            frame,
            values: vec![0.0; frame.width * frame.height],
        }
    }

    /// How much of each cell the path covers, in [0, 1].
    pub(super) fn coverage(frame: Frame, path: &Path) -> Field {
        Field::coverage_moved(frame, path, 0.0, 0.0)
    }

    /// [`Field::coverage`] of the path moved by that many pixels.
    pub(super) fn coverage_moved(frame: Frame, path: &Path, dx: f32, dy: f32) -> Field {
        let size = (u32::try_from(frame.width), u32::try_from(frame.height));
        let mask = match size {
            (Ok(width), Ok(height)) => Mask::new(width, height),
            _ => None,
        };
        let Some(mut mask) = mask else {
            return Field::zero(frame);
        };
        let scale = frame.scale as f32;
        let transform = Transform::from_row(
            scale,
            0.0,
            0.0,
            scale,
            (WIDTH as f32 / 2.0 + dx) * scale - frame.left as f32,
            dy * scale - frame.top as f32,
        );
        mask.fill_path(path, FillRule::Winding, true, transform);
        let values = mask
            .data()
            .iter()
            .map(|&level| f32::from(level) / 255.0)
            .collect();
        Field { frame, values }
    }

    pub(super) fn at(&self, column: usize, row: usize) -> f32 {
        self.values[row * self.frame.width + column]
    }

    pub(super) fn multiply(&mut self, other: &Field) {
        debug_assert_eq!(self.frame, other.frame);
        for (value, factor) in self.values.iter_mut().zip(&other.values) {
            *value *= factor;
        }
    }

    /// Adds `factor` times the other field.
    pub(super) fn add(&mut self, other: &Field, factor: f32) {
        debug_assert_eq!(self.frame, other.frame);
        for (value, summand) in self.values.iter_mut().zip(&other.values) {
            *value += summand * factor;
        }
    }

    /// Blurs with a kernel near a Gaussian whose standard deviation is `sigma`
    /// pixels: three box filters in each direction. Cells beyond the frame count
    /// as the nearest cell in it.
    pub(super) fn blur(&mut self, sigma: f32) {
        // Three boxes of 2r + 1 cells have the variance r(r + 1).
        let variance = (sigma * self.frame.scale as f32).powi(2);
        let radius = ((variance + 0.25).sqrt() - 0.5).round().max(0.0) as usize;
        if radius == 0 {
            return;
        }
        let Frame { width, height, .. } = self.frame;
        let mut line = Vec::with_capacity(width.max(height));
        let mut columns = vec![0.0; self.values.len()];
        for row in self.values.chunks_exact_mut(width) {
            blur_line(row, radius, &mut line);
        }
        for (place, value) in self.values.iter().enumerate() {
            columns[(place % width) * height + place / width] = *value;
        }
        for column in columns.chunks_exact_mut(height) {
            blur_line(column, radius, &mut line);
        }
        for (place, value) in self.values.iter_mut().enumerate() {
            *value = columns[(place % width) * height + place / width];
        }
    }
}

/// Three box filters over one line; `copy` is room to work in.
fn blur_line(line: &mut [f32], radius: usize, copy: &mut Vec<f32>) {
    let last = line.len() - 1;
    let weight = 1.0 / (2 * radius + 1) as f64;
    for _ in 0..3 {
        copy.clear();
        copy.extend_from_slice(line);
        // In f64, so that a long running sum leaves no streaks.
        let mut sum = f64::from(copy[0]) * (radius + 1) as f64;
        sum += (1..=radius)
            .map(|place| f64::from(copy[place.min(last)]))
            .sum::<f64>();
        for (place, value) in line.iter_mut().enumerate() {
            *value = (sum * weight) as f32;
            sum += f64::from(copy[(place + radius + 1).min(last)]);
            sum -= f64::from(copy[place.saturating_sub(radius)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Field, Frame};

    #[test]
    fn blurring_keeps_a_constant_and_spreads_a_point() {
        let frame = Frame {
            scale: 2,
            left: 0,
            top: 0,
            width: 41,
            height: 31,
        };
        let mut constant = Field {
            frame,
            values: vec![0.7; 41 * 31],
        };
        constant.blur(3.0);
        assert!(
            constant
                .values
                .iter()
                .all(|value| (value - 0.7).abs() < 1e-5)
        );

        let mut point = Field::zero(frame);
        point.values[15 * 41 + 20] = 1.0;
        point.blur(1.5);
        let sum: f32 = point.values.iter().sum();
        assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        assert!(point.at(20, 15) > point.at(24, 15) && point.at(24, 15) > 0.0);
        assert!((point.at(17, 15) - point.at(23, 15)).abs() < 1e-6);
        assert!((point.at(20, 12) - point.at(23, 15)).abs() < 1e-6);
    }
}
