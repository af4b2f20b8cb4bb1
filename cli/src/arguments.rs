//! What can be asked for on the command line.

use clap::{Args, Parser, Subcommand};

use crate::commands::fetch_model::FetchModelArgs;
use crate::commands::prepare::PrepareArgs;
use crate::commands::push_image::PushImageArgs;
use crate::commands::sample::SampleArgs;
use crate::commands::upload::UploadArgs;

/// Photographs of fashion products into attributes and descriptions: the life cycle of
/// the model and of what runs it.
#[derive(Debug, Parser)]
#[command(name = "lookbook", version, max_term_width = 100)]
pub struct Arguments {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command, named as the AWS CLI names them.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The profile of the AWS configuration to use
    #[arg(long, global = true, env = "AWS_PROFILE")]
    pub profile: Option<String>,
    /// The region to work in
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Another place for every AWS service, such as a server on this machine
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Results as JSON on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// Nothing on stderr but what went wrong
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// One variant for each module of [`commands`](crate::commands).
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the question/answer files from a catalogue
    Prepare(Box<PrepareArgs>),
    /// Draw a catalogue of products, for tests and for those without a data set
    Sample(SampleArgs),
    /// Put a folder into S3: only what changed, and on from where it was
    Upload(Box<UploadArgs>),
    /// Bring a checkpoint from the Hugging Face hub into a folder or into S3
    FetchModel(Box<FetchModelArgs>),
    /// Push a container's image to ECR
    PushImage(PushImageArgs),
}
