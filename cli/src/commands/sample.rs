//! `lookbook sample`: a drawn catalogue, for who has no data set.

use serde::Serialize;
pub use trainer::sample::SampleArgs;
use trainer::sample::{draw, summary};

use super::prepare::{failure, finished, shown};
use crate::context::Context;
use crate::failure::Outcome;

/// What was drawn.
#[derive(Debug, Serialize)]
struct Drawn {
    products: u64,
    photos_kept: u64,
    flawed: u64,
}

/// Draws the catalogue, as `trainer sample` does.
///
/// # Errors
/// The file that could not be written, or that the folder holds another drawn catalogue.
pub async fn run(args: SampleArgs, context: &Context) -> Outcome {
    let quiet = context.terminal.quiet;
    let work = tokio::task::spawn_blocking(move || {
        let drawn = shown(quiet, |progress| draw(&args, progress));
        (args, drawn)
    });
    let (args, drawn) = finished(work, context).await?;
    let drawn = drawn.map_err(failure)?;
    let result = Drawn {
        products: drawn.products,
        photos_kept: drawn.kept,
        flawed: drawn.flawed,
    };
    context.terminal.result(&result, || summary(&args, &drawn))
}
