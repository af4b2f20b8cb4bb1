//! `lookbook prepare`: the question/answer files that training reads.

use catalogue::{Error, Progress, Silent};
use trainer::catalogue_progress::Shown;
pub use trainer::prepare::PrepareArgs;
use trainer::prepare::{prepare, summary};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::given_path;

/// Prepares the files, as `trainer prepare` does.
///
/// # Errors
/// What could not be read or written, or which option makes no sense.
pub async fn run(args: Box<PrepareArgs>, context: &Context) -> Outcome {
    for (option, folder) in args.folders() {
        given_path::folder(option, folder)?;
    }
    for (option, file) in args.files() {
        given_path::file(option, file)?;
    }
    let quiet = context.terminal.quiet;
    let work = tokio::task::spawn_blocking(move || {
        let report = shown(quiet, |progress| prepare(&args, progress));
        (args, report)
    });
    let (args, report) = finished(work, context).await?;
    let report = report.map_err(failure)?;
    context.terminal.result(&report, || summary(&args, &report))
}

/// Does work on a catalogue with its progress on stderr.
pub(super) fn shown<T>(quiet: bool, work: impl FnOnce(&dyn Progress) -> T) -> T {
    if quiet {
        return work(&Silent);
    }
    let progress = Shown::new();
    let done = work(&progress);
    progress.end();
    done
}

/// Waits for work on a thread, or for the interrupt. Files of catalogues are written under
/// other names and renamed, so that the end of the process in the middle does no harm.
pub(super) async fn finished<T>(work: tokio::task::JoinHandle<T>, context: &Context) -> Outcome<T> {
    let done = context.interrupt.or(work).await.map_err(|interrupted| {
        interrupted.next("run the same command again: photographs that were done are kept")
    })?;
    done.map_err(|error| Failure::from(anyhow::Error::new(error)))
}

/// What is wrong with options or the data's form is for the user to mend.
pub(super) fn failure(error: anyhow::Error) -> Failure {
    let is_usage = matches!(
        error.downcast_ref::<Error>(),
        Some(
            Error::Option(_) | Error::Unknown { .. } | Error::Column { .. } | Error::Mapping { .. }
        )
    );
    match is_usage {
        true => Failure::usage(format!("{error:#}")),
        false => Failure::from(error),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;
    use crate::failure::Exit;

    #[test]
    fn a_wrong_option_is_a_usage_failure_whatever_is_said_around_it() {
        let option: Result<(), Error> = Err(Error::Option("--test 2 is too much".to_owned()));
        let error = option.context("nothing is prepared").unwrap_err();
        let told = failure(error);
        assert_eq!(told.exit, Exit::Usage);
        assert_eq!(told.what, "nothing is prepared: --test 2 is too much");
        assert_eq!(failure(anyhow::anyhow!("disk full")).exit, Exit::Failed);
    }
}
