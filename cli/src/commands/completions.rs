//! `lookbook completions`: what a shell needs to complete this program's command lines.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};

/// What the program is called on a command line.
pub const PROGRAM: &str = "lookbook";

/// For which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

/// Writes the completions to stdout.
///
/// # Errors
/// When nobody takes them.
pub async fn run(args: CompletionsArgs, _context: &Context) -> Outcome {
    let text = text(args.shell);
    let mut out = std::io::stdout().lock();
    let written = out.write_all(&text).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Failed,
            format!("cannot write the completions: {error}"),
        )),
        _ => Ok(()),
    }
}

/// The completions of the whole command line.
#[must_use]
pub fn text(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), PROGRAM, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_command_and_option_is_completed_in_every_shell() {
        let mut command = Arguments::command();
        command.build();
        for shell in Shell::value_variants() {
            let text = String::from_utf8(text(*shell)).unwrap();
            let shown = command.get_subcommands();
            for subcommand in shown.filter(|subcommand| !subcommand.is_hide_set()) {
                let name = subcommand.get_name();
                assert!(text.contains(name), "{name} for {shell}");
                for argument in subcommand.get_arguments() {
                    let Some(long) = argument.get_long() else {
                        continue;
                    };
                    let option = match shell {
                        Shell::Fish => format!("-l {long}"),
                        _ => format!("--{long}"),
                    };
                    assert!(text.contains(&option), "{name} {option} for {shell}");
                }
            }
        }
    }
}
