//! BENCHMARKS.md.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use tests::benchmarks_page::sections;
use tests::files::write_whole;
use tests::machine::Machine;
use tests::stages::Observed;
use tests::times::{Times, bytes, seconds};
use tests::verdict::write_table;

use crate::prompts::{ANSWER_TOKENS, PROMPT_TOKENS, QUESTIONS};
use crate::results::{Measured, OurTimes, Results, TheirTimes, Throughput};
use crate::shape::{SHAPES, Theirs};
use crate::verdicts::{find_theirs, verdicts};

/// What is between these lines is written by hand, and kept.
const BEGIN: &str = "<!-- By hand from here; `make bench-serve` keeps it. -->";
const END: &str = "<!-- By hand until here. -->";

/// The section of one shape, for a run that is not kept.
pub fn section(measured: &Measured) -> Result<String> {
    let mut text = String::new();
    shape(&mut text, measured)?;
    Ok(text)
}

/// Writes the report of all shapes; what was written by hand in it stays, and so
/// do the sections of other benchmarks.
pub fn write(path: &Path, results: &Results) -> Result<()> {
    let old = std::fs::read_to_string(path).unwrap_or_default();
    let mut text = render(results, by_hand(&old))?;
    let others = sections(&old);
    if !others.is_empty() {
        text = format!("{text}\n{others}\n");
    }
    write_whole(path, text.as_bytes())
}

fn by_hand(old: &str) -> &str {
    let inside = old
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END));
    inside.map_or("\n", |(inside, _)| inside)
}

fn render(results: &Results, by_hand: &str) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "# Benchmarks of the model server\n")?;
    if let Some(measured) = results.shapes.first() {
        introduce(&mut text, &measured.machine)?;
    }
    targets(&mut text, results)?;
    writeln!(text, "{BEGIN}{by_hand}{END}\n")?;
    for measured in &results.shapes {
        shape(&mut text, measured)?;
    }
    // One line break at the end.
    Ok(format!("{}\n", text.trim_end()))
}

fn introduce(text: &mut String, machine: &Machine) -> Result<()> {
    writeln!(
        text,
        "`make bench-serve` writes this page: the released model server beside Hugging Face \
         transformers on one machine, on the same cores, in turns (one measurement of each, then \
         the next of each).\n\n\
         Machine: {machine}.\n\n\
         - **Asked** are {QUESTIONS} questions of {PROMPT_TOKENS} tokens about one JPEG of \
         1800×2400 pixels; each answer has {ANSWER_TOKENS} tokens, no more and no fewer, so that \
         random weights answer as long as trained ones. All is warm.\n\
         - **Transformers** runs in a process of its own and is measured there, between the \
         photo as base64 and the token ids: no HTTP, no JSON. *Eight calls* are eight `generate` \
         calls, each with the photo; *one batch* is one `generate` call for all questions. \
         Ratios are against the faster of its number types.\n\
         - **Ours** is `model-server serve` asked over HTTP, one request with all questions, \
         measured by the client from sending to having read the answers. Before each measurement \
         the photo gets another comment segment, so that its bytes are new to the image cache \
         and its pixels are not; *photo known* is the same request again.\n\
         - **Memory** is resident memory with the pages of files that are mapped (`VmHWM`); \
         *loading* is its peak until the server is ready, *serving* its peak after. The share is \
         that of the larger in what the weights take in f32.\n\
         - Times are medians, the range in brackets.\n"
    )?;
    Ok(())
}

fn targets(text: &mut String, results: &Results) -> Result<()> {
    writeln!(text, "## What is asked of it\n")?;
    let of_shape = |measured: &Measured| {
        let shape = SHAPES.iter().find(|shape| shape.name == measured.shape);
        shape.map_or_else(Vec::new, |shape| verdicts(shape, measured))
    };
    write_table(text, "shape", results.shapes.iter().flat_map(of_shape))?;
    writeln!(text)?;
    Ok(())
}

