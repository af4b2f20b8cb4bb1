//! The adapter that a job goes on from.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use blip2::{Adapter, LoraConfig, TargetModules};

use super::container::Container;
use super::hyperparameter_values::shortened;
use super::hyperparameters::Hyperparameters;

/// Reads it. Its rank, scale and layers hold; the dropout is that of the job, which
/// `wanted` says.
///
/// # Errors
/// When it cannot be read, or a hyperparameter that was given says other than it does.
pub(super) fn read(
    container: &Container,
    folder: &Path,
    settings: &Hyperparameters,
    wanted: &LoraConfig,
) -> anyhow::Result<Adapter> {
    let folder = find(container, folder)?;
    let mut adapter = Adapter::read(&folder)
        .with_context(|| format!("`initial-adapter` {}", folder.display()))?;
    check(&settings.given, wanted, &adapter.config)
        .with_context(|| format!("`initial-adapter` {}", folder.display()))?;
    // What it was trained with before says nothing of this job.
    adapter.config.dropout = wanted.dropout;
    Ok(adapter)
}

/// The hyperparameters that an adapter has of its own, as they would be given.
pub(super) fn own(config: &LoraConfig) -> [(&'static str, String); 3] {
    let targets = match &config.target_modules {
        TargetModules::Pattern(pattern) => pattern.clone(),
        TargetModules::Names(names) => names.join(","),
    };
    [
        ("lora-r", config.r.to_string()),
        ("lora-alpha", config.alpha.to_string()),
        ("lora-target-modules", targets),
    ]
}

/// Looks whether those that were given say what the adapter does: passed over, they would
/// leave the impression that they held.
fn check(
    given: &BTreeSet<&'static str>,
    wanted: &LoraConfig,
    of_adapter: &LoraConfig,
) -> anyhow::Result<()> {
    let same = [
        wanted.r == of_adapter.r,
        wanted.alpha == of_adapter.alpha,
        are_same(&wanted.target_modules, &of_adapter.target_modules),
    ];
    for (((name, wanted), (_, own)), same) in own(wanted).iter().zip(own(of_adapter)).zip(same) {
        if given.contains(name) && !same {
            bail!(
                "hyperparameter `{name}` is `{}`, and the adapter has `{}`, which holds when it is \
                 gone on from: take `{name}` out, or `initial-adapter`",
                shortened(wanted),
                shortened(&own)
            );
        }
    }
    Ok(())
}

/// Names are the same in any order: peft writes them in none.
fn are_same(one: &TargetModules, other: &TargetModules) -> bool {
    match (one, other) {
        (TargetModules::Names(one), TargetModules::Names(other)) => {
            let [one, other] = [one, other].map(|names| names.iter().collect::<BTreeSet<_>>());
            one == other
        }
        _ => one == other,
    }
}

/// A path of its own, or one within an input channel.
fn find(container: &Container, folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.is_absolute() {
        return Ok(folder.to_owned());
    }
    let mut parts = folder.components();
    let channel = parts
        .next()
        .and_then(|part| part.as_os_str().to_str())
        .ok_or_else(|| anyhow!("`initial-adapter` is no folder"))?;
    Ok(container.channel(channel)?.join(parts.as_path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_has_to_be_what_the_adapter_has() {
        let config = |r, alpha, names: &[&str]| LoraConfig {
            r,
            alpha,
            dropout: 0.0,
            target_modules: TargetModules::Names(names.iter().map(|&n| n.to_owned()).collect()),
            use_rslora: false,
        };
        let own = config(2, 12.5, &["v", "q"]);
        let all = BTreeSet::from(["lora-r", "lora-alpha", "lora-target-modules", "lr"]);
        check(&all, &config(2, 12.5, &["q", "v"]), &own).unwrap();
        let pattern = |pattern: &str| LoraConfig {
            target_modules: TargetModules::Pattern(pattern.to_owned()),
            ..own.clone()
        };
        check(&all, &pattern("q|v"), &pattern("q|v")).unwrap();
        for (wanted, name, values) in [
            (config(64, 12.5, &["q", "v"]), "lora-r", ["`64`", "`2`"]),
            (
                config(2, 32.0, &["q", "v"]),
                "lora-alpha",
                ["`32`", "`12.5`"],
            ),
            (
                config(2, 12.5, &["q"]),
                "lora-target-modules",
                ["`q`", "`v,q`"],
            ),
            (pattern("q|v"), "lora-target-modules", ["`q|v`", "`v,q`"]),
        ] {
            let error = check(&all, &wanted, &own).unwrap_err().to_string();
            for said in [format!("`{name}` is").as_str(), values[0], values[1]] {
                assert!(error.contains(said), "{error}");
            }
            // By default it says nothing.
            let others: BTreeSet<&'static str> =
                all.iter().copied().filter(|&other| other != name).collect();
            check(&others, &wanted, &own).unwrap();
        }
    }
}
