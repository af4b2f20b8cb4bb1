//! The section of BENCHMARKS.md.

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result};
use tests::benchmarks_page::with_section;
use tests::machine::{Machine, said_by};

use crate::{BASELINE, Measured, Options, WAYS};

/// How much faster than pandas it has to be on what pandas does.
const TARGET: f64 = 10.0;

pub fn write(path: &Path, section: &str) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let page = with_section(&old, "bench-prepare", section);
    let part = path.with_extension("part");
    std::fs::write(&part, page)
        .and_then(|()| std::fs::rename(&part, path))
        .with_context(|| format!("cannot write {}", path.display()))
}

pub fn section(
    measured: &Measured,
    options: &Options,
    machine: &Machine,
    load: f64,
) -> Result<String> {
    let mut text = String::new();
    let pandas = median(&measured.pandas);
    let program = options.trainer.components().rev().nth(1);
    let build = program.map_or_else(String::new, |part| {
        part.as_os_str().to_string_lossy().into_owned()
    });
    let changed = said_by("git", &["status", "--porcelain", "--untracked-files=no"]);
    writeln!(
        text,
        "## Preparing a catalogue\n\n\
         `trainer prepare` ({build} build) beside `{BASELINE}`, the published notebook's loop, in \
         turns on the same files and cores.\n\n\
         Machine: {machine}. `make bench-prepare RUNS={}` on {}, commit {}{}; the load average \
         was {load:.1} when it began.\n\n\
         Pandas: {}. Ours: {}. Its time is what it prints, without the start of Python and its \
         imports; ours is the whole process. Times are medians, the range in brackets.\n",
        options.runs,
        said_by("date", &["-u", "+%F"]),
        said_by("git", &["rev-parse", "--short", "HEAD"]),
        if changed.is_empty() {
            ""
        } else {
            ", with changes"
        },
        measured.pandas_said,
        measured.ours_said,
    )?;
    writeln!(text, "| what | time | × pandas |\n|---|---|---|")?;
    writeln!(
        text,
        "| pandas: pairs of shirts and T-shirts, two files | {} | 1 |",
        range(&measured.pandas)
    )?;
    for (way, times) in WAYS.iter().zip(&measured.ours) {
        let ratio = pandas / median(times);
        writeln!(text, "| {} | {} | {ratio:.1} |", way.what, range(times))?;
    }
    let ratio = pandas / median(&measured.ours[0]);
    let reached = if ratio >= TARGET {
        "reached"
    } else {
        "**not reached**"
    };
    writeln!(
        text,
        "\nAsked for is {TARGET}× on what pandas does: {reached}."
    )?;
    if !measured.larger.is_empty() {
        writeln!(
            text,
            "\n{} products with records of the same size, photos not looked at: {}.",
            options.products,
            range(&measured.larger)
        )?;
    }
    Ok(text)
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn range(times: &[f64]) -> String {
    let least = times.iter().copied().fold(f64::INFINITY, f64::min);
    let most = times.iter().copied().fold(0.0, f64::max);
    format!("{:.2} s ({least:.2} to {most:.2})", median(times))
}
