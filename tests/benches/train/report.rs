//! The section of BENCHMARKS.md.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use tests::machine::{Machine, commit, said_by};
use tests::times::bytes;
use tests::verdict::write_table;

use crate::shape::{ANSWER_TOKENS, BATCH_SIZE, EXACT, PHOTOS, PROMPT_TOKENS, QUESTIONS_A_PHOTO};
use crate::side::Who;
use crate::targets::verdicts;
use crate::turns::{COMPARED_STEPS, OfShape, TOLERANCE};

pub fn section(measured: &[OfShape], machine: &Machine, load: f64) -> Result<String> {
    let mut text = String::new();
    let versions: BTreeMap<&String, &String> = measured
        .iter()
        .flat_map(|of_shape| &of_shape.sides)
        .flat_map(|side| &side.versions)
        .collect();
    let versions: Vec<String> = versions
        .into_iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    writeln!(
        text,
        "## Fine-tuning\n\n\
         A LoRA training step (r 8, `q` and `v`, Adam, {BATCH_SIZE} questions) of the trainer \
         beside transformers and peft, in turns (an epoch of each, then the next of each) on the \
         same cores, from the same adapter, about {PHOTOS} photographs with {QUESTIONS_A_PHOTO} \
         questions of {PROMPT_TOKENS} tokens each, mixed; answers have {ANSWER_TOKENS}.\n\n\
         - **Peft** encodes the photograph for every question, as the published training script \
         does; its bf16 is autocast over weights in f32.\n\
         - **Ours** encodes each photograph once in the *first epoch*, in {EXACT} or with frozen \
         weights in bf16, and knows what the language model is given of it in *later* ones. Of \
         both sides it is the computation alone that is timed: photographs are decoded, nothing \
         is read or written.\n\
         - **Losses**, all dropout off: the largest relative difference from peft's in {EXACT} \
         within the first epoch, {COMPARED_STEPS} steps (later ones part by rounding alone, as \
         those of peft do from its own: `make bench-train PARTING=1e-7`). Above {TOLERANCE} in \
         {EXACT} the benchmark fails.\n\
         - **Memory** is the most that a process had at once, loading included.\n\
         - Times are medians a question, the range in brackets.\n\n\
         Machine: {machine}. `make bench-train` on {}, commit {}; {}, rustc {}. The load average \
         was {load:.1} when it began.\n",
        said_by("date", &["-u", "+%F"]),
        commit(),
        versions.join(", "),
        said_by("rustc", &["--version"]).trim_start_matches("rustc "),
    )?;
    write_table(&mut text, "shape", verdicts(measured))?;
    for of_shape in measured {
        shape(&mut text, of_shape)?;
    }
    Ok(text)
}

fn shape(text: &mut String, measured: &OfShape) -> Result<()> {
    writeln!(
        text,
        "\n**{}**: {}, {:.1} million parameters.\n\n\
         | side | first epoch | later epochs | epochs measured | peak memory | losses |\n\
         |---|---|---|---|---|---|",
        measured.shape.name,
        measured.shape.what,
        measured.parameters as f64 / 1e6,
    )?;
    for side in &measured.sides {
        let losses = match measured.loss_difference(side) {
            _ if side.who == Who::Peft && side.dtype == EXACT => "–".to_owned(),
            Some(difference) => format!("{difference:.1e}"),
            None => "not measured".to_owned(),
        };
        writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {losses} |",
            side.who.name(),
            side.dtype,
            side.first_epoch.range(),
            side.later_epochs.range(),
            side.later_epochs.0.len(),
            bytes(side.peak_bytes),
        )?;
    }
    writeln!(text)?;
    for side in measured
        .sides
        .iter()
        .filter(|side| !side.computation.is_empty())
    {
        writeln!(
            text,
            "- {} {}, by its log: {}",
            side.who.name(),
            side.dtype,
            side.computation
        )?;
    }
    Ok(())
}
