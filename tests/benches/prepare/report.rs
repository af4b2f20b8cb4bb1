//! The section of BENCHMARKS.md.

use std::fmt::Write;

use anyhow::Result;
use tests::machine::{Machine, commit, said_by};

use crate::{BASELINE, Measured, Options, WAYS};

/// How much faster than pandas it has to be on what pandas does.
const TARGET: f64 = 10.0;

pub fn section(
    measured: &Measured,
    options: &Options,
    machine: &Machine,
    load: f64,
) -> Result<String> {
    let mut text = String::new();
    let pandas = measured.pandas.median();
    let program = options.trainer.components().rev().nth(1);
    let build = program.map_or_else(String::new, |part| {
        part.as_os_str().to_string_lossy().into_owned()
    });
    writeln!(
        text,
        "## Preparing a catalogue\n\n\
         `trainer prepare` ({build} build) beside `{BASELINE}`, the published notebook's loop, in \
         turns on the same files and cores.\n\n\
         Machine: {machine}. `make bench-prepare RUNS={}` on {}, commit {}; the load average \
         was {load:.1} when it began.\n\n\
         Pandas: {}. Ours: {}. Its time is what it prints, without the start of Python and its \
         imports; ours is the whole process. Times are medians, the range in brackets.\n",
        options.runs,
        said_by("date", &["-u", "+%F"]),
        commit(),
        measured.pandas_said,
        measured.ours_said,
    )?;
    writeln!(text, "| what | time | × pandas |\n|---|---|---|")?;
    writeln!(
        text,
        "| pandas: pairs of shirts and T-shirts, two files | {} | 1 |",
        measured.pandas.range()
    )?;
    for (way, times) in WAYS.iter().zip(&measured.ours) {
        let ratio = pandas / times.median();
        writeln!(text, "| {} | {} | {ratio:.1} |", way.what, times.range())?;
    }
    let said = |way: usize| {
        let ratio = pandas / measured.ours[way].median();
        let reached = match ratio >= TARGET {
            true => "reached",
            false => "**not reached**",
        };
        format!("{ratio:.1}× ({reached})")
    };
    writeln!(
        text,
        "\nAsked for is {TARGET}× on what pandas does, which opens no photo: {}. Where the photos \
         are looked at as well, which pandas leaves out, it is {} in a first run and {} in one \
         that finds their fingerprints kept.",
        said(0),
        said(1),
        said(2)
    )?;
    if !measured.larger.0.is_empty() {
        writeln!(
            text,
            "\n{} products with records of the same size, photos not looked at: {}.",
            options.products,
            measured.larger.range()
        )?;
    }
    Ok(text)
}
