//! The section of BENCHMARKS.md.

use std::fmt::Write;

use anyhow::Result;
use tests::machine::{Machine, commit, said_by};
use tests::times::Times;
use tests::verdict::{Verdict, write_table};

use crate::files::SIZES;
use crate::side::{OfSide, Who};

/// What is asked: so many times the rate of the other side, the faster of its two ways.
const FIRST: f64 = 2.0;
const AGAIN: f64 = 5.0;

/// What is said beside the numbers.
pub struct About<'a> {
    pub machine: &'a Machine,
    /// When it began.
    pub load: f64,
    pub rounds: usize,
    pub files: usize,
    pub bytes: u64,
    /// Of the other side.
    pub aws: String,
}

pub fn section(measured: &[OfSide], about: &About<'_>) -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "## Uploading a folder\n\n\
         `lookbook upload` beside `aws s3 sync` (awscli from PyPI), in turns on the same cores: \
         {} files of {} to {} KiB, {:.0} MB together, into the local cloud's S3 on the same \
         machine, over loopback and without TLS.\n\n\
         - **First** is into an empty bucket, **again** the same command when nothing has \
         changed. Times are of whole processes, medians of {} measurements, the range in \
         brackets. Each measurement has a server of its own that was started for it.\n\
         - The server's work is in the times of both, on the same cores. What it was asked is \
         counted by its log: every file was written once by the first run and none by the \
         second, and all are there.\n\
         - **aws** decides by size and time. **Ours** by size, entity tag and the stamp of the \
         file (times and inode) against what the run before noted; it sends each file with its \
         SHA-256, aws with a CRC.\n\
         - Ours is compared with the faster of aws as it is (10 requests at a time) and with as \
         many as ours has by default.\n\n\
         Machine: {}. `make bench-upload` on {}, commit {}; {}, rustc {}. The load average was \
         {:.1} when it began.\n",
        about.files,
        SIZES[0] >> 10,
        SIZES[1] >> 10,
        about.bytes as f64 / 1e6,
        about.rounds,
        about.machine,
        said_by("date", &["-u", "+%F"]),
        commit(),
        about.aws,
        said_by("rustc", &["--version"]).trim_start_matches("rustc "),
        about.load,
    )?;
    write_table(&mut text, "run", verdicts(measured))?;
    writeln!(
        text,
        "\n| side | first | files/s | again | files/s |\n|---|---|---|---|---|"
    )?;
    let rate = |times: &Times| about.files as f64 / times.median();
    for side in measured {
        writeln!(
            text,
            "| {} | {} | {:.0} | {} | {:.0} |",
            side.who.name(),
            side.first.range(),
            rate(&side.first),
            side.again.range(),
            rate(&side.again),
        )?;
    }
    Ok(text)
}

fn verdicts(measured: &[OfSide]) -> Vec<Verdict> {
    let verdict = |case: &str, what, least: f64, of: fn(&OfSide) -> f64| {
        let theirs = measured.iter().filter(|side| side.who != Who::Ours).map(of);
        let theirs = theirs.fold(f64::INFINITY, f64::min);
        let ours = measured.iter().find(|side| side.who == Who::Ours).map(of);
        let ratio = ours.map(|ours| theirs / ours);
        Verdict {
            case: case.to_owned(),
            what,
            goal: format!("≥ {least}×"),
            measured: ratio.map(|ratio| format!("{ratio:.1}×")),
            is_reached: ratio.is_some_and(|ratio| ratio >= least),
        }
    };
    vec![
        verdict("first", "rate against aws s3 sync", FIRST, |side| {
            side.first.median()
        }),
        verdict(
            "again, nothing changed",
            "rate against aws s3 sync",
            AGAIN,
            |side| side.again.median(),
        ),
    ]
}
