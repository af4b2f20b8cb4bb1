//! `trainer evaluate`: how good a checkpoint or a running endpoint is.
//!
//! All questions are asked once ([`ask`]), of the model, of the one before
//! fine-tuning and of baselines ([`baselines`]); the answers are read by the
//! attribute set ([`judged`]) and measured ([`measure`]). What comes out is
//! [`evaluation::Evaluation`], as JSON, as a report and as a model card.

pub mod ask;
pub mod baselines;
pub mod card;
pub mod data;
pub mod evaluation;
#[cfg(test)]
mod example;
pub mod inputs;
pub mod judged;
pub mod measure;
mod neighbours;
pub mod options;
pub mod report;
pub mod summary;
pub mod systems;
mod warnings;
mod write;
pub mod wrong;

use std::fmt::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;

use self::ask::Wire;
use self::card::Training;
use self::evaluation::{Evaluation, SystemResults, usable_items};
use self::inputs::Inputs;
use self::measure::Results;
use self::options::EvaluateArgs;
use self::report::with_interval;
use self::summary::Summary;
use self::warnings::warnings;
use self::write::write_whole;
use self::wrong::wrong_answers;
use crate::catalogue_progress::Shown;

/// Evaluates, writes the reports and prints the means.
///
/// # Errors
/// What is missing or wrong, before anything is written.
pub fn run(args: &EvaluateArgs) -> Result<()> {
    let evaluation = evaluate(args, None)?;
    print!("{}", summary(&evaluation));
    println!("reports: {}", args.out.display());
    Ok(())
}

/// Evaluates and writes the reports. The running model server is the one that `wire`
/// leads to, else the one that the arguments name. Not to be called on a thread that
/// drives tasks: it waits.
///
/// # Errors
/// As [`run`].
pub fn evaluate(args: &EvaluateArgs, wire: Option<Arc<dyn Wire>>) -> Result<Evaluation> {
    args.check()?;
    let inputs = Inputs::read(args)?;
    let training = Training::read(args.model_dir.as_deref(), args.training_metrics.as_deref())?;
    let args = &EvaluateArgs {
        name: args.name.clone().or(training.label().map(str::to_owned)),
        ..args.clone()
    };
    let progress = Shown::new();
    let answers = systems::answer(args, &inputs, wire, &progress)?;
    progress.end();
    let items = usable_items(&inputs, &answers);
    let evaluation = Evaluation::of(args, &inputs, &answers);
    let (wrong, wrong_in_all) = answers
        .systems
        .first()
        .map(|model| wrong_answers(&inputs.test, &items, model, args.pictures))
        .unwrap_or_default();

    // Everything is made before anything is written.
    let json = pretty(&evaluation)?;
    let short = pretty(&Summary::of(&evaluation))?;
    let html = report::render(&evaluation, &wrong, wrong_in_all, &args.images)?;
    let card = card::card(&evaluation, &training, args.license.as_deref());
    write_whole(&args.out.join("evaluation.json"), &json)?;
    write_whole(&args.out.join(summary::FILE), &short)?;
    write_whole(&args.out.join("evaluation.html"), &html)?;
    write_whole(&args.out.join(card::FILE), &card)?;
    if let Some(path) = args.card_beside_checkpoint() {
        write_whole(&path, &card)?;
    }
    Ok(evaluation)
}

/// JSON for files that people open, too.
fn pretty(value: &impl Serialize) -> Result<String> {
    let json = serde_json::to_string_pretty(value).context("the results are no JSON")?;
    Ok(json + "\n")
}

/// The means over attributes, a line for each way of answering, and notes.
#[must_use]
pub fn summary(evaluation: &Evaluation) -> String {
    let data = &evaluation.data;
    let mut text = format!(
        "{} products, {} questions; {} photos can't be used\n",
        data.products,
        data.questions,
        data.unusable_photos.len()
    );
    let mut add = |name: &str, mode: &str, results: &Results| {
        if let Some(average) = results.averages.first() {
            // Writing into a string does not fail.
            let _ = writeln!(
                text,
                "{:<32} accuracy {:<22} macro-F1 {}",
                format!("{name}, {mode}"),
                with_interval(&average.accuracy),
                with_interval(&average.macro_f1)
            );
        }
    };
    for system in &evaluation.systems {
        if let Some(free) = &system.free {
            add(&system.name, "free", free);
        }
        add(&system.name, held_mode(system), &system.held);
    }
    for warning in warnings(evaluation) {
        let _ = writeln!(text, "note: {warning}");
    }
    text
}

/// What the held answers of a system are: a baseline has no others, and they are
/// values of training.
fn held_mode(system: &SystemResults) -> &'static str {
    match system.free {
        Some(_) => "held",
        None => "baseline",
    }
}
