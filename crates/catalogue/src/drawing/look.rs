//! What may differ between two pictures of the same garment, chance aside.

use rand::Rng;

use super::ground::Ground;
use super::palette::{Rgb, scaled};
use crate::product::{Collar, Colour, Fit, Garment, Neck, Neckline, Pattern};

/// How a picture is made beyond what its garment says.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Grid cells along a pixel: 1 is faster, 2 is finer.
    pub scale: usize,
    pub ground: Ground,
    /// How much more of red, green and blue the cloth returns.
    pub dye: Rgb,
    /// The same of the second colour.
    pub accent_dye: Rgb,
    pub pattern_scale: f32,
    pub collar_size: f32,
    /// Whether turned-up ends of sleeves, and collars on patterned cloth, are of
    /// the second colour.
    pub contrasts: bool,
    /// Factors of measures.
    pub length: f32,
    pub waist: f32,
    pub hem_width: f32,
    pub neck_depth: f32,
    pub arm_length: f32,
}

impl Look {
    /// As the samples are drawn: nothing varies, on white paper.
    pub(super) const PLAIN: Look = Look {
        scale: 2,
        ground: Ground::PAPER,
        dye: [1.0; 3],
        accent_dye: [1.0; 3],
        pattern_scale: 1.0,
        collar_size: 1.0,
        contrasts: false,
        length: 1.0,
        waist: 1.0,
        hem_width: 1.0,
        neck_depth: 1.0,
        arm_length: 1.0,
    };

    /// By chance, within what leaves every value of an attribute visible in a
    /// picture of 96 pixels: patterns are broader than in the samples, collars
    /// larger, and slim cuts slimmer.
    pub(super) fn varied(garment: &Garment, chance: &mut impl Rng) -> Look {
        let waist = match garment.fit {
            Fit::Regular => chance.random_range(1.0..1.06),
            Fit::Slim => chance.random_range(0.86..0.93),
        };
        Look {
            scale: 1,
            ground: any_ground(chance),
            dye: any_dye(garment.colour, chance),
            accent_dye: any_dye(garment.accent, chance),
            pattern_scale: any_pattern_scale(garment.pattern, chance),
            collar_size: any_collar_size(garment.neckline, chance),
            contrasts: true,
            length: chance.random_range(0.93..1.04),
            waist,
            hem_width: chance.random_range(0.96..1.04) * waist.sqrt(),
            neck_depth: any_neck_depth(garment.neckline, chance),
            arm_length: chance.random_range(0.95..1.04),
        }
    }

    /// A colour as this picture's dye gives it.
    pub(super) fn dye(&self, colour: Rgb) -> Rgb {
        times(colour, self.dye)
    }

    /// The second colour as this picture's dye gives it.
    pub(super) fn dye_accent(&self, colour: Rgb) -> Rgb {
        times(colour, self.accent_dye)
    }
}

fn times(colour: Rgb, factors: Rgb) -> Rgb {
    [0, 1, 2].map(|channel| (colour[channel] * factors[channel]).clamp(0.0, 1.0))
}

/// Wide collars are drawn wider, so that their cut shows.
fn any_collar_size(neckline: Neckline, chance: &mut impl Rng) -> f32 {
    match neckline {
        Neckline::Collar(Collar::Cutaway) => chance.random_range(1.4..1.6),
        _ => chance.random_range(1.1..1.3),
    }
}

/// Necks of one width differ in their depth.
fn any_neck_depth(neckline: Neckline, chance: &mut impl Rng) -> f32 {
    match neckline {
        Neckline::Neck(Neck::Scoop) => chance.random_range(1.15..1.35),
        Neckline::Neck(Neck::Square) => chance.random_range(0.72..0.85),
        Neckline::Neck(Neck::V) => chance.random_range(1.1..1.35),
        Neckline::Neck(Neck::Round | Neck::Boat) => chance.random_range(0.86..1.0),
        _ => chance.random_range(0.94..1.08),
    }
}

/// Dyes differ more in strong colours than in greys, where a small difference
/// would already be another colour's name.
fn any_dye(colour: Colour, chance: &mut impl Rng) -> Rgb {
    let reach: f32 = match colour {
        Colour::White | Colour::OffWhite | Colour::GreyMelange | Colour::Beige => 0.012,
        Colour::Black | Colour::NavyBlue | Colour::Maroon => 0.05,
        _ => 0.07,
    };
    let light = chance.random_range(1.0 - reach..1.0 + reach);
    let mut channel = || light * (1.0 + chance.random_range(-reach..reach) * 0.6);
    [channel(), channel(), channel()]
}

fn any_pattern_scale(pattern: Pattern, chance: &mut impl Rng) -> f32 {
    match pattern {
        Pattern::VerticalStripes => chance.random_range(2.2..3.6),
        Pattern::HorizontalStripes => chance.random_range(0.95..1.6),
        Pattern::Checks => chance.random_range(1.0..1.7),
        Pattern::Flowers => chance.random_range(1.0..1.7),
        Pattern::Dots => chance.random_range(1.7..2.8),
        Pattern::BlockPrint => chance.random_range(1.6..2.4),
        // One picture has its place on the chest.
        Pattern::Graphic | Pattern::Solid | Pattern::Colourblocked => 1.0,
    }
}

fn any_ground(chance: &mut impl Rng) -> Ground {
    const COLOURS: [Rgb; 7] = [
        [0.968, 0.968, 0.968],
        [0.955, 0.945, 0.925],
        [0.905, 0.915, 0.935],
        [0.86, 0.86, 0.855],
        [0.93, 0.905, 0.9],
        [0.895, 0.92, 0.895],
        [0.79, 0.785, 0.775],
    ];
    // Half of all photographs are taken before white paper.
    let place = chance.random_range(0..2 * COLOURS.len());
    let colour = COLOURS.get(place).copied().unwrap_or(COLOURS[0]);
    let has_floor = chance.random_bool(0.3);
    Ground {
        colour: scaled(colour, chance.random_range(0.97..1.02)),
        corner: chance.random_range(0.84..0.98),
        lit: (
            chance.random_range(0.3..0.7),
            chance.random_range(0.25..0.6),
        ),
        floor: has_floor.then(|| {
            (
                chance.random_range(0.78..0.95),
                chance.random_range(0.86..0.96),
            )
        }),
    }
}
