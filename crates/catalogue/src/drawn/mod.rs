//! A catalogue of drawn products in the layout of the Kaggle data set, with what
//! is true of each: for tests, and for people without the data set.
//!
//! Product `i` follows from the seed and `i` alone, so a larger catalogue of the
//! same seed holds the smaller one. Every twelfth product is the one before it
//! in another colour, as shops list one style several times.

mod flaws;
mod garments;
mod layout;
mod photos;

use std::path::PathBuf;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::error::Error;
use crate::product::{Category, Garment, Neckline, Pattern, Product, SleeveStyling};
use crate::progress::Progress;

pub use flaws::Flaw;
pub use layout::{DRAWN_FILE, TRUTH_FILE};

/// The id of product 0; beyond those of the Kaggle data set, so that both make one
/// catalogue.
pub const FIRST_ID: u64 = 1_000_000;

/// The largest catalogue that is drawn; all its products are in memory at once.
pub const MAX_PRODUCTS: u64 = 1_000_000;

/// Among so many products in a row, the last is a recoloured one.
const STYLE_EVERY: u64 = 12;

/// Streams of chance that one product takes.
const STREAMS: u64 = 2;

/// What is drawn, and where it is written.
#[derive(Clone, Debug)]
pub struct DrawOptions {
    /// How many products, up to [`MAX_PRODUCTS`].
    pub products: u64,
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Whether every twentieth product or so is spoilt in one of the ways that
    /// real catalogues are ([`Flaw`]).
    pub flaws: bool,
    /// The folder, made where it is missing.
    pub out: PathBuf,
}

/// What was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// Products in the catalogue.
    pub products: u64,
    /// Photographs that were there already, from an earlier run with the same
    /// settings.
    pub kept: u64,
    /// Products with a flaw.
    pub flawed: u64,
}

/// Draws a catalogue: `styles.csv`, `images.csv`, `styles/<id>.json` and
/// `images/<id>.jpg`, [`TRUTH_FILE`] with what is true of each picture, and
/// [`DRAWN_FILE`] with the settings. A run that was interrupted goes on where it
/// was, since photographs that are there are kept.
///
/// # Errors
///
/// [`Error::Option`] for too many products or a folder with somebody's own
/// catalogue, [`Error::OtherDrawing`] where it holds a drawn one of other settings;
/// otherwise the file that could not be written. Each file is whole or absent.
pub fn draw(options: &DrawOptions, progress: &dyn Progress) -> Result<Drawn, Error> {
    if options.products > MAX_PRODUCTS {
        return Err(Error::Option(format!(
            "{} products are too many: at most {MAX_PRODUCTS} are drawn",
            options.products
        )));
    }
    layout::claim(options)?;
    let kept = photos::write(options, progress)?;
    layout::write(options, progress)?;
    let flawed = (0..options.products).filter(|&index| flaw(options, index).is_some());
    Ok(Drawn {
        products: options.products,
        kept,
        flawed: flawed.count() as u64,
    })
}

/// Product `index` of a seed.
#[must_use]
pub fn product(seed: u64, index: u64) -> Product {
    let garment = garment(seed, index);
    Product {
        id: id(index).to_string(),
        title: title(&garment, index),
        garment,
    }
}

/// Product `index` as its photograph shows it.
fn shown_product(options: &DrawOptions, index: u64) -> Product {
    let mut shown = product(options.seed, index);
    if flaw(options, index) == Some(Flaw::RepeatedPhoto) {
        shown.garment = garment(options.seed, index - 1);
        shown.title = title(&shown.garment, index);
    }
    shown
}

fn id(index: u64) -> u64 {
    FIRST_ID + index
}

fn garment(seed: u64, index: u64) -> Garment {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(index * STREAMS);
    match recolours(index) {
        Some(first) => garments::recoloured(&garment(seed, first), &mut chance),
        None => garments::any_garment(&mut chance),
    }
}

/// The stream of chance for the photograph.
fn photo_stream(index: u64) -> u64 {
    index * STREAMS + 1
}

/// The product that this one is in another colour.
fn recolours(index: u64) -> Option<u64> {
    (index % STYLE_EVERY == STYLE_EVERY - 1).then(|| index - 1)
}

fn flaw(options: &DrawOptions, index: u64) -> Option<Flaw> {
    options.flaws.then(|| Flaw::of(index)).flatten()
}

/// A title as a shop would have it, with the number of the style.
fn title(garment: &Garment, index: u64) -> String {
    let pattern = match garment.pattern {
        Pattern::Solid => "",
        pattern => pattern.value(),
    };
    let neck = match garment.neckline {
        Neckline::Collar(_) => "",
        Neckline::Neck(neck) => neck.value(),
    };
    let sleeves = match garment.sleeves.styling {
        SleeveStyling::Regular | SleeveStyling::Sleeveless => garment.sleeves.length.value(),
        styling => styling.value(),
    };
    let kind = match garment.category {
        Category::TShirt => "T-Shirt".to_owned(),
        category => {
            let mut name = category.value().to_owned();
            name[..1].make_ascii_uppercase();
            name
        }
    };
    let style = recolours(index).unwrap_or(index);
    let words = [garment.colour.value(), pattern, neck, sleeves, &kind];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!("Drawn {} D{style}", words.join(" "))
}
