//! What the colours of cloth look like.

use crate::product::Colour;

/// Red, green and blue in [0, 1], gamma-encoded as in the picture's file.
pub(super) type Rgb = [f32; 3];

pub(super) fn rgb(colour: Colour) -> Rgb {
    let [r, g, b] = match colour {
        Colour::Black => [38, 38, 42],
        Colour::White => [243, 244, 246],
        Colour::OffWhite => [240, 234, 219],
        Colour::GreyMelange => [160, 162, 167],
        Colour::Blue => [62, 112, 190],
        Colour::NavyBlue => [38, 50, 92],
        Colour::TurquoiseBlue => [52, 176, 190],
        Colour::Teal => [22, 118, 122],
        Colour::Green => [52, 132, 78],
        Colour::Red => [196, 44, 48],
        Colour::Maroon => [124, 30, 48],
        Colour::Pink => [236, 138, 166],
        Colour::Mustard => [214, 160, 44],
        Colour::Yellow => [244, 208, 72],
        Colour::Purple => [118, 66, 142],
        Colour::Beige => [216, 196, 164],
    };
    [r, g, b].map(|level: u8| f32::from(level) / 255.0)
}

pub(super) fn blend(a: Rgb, b: Rgb, t: f32) -> Rgb {
    [0, 1, 2].map(|channel| a[channel] + (b[channel] - a[channel]) * t)
}

pub(super) fn scaled(colour: Rgb, factor: f32) -> Rgb {
    colour.map(|level| (level * factor).clamp(0.0, 1.0))
}

/// How light a colour looks, in [0, 1] (the weights of Rec. 601).
pub(super) fn lightness([r, g, b]: Rgb) -> f32 {
    0.299 * r + 0.587 * g + 0.114 * b
}

/// The colour of thread that shows on cloth of this colour.
pub(super) fn thread_on(cloth: Rgb) -> Rgb {
    if lightness(cloth) < 0.3 {
        blend(cloth, [1.0; 3], 0.28)
    } else {
        scaled(cloth, 0.74)
    }
}
