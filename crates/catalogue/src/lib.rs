//! The product catalogue: from a shop's data to questions and answers.
//!
//! [`prepare`] reads a shop's data, cleans it, keeps together what belongs
//! together, and writes the files of [`pairs`] that training reads, with a report.
//!
//! [`draw`] makes a catalogue of products that
//! the project draws itself: a [`Product`] describes a garment as data,
//! [`drawing::draw`] makes a picture of it, [`drawing::photograph`] one of many
//! photographs, and [`samples`] holds the twelve products whose pictures ship
//! with the project. The same product and seed give the same picture, byte for
//! byte on one machine.

mod clean;
pub mod drawing;
pub mod drawn;
mod duplicates;
mod error;
mod files;
mod fingerprint;
mod groups;
mod losses;
mod page;
pub mod pairs;
mod photo_files;
mod photo_marks;
mod prepare;
mod product;
mod progress;
pub mod samples;
mod source;
mod split;
mod tally;

pub use drawn::{DrawOptions, Drawn, MAX_PRODUCTS, draw};
pub use duplicates::MAX_DISTANCE;
pub use error::Error;
pub use groups::Links;
pub use losses::{Loss, Losses};
pub use pairs::Pair;
pub use photo_files::{PHOTO_ENDINGS, photo_in};
pub use prepare::{
    GroupReport, LEFT_OUT_FILE, NA_FILE, PAGE_FILE, PRODUCTS_FILE, PrepareOptions, REPORT_FILE,
    Report, Settings, Shares, SplitReport, prepare,
};
pub use product::{
    Category, Collar, Colour, Fit, Garment, Neck, Neckline, Pattern, Product, SleeveLength,
    SleeveStyling, Sleeves,
};
pub use progress::{Progress, Silent};
pub use source::{Mapping, Source};
pub use split::Split;
pub use tally::{AttributeTally, Synonym};