fn shape(text: &mut String, measured: &Measured) -> Result<()> {
    let shape = SHAPES.iter().find(|shape| shape.name == measured.shape);
    let versions = measured.versions.iter();
    let versions: Vec<String> = versions
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    writeln!(
        text,
        "## {}\n\n{}: {:.1} million parameters, {} of weights in f32, {} on the disk. \
         One request is {:.1} GFLOP of matrix multiplications, {:.1} where the photo is known.\n\n\
         `{}` on {}, commit {}; {}. The load average was {:.1} when it began.\n",
        measured.shape,
        capitalised(shape.map_or("", |shape| shape.what)),
        measured.parameters as f64 / 1e6,
        bytes(measured.parameters * 4),
        bytes(measured.weights_bytes),
        measured.request_gflop,
        measured.cached_request_gflop,
        measured.command,
        measured.date,
        measured.commit,
        versions.join(", "),
        measured.load_average
    )?;
    if !measured.transformers.is_empty() {
        theirs(text, measured)?;
    }
    ours(text, measured)?;
    memory(text, measured)?;
    stages(text, measured)?;
    if let Some(throughput) = &measured.throughput {
        many_clients(text, measured, throughput)?;
    }
    if !measured.left_out.is_empty() {
        writeln!(text, "Not measured: {}.\n", measured.left_out.join("; "))?;
    }
    Ok(())
}

fn theirs(text: &mut String, measured: &Measured) -> Result<()> {
    writeln!(
        text,
        "| transformers | eight calls | one batch | runs | memory |"
    )?;
    writeln!(text, "|---|---|---|---|---|")?;
    for theirs in &measured.transformers {
        writeln!(
            text,
            "| {}, {} threads | {} | {} | {} | {} |",
            theirs.dtype,
            theirs.threads,
            theirs.eight_calls.range(),
            theirs.one_batch.range(),
            theirs.eight_calls.0.len(),
            bytes(theirs.peak_bytes)
        )?;
    }
    writeln!(text)?;
    Ok(())
}

