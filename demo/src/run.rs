//! One run of the demo, from the first program to the page.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use local_stack::{Programs, Stack, StackOptions, Writer};

use crate::files::write_whole;
use crate::interrupt::Signals;
use crate::options::Options;
use crate::page;
use crate::photos::{self, Photo, Selection};
use crate::product::{Product, Way};
use crate::progress::Progress;
use crate::results::{Pictures, Results, median_seconds};
use crate::{summary, ways};

/// What the function asks about where nobody names a category; set for the
/// function, so that the page says what is so.
pub const DEFAULT_CATEGORY: &str = "shirt";

/// Runs the demo.
///
/// # Errors
/// When there is nothing to send, a program fails, a signal asks for the end,
/// nothing in S3 was described, or a picture that ships with the project was not.
pub async fn run(options: Options) -> Result<()> {
    let mut signals = Signals::listen()?;
    let mut progress = Progress::new();
    let programs = Programs::find()?;
    let out = options
        .out
        .clone()
        .unwrap_or_else(|| programs.repository.join("demo/out"));
    std::fs::create_dir_all(&out)
        .with_context(|| format!("cannot make the folder {}", out.display()))?;
    let (pictures, selection) = choose(&options, &programs)?;
    announce(&pictures, &selection, &mut progress);

    let stack_options = StackOptions {
        writer: Writer::LanguageModel,
        function_env: vec![("DEFAULT_CATEGORY".to_owned(), DEFAULT_CATEGORY.to_owned())],
        ..StackOptions::default()
    };
    let mut stack = tokio::select! {
        biased;
        interrupted = signals.next() => return Err(interrupted.into()),
        started = start(stack_options, &mut progress) => started?,
    };
    let outcome = tokio::select! {
        biased;
        interrupted = signals.next() => Err(interrupted.into()),
        products = describe_all(&mut stack, &programs, &selection.photos, &mut progress) => products,
    };
    progress.end_bar();
    let peak = stack
        .model_server()
        .and_then(|process| process.peak_memory());
    progress.line("Stopping everything");
    // The failure of the main thing outweighs that of stopping.
    let stopped = stop(stack, &mut signals).await;
    let products = outcome?;
    stopped?;

    let results = Results {
        pictures,
        model_server_peak_bytes: peak,
        median_seconds: median_seconds(&products),
        skipped: selection.skipped,
        over_limit: selection.over_limit,
        products,
    };
    let page = write(&results, &out)?;
    for line in summary::of(&results, &page) {
        progress.line(&line);
    }
    judge(&results)
}

fn choose(options: &Options, programs: &Programs) -> Result<(Pictures, Selection)> {
    let (pictures, selection) = match &options.photos {
        None => (
            Pictures::Drawn,
            photos::drawn_samples(&samples_folder(programs))?,
        ),
        Some(path) => {
            let selection = photos::photographs(path)?;
            // "." has no name of its own.
            let whole = path.canonicalize().unwrap_or_else(|_| path.clone());
            let folder = whole
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            (Pictures::Photographs { folder }, selection)
        }
    };
    Ok((pictures, selection.limited_to(options.limit.get())))
}

fn samples_folder(programs: &Programs) -> PathBuf {
    programs.repository.join("samples")
}

fn announce(pictures: &Pictures, selection: &Selection, progress: &mut Progress) {
    let number = selection.photos.len();
    progress.line(&match pictures {
        Pictures::Drawn => format!("{number} drawn sample pictures"),
        Pictures::Photographs { folder } => format!("{number} photographs from {folder}"),
    });
    if selection.over_limit > 0 {
        let all = number + selection.over_limit;
        progress.line(&format!(
            "The first {number} of {all}; --limit {all} takes all"
        ));
    }
    if !selection.skipped.is_empty() {
        let names = selection.skipped.join(", ");
        progress.line(&format!("No JPEG, PNG or WebP files, left out: {names}"));
    }
}

async fn start(options: StackOptions, progress: &mut Progress) -> Result<Stack> {
    let start = Instant::now();
    let stack = Stack::start(options, |what| progress.line(&format!("Starting {what}"))).await?;
    progress.line(&format!(
        "All started after {:.1} s",
        start.elapsed().as_secs_f64()
    ));
    Ok(stack)
}

async fn describe_all(
    stack: &mut Stack,
    programs: &Programs,
    photos: &[Photo],
    progress: &mut Progress,
) -> Result<Vec<Product>> {
    progress.count_to(photos.len() + 2);
    let mut products = ways::s3::describe(stack, photos, progress).await?;

    if let Some(photo) = photo_for_http(photos, &products) {
        progress.under_way(&format!("{} by HTTP", photo.id));
        let product = ways::http::describe(stack, photo).await?;
        progress.done(&summary::line(&product));
        products.push(product);
    }

    progress.under_way("a direct invocation");
    let samples = photos::sample_records(&samples_folder(programs))?;
    let product = ways::direct::describe(stack, programs, &samples).await?;
    progress.done(&summary::line(&product));
    products.push(product);
    // Why a single picture failed matters less than that a program has ended.
    stack.check()?;
    Ok(products)
}

/// A picture that S3 had a description of, so that the two can be compared;
/// best one whose category is known and is another than S3's pictures are
/// asked about with.
fn photo_for_http<'a>(photos: &'a [Photo], products: &[Product]) -> Option<&'a Photo> {
    let described = || {
        let pairs = photos.iter().zip(products);
        pairs
            .filter(|(_, product)| product.is_described())
            .map(|(photo, _)| photo)
    };
    let is_other = |photo: &&Photo| {
        photo
            .drawn
            .as_ref()
            .is_some_and(|record| record.category != DEFAULT_CATEGORY)
    };
    described()
        .find(is_other)
        .or_else(|| described().next())
        .or_else(|| photos.first())
}

/// Ends every program; a second signal kills them.
async fn stop(stack: Stack, signals: &mut Signals) -> Result<()> {
    tokio::select! {
        stopped = stack.stop() => stopped,
        interrupted = signals.next() => Err(interrupted.into()),
    }
}

fn write(results: &Results, out: &Path) -> Result<PathBuf> {
    let json = serde_json::to_vec_pretty(results).context("the results are no JSON")?;
    write_whole(&out.join("results.json"), &json)?;
    let page = out.join("index.html");
    write_whole(&page, page::render(results)?.as_bytes())?;
    Ok(page)
}

/// A person's photo may well be broken; what ships with the project may not.
fn judge(results: &Results) -> Result<()> {
    if !results
        .described()
        .any(|product| product.way == Way::S3Event)
    {
        bail!("none of the pictures that were put into S3 was described");
    }
    let broken = || {
        results
            .failed()
            .filter(|(product, _)| product.drawn.is_some())
    };
    if let Some((Product { id, way, .. }, reason)) = broken().next() {
        let number = broken().count();
        bail!(
            "{number} pictures of the project were not described, the first of them {id} ({way}): \
             {reason}"
        );
    }
    Ok(())
}
