//! Training on this machine: the trainer as a process, told as a job of SageMaker is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use clap::Parser;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, Command};
use trainer::train::TrainArgs;
use trainer::train::container::{create_folder, write_file};
use trainer::train::job::Outcome as Ended;

use super::follow::Followed;
use super::hyperparameters::as_json;
use super::job::Channels;
use super::report::Report;
use crate::arguments::Arguments;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::given_path;
use crate::interrupt::interrupted;

/// The hidden command by which this program is the trainer.
pub const COMMAND: &str = "local-training";

/// A job on this machine.
#[derive(Clone, Debug)]
pub struct LocalJob {
    /// What it learns from: folders.
    pub channels: Channels,
    /// What stands in for `/opt/ml`: the model is in `model`, the reports in `output/data`.
    pub root: PathBuf,
    /// Hyperparameters, those that are not the default.
    pub hyperparameters: BTreeMap<String, String>,
    /// Further arguments of the trainer.
    pub arguments: Vec<String>,
}

impl LocalJob {
    /// Trains until the end. When the signal comes the trainer saves where it is, and the
    /// same job goes on from there.
    ///
    /// # Errors
    /// Why it failed, with the end of its log, or that it was interrupted.
    pub async fn train(&self, context: &Context) -> Outcome<Followed> {
        self.lay_out()?;
        let start = Instant::now();
        let mut report = Report::new(context.terminal);
        report.state("training here");
        let mut child = self.start()?;
        let status = watch(&mut child, &mut report, context).await?;
        report.end();
        let name = self.root.display().to_string();
        match status.code() {
            Some(0) => Ok(Followed {
                name,
                status: "Completed".to_owned(),
                model: Some(self.root.join("model").display().to_string()),
                training_seconds: i32::try_from(start.elapsed().as_secs()).ok(),
                billable_seconds: None,
                metrics: report.metrics(),
            }),
            Some(code) if code == Exit::Interrupted as i32 => {
                Err(interrupted().next("its state is saved: the same command goes on from there"))
            }
            // As clap ends it: the trainer has not begun.
            Some(code) if code == Exit::Usage as i32 => {
                let what = "the trainer does not take these arguments";
                Err(Failure::usage(report.with_last_lines(what)))
            }
            _ => {
                let failure = std::fs::read_to_string(self.root.join("output/failure"));
                let reason = failure.unwrap_or_else(|_| format!("the trainer ended with {status}"));
                let what = format!("training in {name} failed: {reason}");
                Err(Failure::new(Exit::Failed, report.with_last_lines(&what)))
            }
        }
    }

    /// The folders of the training contract, the channels as links. All that may be wrong
    /// with what was given is looked at before anything is made.
    fn lay_out(&self) -> Outcome {
        self.check_arguments()?;
        let hyperparameters = as_json(&self.hyperparameters)?;
        let folders = self.folders()?;
        let data = self.root.join("input/data");
        for (name, folder) in &folders {
            check_free(&data.join(name), folder)?;
        }
        create_folder(&data)?;
        for (name, folder) in &folders {
            link(&data.join(name), folder)?;
        }
        let path = self.root.join("input/config/hyperparameters.json");
        write_file(&path, hyperparameters.as_bytes())?;
        Ok(())
    }

    /// The channels by their names, as whole paths.
    fn folders(&self) -> Outcome<Vec<(&'static str, PathBuf)>> {
        let whole = |(name, given): (&'static str, &str)| -> Outcome<(&'static str, PathBuf)> {
            let option = format!("--{}", name.replace('_', "-"));
            let given = Path::new(given);
            given_path::folder(&option, given)?;
            let folder = given
                .canonicalize()
                .map_err(|error| given_path::cannot_read(&option, given, "folder", &error))?;
            Ok((name, folder))
        };
        self.channels.named().into_iter().map(whole).collect()
    }

    /// What the trainer is told beside its folder is read here as it will read it.
    fn check_arguments(&self) -> Outcome {
        let line = ["lookbook", COMMAND].map(str::to_owned);
        let line = line.iter().chain(&self.arguments);
        match Arguments::try_parse_from(line) {
            Ok(_) => Ok(()),
            Err(error) => {
                let text = error.to_string();
                let said = text.lines().next().unwrap_or_default();
                Err(Failure::usage(said.trim_start_matches("error: ")))
            }
        }
    }

    /// This program as the trainer. It has a process group of its own, so that a Ctrl-C
    /// comes to it through this process alone, and it stops when its stdin ends, so that
    /// it does not outlive this one.
    fn start(&self) -> Outcome<Child> {
        let program = std::env::current_exe().map_err(|error| {
            Failure::new(Exit::Failed, format!("this program has no path: {error}"))
        })?;
        Command::new(&program)
            .arg(COMMAND)
            .arg("--ml-root")
            .arg(&self.root)
            .arg("--stop-with-input")
            .args(&self.arguments)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let program = program.display();
                Failure::new(Exit::Failed, format!("cannot run {program}: {error}"))
            })
    }
}

