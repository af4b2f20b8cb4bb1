//! `lookbook`: parse, run, map what went wrong to exit codes.

use std::process::ExitCode;

use clap::Parser;
use lookbook::arguments::Arguments;

fn main() -> ExitCode {
    lookbook::run(Arguments::parse())
}
