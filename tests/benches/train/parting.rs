//! How far peft parts from itself once its pixels are changed by next to nothing: how
//! many losses say whether two sides do the same work.

use anyhow::{Context, Result, ensure};
use tests::checkpoint::Checkpoint;
use tokio::process::Command;

use crate::Setting;
use crate::shape::{BATCH_SIZE, EXACT, Shape};
use crate::side::SCRIPT;
use crate::turns::begin;

/// How often all questions are learnt from: in the second epoch losses have parted.
const EPOCHS: usize = 2;

/// Changed by less, most pixels stay the number that they are in f32.
const LEAST: f64 = 1e-7;

/// What the pixels are changed by, as a share of each.
///
/// # Errors
/// When it is none.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (LEAST..1.0).contains(&share) => Ok(share),
        _ => Err(format!("a number of at least {LEAST:e} and below 1")),
    }
}

/// Has peft learn from the same beginning twice, and prints how far the losses of each
/// step are apart.
pub async fn show(setting: &Setting, shape: &Shape, share: f64) -> Result<()> {
    let checkpoint = Checkpoint::of(setting.checkpoints(), shape.name, shape.what).await?;
    let inputs = tempfile::tempdir().context("cannot make a folder")?;
    begin(setting, &checkpoint, inputs.path()).await?;
    let status = Command::new(&setting.python)
        .arg(setting.repository.join(SCRIPT))
        .arg("part")
        .args([checkpoint.folder.as_path(), inputs.path()])
        .args(["--dtype", EXACT])
        .args(["--batch-size", &BATCH_SIZE.to_string()])
        .args(["--threads", &setting.machine.cores.to_string()])
        .args(["--perturb", &share.to_string()])
        .args(["--epochs", &EPOCHS.to_string()])
        .status()
        .await
        .context("cannot run Python")?;
    ensure!(status.success(), "peft did not come to its end: {status}");
    Ok(())
}
