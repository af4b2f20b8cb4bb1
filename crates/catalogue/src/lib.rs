//! The product catalogue: products that the project draws itself.
//!
//! A [`Product`] describes a garment as data, [`drawing::draw`] makes a picture
//! of it, and [`samples`] holds the twelve products whose pictures ship with the
//! project, with what is true of each. The same product and seed give the same
//! picture, byte for byte on one machine.

pub mod drawing;
mod error;
mod product;
pub mod samples;

pub use error::Error;
pub use product::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, Product, SleeveLength,
    SleeveStyling, Sleeves,
};
