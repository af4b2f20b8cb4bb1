//! The command line.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Parser;

/// Shows Lookbook at work on this machine: pictures go in through S3, HTTP and
/// a direct invocation; a page shows what is answered and written about them.
#[derive(Debug, Clone, Parser)]
#[command(name = "demo", version)]
pub struct Options {
    /// A folder with photographs (JPEG, PNG, WebP); the drawn samples of the
    /// project where it is not given.
    #[arg(long, value_name = "FOLDER")]
    pub photos: Option<PathBuf>,

    /// Where the page and the results go; `demo/out` of the project where it is
    /// not given.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,

    /// The most pictures that are put into S3.
    #[arg(long, value_name = "NUMBER", default_value = "24")]
    pub limit: NonZeroUsize,
}
