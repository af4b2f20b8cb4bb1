//! `lookbook upload`: a folder into S3.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cache_folder::cache_folder;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::given_path;
use crate::glob::Glob;
use crate::s3_location::S3Location;
use crate::upload::deletion;
use crate::upload::index::IndexFile;
use crate::upload::local_files::Filter;
use crate::upload::run::{Done, Job, upload};
use crate::upload::send::{SendOptions, patient};

const MIB: u64 = 1 << 20;

/// What is uploaded, and how.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// The folder
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Where its files go: s3://bucket/prefix
    #[arg(value_name = "S3_URI")]
    to: S3Location,
    /// Only files whose path below the folder matches, as *.jpg (of any folder) or images/**;
    /// several may be given
    #[arg(long, value_name = "GLOB")]
    include: Vec<Glob>,
    /// No files whose path matches, not even included ones; several may be given
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Glob>,
    /// Say what would be uploaded and deleted, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Then delete objects below S3_URI that are of no file of the folder; asks before
    #[arg(long)]
    delete: bool,
    /// Delete without asking
    #[arg(long, short, requires = "delete")]
    yes: bool,
    /// Read every file and ask for every object's checksum, whatever earlier uploads knew
    #[arg(long)]
    verify: bool,
    /// Leave symbolic links out; by default what they lead to is uploaded
    #[arg(long)]
    no_follow_symlinks: bool,
    /// Where to keep what this upload knows for the next one; by default in the user's cache
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// Requests at the same time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    concurrency: u16,
    /// The size of the parts of large files; larger where there would be more than 10,000
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u64).range(5..=1024))]
    part_size: u64,
    /// The size from which files are uploaded in parts
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=1024))]
    multipart_threshold: u64,
}

/// Uploads the folder.
///
/// # Errors
/// What could not be done; [`Exit::Partial`] where a part was.
pub async fn run(args: UploadArgs, context: &Context) -> Outcome {
    if args.delete && !args.yes && !args.dry_run && !std::io::stdin().is_terminal() {
        return Err(
            Failure::usage("--delete asks before it deletes, and nobody can answer here")
                .next("--yes answers yes; --dry-run shows what would be deleted"),
        );
    }
    given_path::folder("FOLDER", &args.folder)?;
    let folder = args
        .folder
        .canonicalize()
        .map_err(|error| given_path::cannot_read("FOLDER", &args.folder, "folder", &error))?;
    let job = Job {
        index: index_file(&args, &folder, context)?,
        client: patient(&context.s3().await),
        folder,
        place: args.to.clone(),
        filter: Filter {
            include: args.include,
            exclude: args.exclude,
        },
        follow_links: !args.no_follow_symlinks,
        send: SendOptions {
            concurrency: usize::from(args.concurrency),
            part_bytes: args.part_size * MIB,
            threshold_bytes: args.multipart_threshold * MIB,
        },
        verify: args.verify,
        dry_run: args.dry_run,
    };
    let mut done = upload(&job, &context.terminal, &context.interrupt).await?;
    if args.delete {
        delete(&mut done, &job, args.yes, context).await?;
    }
    let summary = &done.summary;
    context.terminal.result(summary, || summary.text())?;
    verdict(&done)
}

/// Where this upload's index is; nothing where none can be kept, which is said.
fn index_file(args: &UploadArgs, folder: &Path, context: &Context) -> Outcome<Option<IndexFile>> {
    let path = match &args.index {
        Some(path) => {
            let path = std::path::absolute(path)
                .map_err(|error| Failure::usage(format!("--index {}: {error}", path.display())))?;
            if path.starts_with(folder) {
                return Err(Failure::usage(format!(
                    "--index {} is in the folder that is uploaded: name a place outside",
                    path.display()
                )));
            }
            path
        }
        None => match cache_folder() {
            Some(cache) => IndexFile::default_path(&cache, folder, &args.to),
            None => {
                context
                    .terminal
                    .say("no index is kept, since there is no home folder: --index names a file");
                return Ok(None);
            }
        },
    };
    match IndexFile::open(&path, folder, &args.to) {
        Ok(file) => Ok(Some(file)),
        Err(failure) if failure.exit == Exit::Usage => Err(failure),
        Err(failure) => {
            context.terminal.say(format!(
                "{}; the next upload compares all files again",
                failure.what
            ));
            Ok(None)
        }
    }
}

/// Deletes what is superfluous, if the user wants it.
async fn delete(done: &mut Done, job: &Job, yes: bool, context: &Context) -> Outcome {
    let summary = &mut done.summary;
    if !summary.failures.is_empty() || summary.not_reached > 0 {
        context
            .terminal
            .say("nothing is deleted, since not every file could be uploaded");
        return Ok(());
    }
    let names = std::mem::take(&mut done.superfluous);
    if names.is_empty() {
        return Ok(());
    }
    if summary.uploaded.files + summary.unchanged.files == 0 {
        return Err(Failure::usage(format!(
            "{} has no files that are meant: --delete would delete all {} objects below {}",
            job.folder.display(),
            names.len(),
            job.place
        ))
        .next("look whether it is the right folder; `aws s3 rm --recursive` empties a prefix"));
    }
    if job.dry_run {
        summary.deleted = names;
        return Ok(());
    }
    let question = format!(
        "delete {} objects below {} that are of no file, such as {}?",
        names.len(),
        job.place,
        names.first().map_or("", String::as_str)
    );
    if !yes && !context.terminal.confirm(&question, "--yes")? {
        context.terminal.say("nothing is deleted");
        return Ok(());
    }
    let deleting = deletion::delete(&job.client, &job.place, &names);
    let (gone, kept) = context.interrupt.or(deleting).await??;
    summary.deleted = gone;
    summary.failures.extend(kept);
    Ok(())
}

/// How the command ends, after what was done was said.
fn verdict(done: &Done) -> Outcome {
    let summary = &done.summary;
    let failed = summary.failures.len();
    if let Some(failure) = &done.gave_up {
        let is_partial = summary.uploaded.files > 0;
        return Err(Failure {
            what: format!(
                "given up after {failed} files that could not be uploaded, {} were not tried: {}",
                summary.not_reached, failure.what
            ),
            next_step: failure.next_step.clone(),
            exit: match is_partial {
                true => Exit::Partial,
                false => failure.exit,
            },
        });
    }
    if failed > 0 {
        return Err(
            Failure::new(Exit::Partial, format!("{failed} files failed, as listed"))
                .next("mend them and run the same command again: it goes on with what is left"),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upload::local_files::Remark;
    use crate::upload::summary::{Sum, Summary};

    fn done(uploaded: usize, gave_up: Option<Failure>) -> Done {
        Done {
            summary: Summary {
                uploaded: Sum {
                    files: uploaded,
                    bytes: 0,
                },
                failures: vec![Remark {
                    file: "1.jpg".to_owned(),
                    why: "no".to_owned(),
                }],
                ..Summary::default()
            },
            superfluous: Vec::new(),
            gave_up,
        }
    }

    #[test]
    fn the_exit_code_says_whether_a_part_was_done() {
        let exit = |done: &Done| verdict(done).unwrap_err().exit;
        assert_eq!(exit(&done(0, None)), Exit::Partial);
        let denied = || Some(Failure::new(Exit::Denied, "AccessDenied"));
        assert_eq!(exit(&done(3, denied())), Exit::Partial);
        assert_eq!(exit(&done(0, denied())), Exit::Denied);
        let mut whole = done(1, None);
        whole.summary.failures.clear();
        assert!(verdict(&whole).is_ok());
    }
}