fn ours(text: &mut String, measured: &Measured) -> Result<()> {
    let calls = find_theirs(measured, Theirs::Fastest, |theirs| &theirs.eight_calls);
    let batch = find_theirs(measured, Theirs::Fastest, |theirs| &theirs.one_batch);
    let heading = |theirs: Option<&TheirTimes>, way: &str| match theirs {
        Some(theirs) => format!("× {way} ({})", theirs.dtype),
        None => format!("× {way}"),
    };
    writeln!(
        text,
        "| ours | photo not known | photo known | runs | {} | {} | same answers |",
        heading(calls, "eight calls"),
        heading(batch, "one batch")
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for ours in &measured.ours {
        let ratio = |times: Option<f64>| match times {
            Some(seconds) => format!("{:.1}", seconds / ours.fresh.median()),
            None => "–".to_owned(),
        };
        writeln!(
            text,
            "| {} (`{}`) | {} | {} | {} | {} | {} | {} |",
            ours.configuration,
            ours.flags,
            ours.fresh.range(),
            ours.repeated.range(),
            ours.fresh.0.len(),
            ratio(calls.map(|theirs| theirs.eight_calls.median())),
            ratio(batch.map(|theirs| theirs.one_batch.median())),
            same_answers(measured, ours)
        )?;
    }
    writeln!(text)?;
    for ours in &measured.ours {
        writeln!(
            text,
            "- {}, one question a request: {} where the photo is not known, {} where it is",
            ours.configuration,
            ours.one_fresh.range(),
            ours.one_repeated.range()
        )?;
    }
    writeln!(
        text,
        "\n*Same answers* counts those whose text is the one that transformers gives in f32, or \
         in bf16 where f32 was not measured; random weights may give answers without a text.{}\n",
        together(measured)
    )?;
    for ours in &measured.ours {
        if !ours.computation.is_empty() {
            writeln!(
                text,
                "- {}, by its log: {}",
                ours.configuration, ours.computation
            )?;
        }
    }
    writeln!(text)?;
    Ok(())
}

/// How many answers are those of transformers.
fn same_answers(measured: &Measured, ours: &OurTimes) -> String {
    let reference = find_theirs(measured, Theirs::Named("f32"), |theirs| &theirs.one_batch)
        .or(measured.transformers.first());
    let has_text = |theirs: &&TheirTimes| theirs.answers.iter().any(|text| !text.is_empty());
    let Some(reference) = reference.filter(has_text) else {
        return "–".to_owned();
    };
    let pairs = reference.answers.iter().zip(&ours.answers);
    let same = pairs.filter(|(theirs, ours)| theirs == ours).count();
    format!("{same} of {}", reference.answers.len())
}

/// What was not measured in turns with the first, because memory did not allow
/// it.
fn together(measured: &Measured) -> String {
    let theirs = measured
        .transformers
        .iter()
        .filter(|theirs| theirs.group > 0)
        .map(|theirs| format!("transformers {}", theirs.dtype));
    let ours = measured
        .ours
        .iter()
        .filter(|ours| ours.group > 0)
        .map(|ours| format!("ours {}", ours.configuration));
    let apart: Vec<String> = theirs.chain(ours).collect();
    if apart.is_empty() {
        return String::new();
    }
    format!(
        " Not all fit into memory at once; measured after the others: {}.",
        apart.join(", ")
    )
}

fn memory(text: &mut String, measured: &Measured) -> Result<()> {
    writeln!(
        text,
        "| memory of ours | ready after | loaded | peak loading | peak serving | of f32's weights |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|")?;
    for ours in &measured.ours {
        writeln!(
            text,
            "| {} | {:.1} s | {} | {} | {} | {:.2} |",
            ours.configuration,
            ours.ready_after_s,
            bytes(ours.loaded_bytes),
            bytes(ours.loading_peak_bytes),
            bytes(ours.serving_peak_bytes),
            ours.peak_bytes() as f64 / f32_weights(measured)
        )?;
    }
    writeln!(text)?;
    Ok(())
}

fn stages(text: &mut String, measured: &Measured) -> Result<()> {
    let mut names: Vec<&String> = measured
        .ours
        .iter()
        .flat_map(|ours| ours.stages.keys())
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    write!(text, "| stages, by `/metrics`, photo not known |")?;
    for name in &names {
        write!(text, " {name} |")?;
    }
    writeln!(text, "\n|---|{}", "---|".repeat(names.len()))?;
    for ours in &measured.ours {
        let all: f64 = ours.stages.values().map(Observed::mean).sum();
        write!(text, "| {} |", ours.configuration)?;
        for &name in &names {
            let spent = ours.stages.get(name).map_or(0.0, Observed::mean);
            write!(text, " {} ({:.0} %) |", seconds(spent), 100.0 * spent / all)?;
        }
        writeln!(text)?;
    }
    writeln!(text)?;
    Ok(())
}

fn many_clients(text: &mut String, measured: &Measured, many: &Throughput) -> Result<()> {
    let per_second = many.answered as f64 / many.seconds;
    write!(
        text,
        "**{} clients at once**, {} photos of 1800×2400 pixels, each new to the cache, {} \
         questions each, in {} (`{}`): {} photos answered in {:.0} s, **{per_second:.2} photos \
         and {:.1} questions a second**; a request takes {} in the median and {} at the 95th \
         percentile, {} tries were answered 429; peak memory {}.",
        many.clients,
        many.photos,
        many.questions_per_photo,
        many.configuration,
        many.flags,
        many.answered,
        many.seconds,
        per_second * many.questions_per_photo as f64,
        seconds(many.times.median()),
        seconds(percentile(&many.times, 0.95)),
        many.retries,
        bytes(many.serving_peak_bytes)
    )?;
    let reached = per_second * measured.request_gflop;
    let shares = measured.peak_gflops.iter().map(|(dtype, peak)| {
        let share = 100.0 * reached / peak;
        format!("{share:.0} % of PyTorch's {dtype} peak ({peak:.0})")
    });
    let shares: Vec<String> = shares.collect();
    write!(
        text,
        " That is {reached:.0} GFLOP/s of matrix multiplications"
    )?;
    if !shares.is_empty() {
        write!(
            text,
            ": {}. The peaks are those of a multiplication of 2048×2048×2048 in GFLOP/s, measured \
             in the same run",
            shares.join(", ")
        )?;
    }
    writeln!(text, ".\n")?;
    Ok(())
}

fn percentile(times: &Times, share: f64) -> f64 {
    let mut sorted = times.0.clone();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let at = (share * last as f64).ceil() as usize;
    sorted.get(at).copied().unwrap_or(f64::NAN)
}

fn f32_weights(measured: &Measured) -> f64 {
    measured.parameters as f64 * 4.0
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}
