//! All sides in turns: an epoch of each, then the next of each.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tests::checkpoint::Checkpoint;
use tests::machine::available_memory;
use tokio::process::Command;

use crate::Setting;
use crate::shape::{
    ANSWER_TOKENS, BATCH_SIZE, EXACT, PHOTOS, PROMPT_TOKENS, QUESTIONS, QUESTIONS_A_PHOTO, Shape,
};
use crate::side::{Measured, SCRIPT, Side, Who};

/// Between two measurements: threads that wait for more work spin for a while.
const PAUSE: Duration = Duration::from_millis(300);

/// How many losses are compared: those of the first epoch. Adam's first steps are as
/// long for a gradient near zero as for any other, so that a rounded digit turns them
/// round and grows. Peft at base beside itself, with every pixel changed by about one
/// part in 10⁷, has losses that differ by 9e-5 within these steps, by 9e-4 at the tenth
/// and by 6e-3 at the thirteenth (`make bench-train SHAPES=base PARTING=1e-7`); later ones
/// tell nothing of the two sides.
pub const COMPARED_STEPS: usize = QUESTIONS / BATCH_SIZE;

/// How much they may differ, relatively.
pub const TOLERANCE: f64 = 1e-3;

/// What was measured of a shape.
pub struct OfShape {
    pub shape: &'static Shape,
    pub parameters: u64,
    pub sides: Vec<Measured>,
}

impl OfShape {
    pub fn side(&self, who: Who, dtype: &str) -> Option<&Measured> {
        let mut sides = self.sides.iter();
        sides.find(|side| side.who == who && side.dtype == dtype)
    }

    /// Of one side that in the type whose later epochs are the shortest.
    pub fn best(&self, who: Who) -> Option<&Measured> {
        let sides = self.sides.iter().filter(|side| side.who == who);
        sides.min_by(|a, b| {
            let (a, b) = (a.later_epochs.median(), b.later_epochs.median());
            a.total_cmp(&b)
        })
    }

    /// The largest relative difference between the first losses of a side and
    /// those of peft in the exact type; NaN where one of them is none.
    pub fn loss_difference(&self, side: &Measured) -> Option<f64> {
        let reference = self.side(Who::Peft, EXACT)?;
        let pairs = reference.losses.iter().zip(&side.losses);
        let differences = pairs
            .take(COMPARED_STEPS)
            .map(|(a, b)| (a - b).abs() / a.abs());
        // A NaN stays: `f64::max` would pass over it.
        differences.reduce(|worst, next| {
            if worst.is_nan() || next <= worst {
                worst
            } else {
                next
            }
        })
    }
}

pub async fn measure(
    setting: &Setting,
    shape: &'static Shape,
    runs: Option<usize>,
) -> Result<OfShape> {
    let available = available_memory()?;
    ensure!(
        available >= shape.memory_bytes,
        "{} takes some {:.0} GB of memory, of which {:.1} can be had",
        shape.name,
        shape.memory_bytes as f64 / 1e9,
        available as f64 / 1e9
    );
    let checkpoint = Checkpoint::of(setting.checkpoints(), shape.name, shape.what).await?;
    let inputs = tempfile::tempdir().context("cannot make a folder")?;
    begin(setting, &checkpoint, inputs.path()).await?;
    let mut sides = Vec::new();
    for &dtype in shape.types {
        for who in [Who::Peft, Who::Ours] {
            let side = Side::start(setting, &checkpoint, inputs.path(), who, dtype).await?;
            println!("{} {dtype} {}", who.name(), side.measured.computation);
            sides.push(side);
        }
    }
    for run in 0..=runs.unwrap_or(shape.runs) {
        for side in &mut sides {
            tokio::time::sleep(PAUSE).await;
            side.epoch().await?;
        }
        if run == 0 {
            println!("warm");
        }
    }
    let measured = OfShape {
        shape,
        parameters: checkpoint.parameters,
        sides: sides.into_iter().map(|side| side.measured).collect(),
    };
    for side in &measured.sides {
        println!(
            "{} {}: first epoch {} a question, later {}",
            side.who.name(),
            side.dtype,
            side.first_epoch.range(),
            side.later_epochs.range()
        );
    }
    check_losses(&measured)?;
    Ok(measured)
}

/// Has the reference draw what both sides begin with.
pub async fn begin(setting: &Setting, checkpoint: &Checkpoint, folder: &Path) -> Result<()> {
    let numbers = [
        ("--photos", PHOTOS),
        ("--questions", QUESTIONS_A_PHOTO),
        ("--prompt-tokens", PROMPT_TOKENS),
        ("--answer-tokens", ANSWER_TOKENS),
    ];
    let mut command = Command::new(&setting.python);
    command
        .arg(setting.repository.join(SCRIPT))
        .arg("begin")
        .args([&checkpoint.folder, folder]);
    for (name, number) in numbers {
        command.args([name, &number.to_string()]);
    }
    let output = command.output().await.context("cannot run Python")?;
    ensure!(
        output.status.success(),
        "the adapter and the inputs cannot be drawn: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Times of sides that do not do the same work say nothing.
fn check_losses(measured: &OfShape) -> Result<()> {
    let ours = measured.side(Who::Ours, EXACT).context("ours is missing")?;
    let difference = measured
        .loss_difference(ours)
        .context("there are no losses")?;
    ensure!(
        difference <= TOLERANCE,
        "{}: the losses differ by {difference:.1e}, more than {TOLERANCE:.0e}: the two sides do \
         not do the same work",
        measured.shape.name
    );
    Ok(())
}
