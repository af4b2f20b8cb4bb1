//! Cloth: its colours and what is woven into it or printed on it.

use rand::Rng;

use super::look::Look;
use super::noise::{self, step};
use super::palette::{Rgb, blend, lightness, rgb, scaled};
use super::print;
use crate::product::{Colour, Garment, Pattern};

/// Half the width, in pixels, of the edge between two colours.
pub(super) const EDGE: f32 = 0.45;

/// A kind of cloth, endless in both directions.
#[derive(Clone, Debug)]
pub(super) struct Cloth {
    pub base: Rgb,
    pub accent: Rgb,
    weave: Weave,
    /// How much larger than usual stripes, checks and prints are.
    pattern_scale: f32,
    seed: u32,
}

#[derive(Clone, Copy, Debug)]
enum Weave {
    Plain,
    Melange,
    Stripes {
        across: bool,
        period: f32,
        width: f32,
    },
    Checks {
        period: f32,
    },
    Print(print::Print),
}

impl Cloth {
    /// The cloth of a garment's front and back.
    pub(super) fn of_body(garment: &Garment, look: &Look, chance: &mut impl Rng) -> Cloth {
        let weave = match garment.pattern {
            Pattern::Solid | Pattern::Colourblocked => plain(garment.colour),
            Pattern::VerticalStripes => Weave::Stripes {
                across: false,
                period: 15.0,
                width: 4.2,
            },
            Pattern::HorizontalStripes => Weave::Stripes {
                across: true,
                period: 46.0,
                width: 17.0,
            },
            Pattern::Checks => Weave::Checks { period: 44.0 },
            Pattern::Flowers => Weave::Print(print::Print::Flowers),
            Pattern::Dots => Weave::Print(print::Print::Dots),
            Pattern::BlockPrint => Weave::Print(print::Print::Leaves),
            Pattern::Graphic => Weave::Print(print::Print::Sunset),
        };
        Cloth {
            base: look.dye(rgb(garment.colour)),
            accent: look.dye_accent(rgb(garment.accent)),
            weave,
            pattern_scale: look.pattern_scale,
            seed: chance.random(),
        }
    }

    /// The cloth of sleeves, neck and collar.
    pub(super) fn of_trim(garment: &Garment, look: &Look, chance: &mut impl Rng) -> Cloth {
        let accent = look.dye_accent(rgb(garment.accent));
        let base = look.dye(rgb(garment.colour));
        let (base, weave) = match garment.pattern {
            Pattern::Colourblocked => (accent, plain(garment.accent)),
            Pattern::Graphic => (base, plain(garment.colour)),
            _ => (base, Cloth::of_body(garment, look, chance).weave),
        };
        Cloth {
            base,
            accent,
            weave,
            pattern_scale: look.pattern_scale,
            seed: chance.random(),
        }
    }

    /// The same colour without a pattern, for bands.
    pub(super) fn unpatterned(&self) -> Cloth {
        let weave = if self.is_patterned() {
            Weave::Plain
        } else {
            self.weave
        };
        Cloth {
            weave,
            ..self.clone()
        }
    }

    /// The accent colour without a pattern.
    pub(super) fn contrast(&self) -> Cloth {
        Cloth {
            base: self.accent,
            weave: Weave::Plain,
            ..self.clone()
        }
    }

    /// Whether there is more than one colour on it.
    pub(super) fn is_patterned(&self) -> bool {
        !matches!(self.weave, Weave::Plain | Weave::Melange)
    }

    /// The colour at a place of the cloth.
    pub(super) fn colour(&self, u: f32, v: f32) -> Rgb {
        let colour = self.pattern(u / self.pattern_scale, v / self.pattern_scale);
        self.threads(colour, u, v)
    }

    fn pattern(&self, u: f32, v: f32) -> Rgb {
        match self.weave {
            Weave::Plain => self.base,
            Weave::Melange => self.melange(u, v),
            Weave::Stripes {
                across,
                period,
                width,
            } => {
                let inside = band(if across { v } else { u }, period, width);
                blend(self.base, self.accent, inside)
            }
            Weave::Checks { period } => self.checks(u, v, period),
            Weave::Print(print) => print.colour(self.base, self.accent, u, v, self.seed),
        }
    }

    fn checks(&self, u: f32, v: f32, period: f32) -> Rgb {
        // Where warp and weft of the accent cross, its colour is full.
        let broad = 0.5 * (band(u, period, period * 0.5) + band(v, period, period * 0.5));
        let colour = blend(self.base, self.accent, broad);
        let line = |t: f32| band(t + period * 0.25, period, 2.0);
        let light = if lightness(self.base) > 0.6 {
            scaled(self.base, 0.7)
        } else {
            [0.95; 3]
        };
        blend(colour, light, 0.5 * line(u).max(line(v)))
    }

    fn melange(&self, u: f32, v: f32) -> Rgb {
        let fibres = noise::smooth(u / 5.0, v / 1.1, self.seed)
            + 0.7 * noise::smooth(u / 2.2, v / 0.9, self.seed ^ 5);
        scaled(self.base, 1.0 + 0.085 * fibres)
    }

    /// The unevenness of single threads.
    fn threads(&self, colour: Rgb, u: f32, v: f32) -> Rgb {
        let (column, row) = ((u * 2.0).floor() as i32, (v * 2.0).floor() as i32);
        let warp = noise::cell(column, row >> 3, self.seed ^ 2);
        let weft = noise::cell(column >> 3, row, self.seed ^ 3);
        scaled(colour, 0.985 + 0.03 * (0.5 * (warp + weft)))
    }
}

fn plain(colour: Colour) -> Weave {
    if colour == Colour::GreyMelange {
        Weave::Melange
    } else {
        Weave::Plain
    }
}

/// 1 inside a band of `width` around every multiple of `period`, 0 outside.
fn band(t: f32, period: f32, width: f32) -> f32 {
    let from_middle = (t - (t / period).round() * period).abs();
    1.0 - step(width * 0.5 - EDGE, width * 0.5 + EDGE, from_middle)
}
