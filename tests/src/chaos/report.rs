//! What a run came to, as tables in Markdown.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::Options;
use super::dead_letters::Ending;
use super::driver::Carried;
use super::faults::{Fault, Service};
use super::ledger::Seen;
use super::plan::Plan;
use super::verdict::Verdict;

/// So many broken cases of a rule are told.
const TOLD: usize = 10;

/// All tables.
///
/// # Errors
/// None, where `text` takes all that is written to it.
pub fn write(
    text: &mut String,
    options: &Options,
    plan: &Plan,
    carried: &Carried,
    seen: &Seen,
    verdict: &Verdict,
) -> fmt::Result {
    let (versions, duplicates) = plan.counts();
    let ended = |ending: Ending| {
        let invocations = carried.invocations.iter();
        invocations.filter(|one| one.ending == ending).count()
    };
    let done = &verdict.done;
    writeln!(
        text,
        "{} products with {versions} photos, told of {duplicates} times more than once each; {} \
         processes of the function at a time, {} s an invocation; seed {}. {} invocations with \
         {} deliveries in {:.0} s: {} failed, {} were killed in the middle, {} lasted too long.\n",
        options.products,
        options.workers,
        options.timeout.as_secs(),
        options.seed,
        carried.invocations.len(),
        done.deliveries,
        carried.took.as_secs_f64(),
        ended(Ending::Failed),
        ended(Ending::Killed),
        ended(Ending::TimedOut),
    )?;
    calls(text, seen)?;
    outcomes(text, carried, verdict)?;
    writeln!(
        text,
        "Work, as answers that came through: questions about {} photos for the first time, {} \
         again after a delivery that failed or was killed, {} while the invocation of such a \
         delivery was still under way; {} texts. {} deliveries began when there was nothing left \
         to do. {} claims on products are left, where processes that were killed and calls that \
         met a fault may have left {}.\n",
        done.first,
        done.again,
        done.at_once,
        done.texts,
        done.needless,
        verdict.claims.left,
        verdict.claims.allowed
    )?;
    rules(text, verdict)
}

fn calls(text: &mut String, seen: &Seen) -> fmt::Result {
    let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.words()).collect();
    writeln!(
        text,
        "| calls | made | {} | done | came through |",
        faults.join(" | ")
    )?;
    writeln!(text, "|---{}|", "|---".repeat(faults.len() + 3))?;
    for service in Service::ALL {
        let calls = seen.calls.get(&service).cloned().unwrap_or_default();
        let name = match service {
            Service::Endpoint => "endpoint",
            Service::Bedrock => "Bedrock",
            Service::S3 => "S3",
        };
        write!(text, "| {name} | {} |", calls.made)?;
        for fault in Fault::ALL {
            let count = calls.faults.get(&fault).copied().unwrap_or_default();
            write!(text, " {count} |")?;
        }
        writeln!(text, " {} | {} |", calls.done, calls.through)?;
    }
    writeln!(text)
}

fn outcomes(text: &mut String, carried: &Carried, verdict: &Verdict) -> fmt::Result {
    let outcomes = &verdict.outcomes;
    writeln!(text, "| what became of the products | |")?;
    writeln!(text, "|---|---|")?;
    writeln!(
        text,
        "| described, by the newest photo | {} |",
        outcomes.described
    )?;
    writeln!(
        text,
        "| … of these without all attributes | {} |",
        outcomes.partly
    )?;
    for (kind, count) in &outcomes.kept {
        writeln!(text, "| record of a failure, `{kind}` | {count} |")?;
    }
    for (kind, count) in &outcomes.given_up {
        writeln!(
            text,
            "| record of a failure, `{kind}`, and a dead letter | {count} |"
        )?;
    }
    writeln!(
        text,
        "| … of these records beside the description of an older photo | {} |",
        outcomes.outdated
    )?;
    writeln!(text, "| a dead letter alone | {} |", outcomes.dead_only)?;
    writeln!(text)?;
    let mut letters: BTreeMap<String, usize> = BTreeMap::new();
    for letter in &carried.dead {
        let mut endings = letter.endings.clone();
        endings.sort();
        let words: Vec<&str> = endings.iter().map(|ending| ending.words()).collect();
        *letters.entry(words.join(", ")).or_default() += 1;
    }
    if letters.is_empty() {
        return Ok(());
    }
    writeln!(text, "| dead letters, by how their deliveries ended | |")?;
    writeln!(text, "|---|---|")?;
    for (endings, count) in letters {
        writeln!(text, "| {endings} | {count} |")?;
    }
    writeln!(text)
}

fn rules(text: &mut String, verdict: &Verdict) -> fmt::Result {
    writeln!(text, "| rule | looked at | broken |")?;
    writeln!(text, "|---|---|---|")?;
    for rule in &verdict.rules {
        let broken = match rule.broken.len() {
            0 => "0".to_owned(),
            count => format!("**{count}**"),
        };
        writeln!(text, "| {} | {} | {broken} |", rule.words, rule.checked)?;
    }
    for rule in verdict.rules.iter().filter(|rule| !rule.broken.is_empty()) {
        writeln!(text, "\nBroken: {}.\n", rule.words)?;
        for what in rule.broken.iter().take(TOLD) {
            writeln!(text, "- {}", what.replace('\n', " "))?;
        }
    }
    Ok(())
}
