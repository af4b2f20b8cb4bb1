//! Lines that are drawn on a garment: seams and writing.

use super::cloth::Cloth;
use super::palette::{Rgb, thread_on};

/// How a line is drawn.
pub(super) struct Ink {
    pub colour: Rgb,
    pub opacity: f32,
    pub width: f32,
    /// Length of a stitch and of the gap after it.
    pub stitch: Option<(f32, f32)>,
}

impl Ink {
    pub(super) fn line(colour: Rgb, opacity: f32, width: f32) -> Ink {
        Ink {
            colour,
            opacity,
            width,
            stitch: None,
        }
    }

    /// Sewing thread that suits the cloth; on a pattern it shows less.
    pub(super) fn thread(cloth: &Cloth) -> Ink {
        let opacity = if cloth.is_patterned() { 0.42 } else { 0.75 };
        Ink {
            colour: thread_on(cloth.base),
            opacity,
            width: 0.9,
            stitch: Some((3.2, 1.8)),
        }
    }
}
