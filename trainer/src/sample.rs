//! `trainer sample`: draws a catalogue.

use std::path::PathBuf;

use anyhow::{Context, Result};
use catalogue::{DrawOptions, Drawn, MAX_PRODUCTS, Progress};
use clap::Args;

use crate::catalogue_progress::Shown;

/// What is drawn.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// How many products
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1..=MAX_PRODUCTS))]
    products: u64,
    /// Decides everything that is left to chance; product i is the same whatever
    /// the number of products
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Spoil some products as real catalogues are: broken lines, missing and
    /// damaged photos, records of other ages
    #[arg(long)]
    flaws: bool,
    /// The folder for styles.csv, images.csv, styles/ and images/
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Draws the catalogue, shows how far it is on stderr and says on stdout what was drawn.
///
/// # Errors
///
/// The file that could not be written, or that the folder holds another drawn
/// catalogue.
pub fn run(args: &SampleArgs) -> Result<()> {
    let progress = Shown::new();
    let drawn = draw(args, &progress)?;
    progress.end();
    println!("{}", summary(args, &drawn));
    Ok(())
}

/// Draws the catalogue.
///
/// # Errors
///
/// As [`run`].
pub fn draw(args: &SampleArgs, progress: &dyn Progress) -> Result<Drawn> {
    let options = DrawOptions {
        products: args.products,
        seed: args.seed,
        flaws: args.flaws,
        out: args.out.clone(),
    };
    catalogue::draw(&options, progress)
        .with_context(|| format!("cannot draw a catalogue into {}", args.out.display()))
}

/// What was drawn, in a line for people.
#[must_use]
pub fn summary(args: &SampleArgs, drawn: &Drawn) -> String {
    format!(
        "{} products in {} ({} photos were there already{})",
        drawn.products,
        args.out.display(),
        drawn.kept,
        if args.flaws {
            format!(", {} products have a flaw", drawn.flawed)
        } else {
            String::new()
        }
    )
}
