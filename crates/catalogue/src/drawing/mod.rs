//! From a garment to its picture.
//!
//! A picture is made of panels of cloth that are laid one over the other on a
//! light ground: back, sleeves, front, collar, placket. A panel is an outline, a
//! cloth with its pattern and grain, and a relief of folds; the relief is lit
//! from the upper left. All measures are pixels of the finished picture, with x
//! counted from the garment's middle.

mod canvas;
mod closure;
mod cloth;
mod collar;
mod curve;
mod front;
mod ground;
mod ink;
mod look;
mod measures;
mod neck;
mod noise;
mod palette;
mod panel;
mod photograph;
mod print;
mod raster;
mod relief;
mod silhouette;
mod sleeve_ends;
mod sleeves;

use image::RgbImage;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::error::Error;
use crate::product::{Garment, Neckline, Product, SleeveStyling};
use canvas::Canvas;
use cloth::Cloth;
use look::Look;
use measures::Measures;
use photograph::Camera;

pub use photograph::{PHOTO_HEIGHT, PHOTO_WIDTH};

/// The width of a picture in pixels.
pub const WIDTH: u32 = 600;
/// The height of a picture in pixels.
pub const HEIGHT: u32 = 800;

const JPEG_QUALITY: u8 = 90;

/// Everything that the parts of a garment are drawn from.
struct Subject<'a> {
    garment: &'a Garment,
    look: &'a Look,
    measures: Measures,
    /// The cloth of the front and back.
    cloth: Cloth,
    /// The cloth of sleeves and neck: the second colour where the garment is colourblocked.
    trim: Cloth,
}

/// Draws a garment, [`WIDTH`]×[`HEIGHT`]. The folds and the placing of a print
/// follow from `seed`; pictures that share it should differ in `stream`.
#[must_use]
pub fn draw(garment: &Garment, seed: u64, stream: u64) -> RgbImage {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(stream);
    draw_with(garment, &Look::PLAIN, &mut chance)
}

/// A photograph of a garment as a JPEG file: one of many ways in which it may
/// be cut, lit, placed and taken. Equal arguments give an equal file.
///
/// # Errors
///
/// The encoder's.
pub fn photograph(garment: &Garment, seed: u64, stream: u64) -> image::ImageResult<Vec<u8>> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(stream);
    let look = Look::varied(garment, &mut chance);
    let camera = Camera::by_chance(&mut chance);
    let drawing = draw_with(garment, &look, &mut chance);
    encoded(&camera.take(&drawing), camera.jpeg_quality)
}

fn draw_with(garment: &Garment, look: &Look, mut chance: &mut impl Rng) -> RgbImage {
    let subject = Subject {
        garment,
        look,
        measures: Measures::of(garment, look),
        cloth: Cloth::of_body(garment, look, &mut chance),
        trim: Cloth::of_trim(garment, look, &mut chance),
    };
    let raglan = garment.sleeves.styling == SleeveStyling::Raglan;

    let mut canvas = Canvas::with_ground(&look.ground, look.scale, &mut chance);
    canvas.cast_shadow(&silhouette::shadow_outlines(&subject));
    silhouette::lay_back(&mut canvas, &subject, &mut chance);
    neck::lay_inside(&mut canvas, &subject, &mut chance);
    if !raglan {
        sleeves::lay(&mut canvas, &subject, &mut chance);
    }
    front::lay(&mut canvas, &subject, &mut chance);
    if raglan {
        sleeves::lay(&mut canvas, &subject, &mut chance);
    }
    match garment.neckline {
        Neckline::Collar(_) => collar::lay(&mut canvas, &subject, &mut chance),
        Neckline::Neck(_) => neck::lay_edge(&mut canvas, &subject, &mut chance),
    }
    closure::lay(&mut canvas, &subject, &mut chance);
    canvas.finish(&mut chance)
}

/// The product's picture as a JPEG file.
///
/// # Errors
///
/// [`Error::Encode`] where the encoder fails.
pub fn draw_jpeg(product: &Product, seed: u64, stream: u64) -> Result<Vec<u8>, Error> {
    let picture = draw(&product.garment, seed, stream);
    encoded(&picture, JPEG_QUALITY).map_err(|source| Error::Encode {
        id: product.id.clone(),
        source,
    })
}

fn encoded(picture: &RgbImage, quality: u8) -> image::ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)?;
    Ok(bytes)
}