/// Tells the trainer's lines until it ends, and tells it to stop when the signal comes.
async fn watch(
    child: &mut Child,
    report: &mut Report,
    context: &Context,
) -> Outcome<std::process::ExitStatus> {
    let mut input = child.stdin.take();
    let mut output = lines(child.stdout.take());
    let mut errors = lines(child.stderr.take());
    while output.is_some() || errors.is_some() {
        let line = tokio::select! {
            line = next(&mut output) => line,
            line = next(&mut errors) => line,
            () = context.interrupt.wait(), if input.is_some() => {
                drop(input.take());
                report.say("told to stop: the trainer saves where it is");
                None
            }
        };
        // What the other process says as this program is said here, in its own words.
        if let Some(line) = line
            && !line.starts_with("lookbook: ")
        {
            report.log(&line);
        }
    }
    let ended = child.wait().await;
    ended.map_err(|error| Failure::new(Exit::Failed, format!("the trainer is lost: {error}")))
}

fn lines<R: AsyncRead + Unpin>(pipe: Option<R>) -> Option<Lines<BufReader<R>>> {
    pipe.map(|pipe| BufReader::new(pipe).lines())
}

/// The next line; nothing at the end, where the pipe is taken away. Without a pipe it waits
/// for ever.
async fn next<R: AsyncRead + Unpin>(pipe: &mut Option<Lines<BufReader<R>>>) -> Option<String> {
    let Some(lines) = pipe else {
        return std::future::pending().await;
    };
    match lines.next_line().await {
        Ok(Some(line)) => Some(line),
        // What can't be read any more is at its end.
        Ok(None) | Err(_) => {
            *pipe = None;
            None
        }
    }
}

/// Looks that nothing but a link is in the place of a link to a folder, or that folder itself.
fn check_free(place: &Path, folder: &Path) -> Outcome {
    let is_in_the_way = place
        .symlink_metadata()
        .is_ok_and(|there| !there.is_symlink());
    if is_in_the_way && !place.canonicalize().is_ok_and(|place| place == folder) {
        return Err(Failure::usage(format!(
            "{} is a folder of its own: name another with --output, or remove it",
            place.display()
        )));
    }
    Ok(())
}

/// A link to a folder, in the place of any other link; call [`check_free`] first.
fn link(place: &Path, folder: &Path) -> Outcome {
    let failed = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!(
                "cannot link {} to {}: {error}",
                place.display(),
                folder.display()
            ),
        )
    };
    if place.canonicalize().is_ok_and(|place| place == folder) {
        return Ok(());
    }
    let mut name = place.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    // One that was left in the middle of this is in the way.
    let _ = std::fs::remove_file(&new);
    std::os::unix::fs::symlink(folder, &new).map_err(failed)?;
    std::fs::rename(&new, place).map_err(failed)
}

/// The other side: the trainer, in this process.
///
/// # Errors
/// Why the job failed, or that it was told to stop.
pub fn here(args: &TrainArgs) -> Outcome {
    match trainer::train::train(args)? {
        Ended::Finished => Ok(()),
        Ended::Interrupted => Err(interrupted()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Command;

    fn job(root: &Path, images: &Path) -> LocalJob {
        LocalJob {
            channels: Channels {
                images: images.display().to_string(),
                input_file: root.display().to_string(),
                model: root.display().to_string(),
            },
            root: root.join("job"),
            hyperparameters: BTreeMap::from([("epochs".to_owned(), "2".to_owned())]),
            arguments: Vec::new(),
        }
    }

    #[test]
    fn the_folders_are_links_that_follow_the_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (first, second) = (root.join("first"), root.join("second"));
        std::fs::create_dir(&first).unwrap();
        std::fs::create_dir(&second).unwrap();
        for images in [&first, &first, &second] {
            job(&root, images).lay_out().unwrap();
            let link = root.join("job/input/data/images");
            assert_eq!(&link.canonicalize().unwrap(), images);
        }
        let text = std::fs::read(root.join("job/input/config/hyperparameters.json")).unwrap();
        assert_eq!(text, br#"{"epochs":"2"}"#);
        let names = std::fs::read_dir(root.join("job/input/data")).unwrap();
        assert_eq!(names.count(), 3, "nothing is left over");
    }

    #[test]
    fn this_program_is_the_trainer_by_a_command_that_it_knows() {
        let line = ["lookbook", COMMAND, "--ml-root", "a", "--stop-with-input"];
        let arguments = Arguments::try_parse_from(line).unwrap();
        let Command::LocalTraining(args) = arguments.command else {
            panic!("it is another command");
        };
        assert!(args.stop_with_input);
        assert_eq!(args.ml_root, Path::new("a"));
    }

    #[test]
    fn what_is_no_folder_or_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let failure = job(&root, &root.join("none")).lay_out().unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.what.starts_with("--images: "), "{failure}");
        assert!(failure.what.contains("none"), "{failure}");
        let mut last = job(&root, &root);
        last.channels.model = root.join("none").display().to_string();
        assert_eq!(last.lay_out().unwrap_err().exit, Exit::NotFound);
        let mut odd = job(&root, &root);
        odd.arguments = vec!["--device".to_owned(), "abacus".to_owned()];
        let failure = odd.lay_out().unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains("--device"), "{failure}");
        assert!(!root.join("job").exists(), "nothing was done");
        std::fs::create_dir_all(root.join("job/input/data/images/kept")).unwrap();
        let failure = job(&root, &root).lay_out().unwrap_err();
        assert!(failure.what.contains("job/input/data/images"), "{failure}");
        assert!(root.join("job/input/data/images/kept").exists());
    }
}
