//! A checkpoint to one whose linear layers take few bits.

use std::io::{IsTerminal, Write};
use std::path::Path;

use anyhow::Context;
use blip2::{Quantization, quantize_checkpoint};
use indicatif::{ProgressBar, ProgressStyle};

/// Writes the checkpoint in `model_dir` to the new folder `out`, quantised, and
/// tells on stderr how far it is.
///
/// # Errors
/// When the checkpoint cannot be read, or `out` exists or cannot be written, which is
/// known at once.
pub fn quantize(model_dir: &Path, quantization: Quantization, out: &Path) -> anyhow::Result<()> {
    let mut progress = Progress::new();
    let result = quantize_checkpoint(model_dir, quantization, out, |done, all| {
        progress.show(done, all);
    });
    progress.finish();
    result.with_context(|| format!("cannot quantize {}", model_dir.display()))?;
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "{} holds {} as {quantization}",
        out.display(),
        model_dir.display()
    )
    .context("cannot write to stdout")
}

/// A bar on a terminal, a line at every tenth elsewhere.
enum Progress {
    Bar(ProgressBar),
    Lines { tenths: usize },
}

impl Progress {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::Lines { tenths: 0 };
        }
        let style = ProgressStyle::with_template("{wide_bar} {pos} of {len} tensors, {eta} left");
        let bar = ProgressBar::new(0);
        Self::Bar(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }

    fn show(&mut self, done: usize, all: usize) {
        match self {
            Self::Bar(bar) => {
                bar.set_length(all as u64);
                bar.set_position(done as u64);
            }
            Self::Lines { tenths } => {
                let now = done * 10 / all.max(1);
                if now > *tenths {
                    *tenths = now;
                    eprintln!("{done} of {all} tensors");
                }
            }
        }
    }

    fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
