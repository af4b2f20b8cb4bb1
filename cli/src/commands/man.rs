//! `lookbook man`: the manual's pages, one for the program and one for each command.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use crate::arguments::Arguments;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};

/// Where to.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The folder of the pages, made if it isn't there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Writes the pages.
///
/// # Errors
/// When they can't be written.
pub async fn run(args: ManArgs, context: &Context) -> Outcome {
    let cannot = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!(
                "cannot write the manual into {}: {error}",
                args.out.display()
            ),
        )
    };
    let pages = pages().map_err(cannot)?;
    std::fs::create_dir_all(&args.out).map_err(cannot)?;
    for page in &pages {
        write(&args.out, page).map_err(cannot)?;
    }
    context
        .terminal
        .say(format!("{} pages in {}", pages.len(), args.out.display()));
    Ok(())
}

/// A page of the manual.
struct Page {
    file: String,
    text: Vec<u8>,
}

/// The program's page, and one for each command that is not hidden.
fn pages() -> std::io::Result<Vec<Page>> {
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    let commands = program
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    let commands: Vec<Command> = commands.cloned().collect();
    std::iter::once(program).chain(commands).map(page).collect()
}

fn page(command: Command) -> std::io::Result<Page> {
    let man = Man::new(command);
    let mut text = Vec::new();
    man.render(&mut text)?;
    Ok(Page {
        file: man.get_filename(),
        text,
    })
}

/// Writes the page under a temporary name and renames it.
fn write(folder: &Path, page: &Page) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file = tempfile::NamedTempFile::new_in(folder)?;
    std::fs::write(file.path(), &page.text)?;
    // Temporary files are private; a manual is not.
    let readable = std::fs::Permissions::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.persist(folder.join(&page.file))
        .map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> String {
        let pages = pages().unwrap();
        let page = pages.iter().find(|page| page.file == file);
        let page = page.unwrap_or_else(|| panic!("no page {file}"));
        // roff writes a hyphen that is none of prose as \-.
        String::from_utf8(page.text.clone())
            .unwrap()
            .replace("\\-", "-")
    }

    #[test]
    fn every_command_has_a_page_with_all_of_its_options() {
        let mut program = Arguments::command();
        program.build();
        let overview = text("lookbook.1");
        let shown = program
            .get_subcommands()
            .filter(|command| !command.is_hide_set());
        for command in shown.filter(|command| command.get_name() != "help") {
            let name = command.get_name();
            assert!(overview.contains(name), "{name} in lookbook.1");
            let page = text(&format!("lookbook-{name}.1"));
            for argument in command
                .get_arguments()
                .filter(|argument| !argument.is_hide_set())
            {
                if let Some(long) = argument.get_long() {
                    assert!(page.contains(&format!("--{long}")), "{name} --{long}");
                }
            }
        }
    }

    #[tokio::test]
    async fn pages_are_written_as_files() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("man");
        let context = Context::new(crate::arguments::Global::default());
        run(ManArgs { out: out.clone() }, &context).await.unwrap();
        let overview = std::fs::read_to_string(out.join("lookbook.1")).unwrap();
        assert!(
            overview.starts_with(".ie") || overview.contains(".TH"),
            "{overview}"
        );
        let files = out.read_dir().unwrap().count();
        assert_eq!(files, pages().unwrap().len());
    }
}
