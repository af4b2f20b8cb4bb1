//! Draws the sample pictures and writes them with what is true of each.

use std::path::PathBuf;

use anyhow::Context;
use catalogue::samples;
use clap::Parser;

/// Draw the sample product pictures.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The folder for the pictures and samples.json.
    #[arg(long, default_value = "samples")]
    out: PathBuf,
    /// Decides the folds and the placing of prints.
    #[arg(long, default_value_t = samples::DEFAULT_SEED)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let Arguments { out, seed } = Arguments::parse();
    let products = samples::products();
    samples::write(&products, seed, &out, |product| {
        println!("{}  {}", product.id, product.title)
    })
    .with_context(|| format!("drawing the samples into {}", out.display()))?;
    println!(
        "{} pictures and {} in {}",
        products.len(),
        samples::RECORDS_FILE,
        out.display()
    );
    Ok(())
}
