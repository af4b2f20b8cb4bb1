//! From judged answers to numbers.

mod bootstrap;
mod calibration;
mod missing_truth;
mod results;
mod selective;
mod statistics;

pub use bootstrap::{Estimate, LEVEL};
pub use calibration::{Bin, Calibration};
pub use missing_truth::{AttributeMissing, MissingTruth, Share};
pub use results::{AttributeResults, Average, ConfusionMatrix, Method, Results, Series, measure};
pub use selective::SelectivePoint;
