//! The product catalogue: from a shop's data to questions and answers.
//!
//! [`pairs`] is what training reads. [`draw`] makes a catalogue of products that
//! the project draws itself: a [`Product`] describes a garment as data,
//! [`drawing::draw`] makes a picture of it, [`drawing::photograph`] one of many
//! photographs, and [`samples`] holds the twelve products whose pictures ship
//! with the project. The same product and seed give the same picture, byte for
//! byte on one machine.

mod clean;
pub mod drawing;
pub mod drawn;
mod error;
mod files;
mod losses;
pub mod pairs;
mod product;
mod progress;
pub mod samples;
mod source;

pub use clean::{AttributeTally, Synonym};
pub use drawn::{DrawOptions, Drawn, draw};
pub use error::Error;
pub use losses::{Loss, Losses};
pub use pairs::Pair;
pub use product::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, Product, SleeveLength,
    SleeveStyling, Sleeves,
};
pub use progress::{Progress, Silent};
pub use source::{Mapping, Source};
