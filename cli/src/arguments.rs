//! What can be asked for on the command line.

use clap::{Args, Parser, Subcommand};

use crate::commands;

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
    /// The profile of the AWS configuration to use. Its credentials come before keys in the
    /// environment; those come before AWS_PROFILE
    #[arg(long, global = true, value_name = "NAME")]
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
    Prepare(Box<commands::prepare::PrepareArgs>),
    /// Draw a catalogue of products, for tests and for those without a data set
    Sample(commands::sample::SampleArgs),
    /// Bring a checkpoint from the Hugging Face hub into a folder or into S3
    FetchModel(Box<commands::fetch_model::FetchModelArgs>),
    /// Push a container's image to ECR
    PushImage(commands::push_image::PushImageArgs),
    /// Put a folder into S3: only what changed, and on from where it was
    Upload(Box<commands::upload::UploadArgs>),
    /// Fine-tune a checkpoint on SageMaker and follow the job, or with --local here
    Train(Box<commands::train::TrainArgs>),
    /// Make an endpoint serve a checkpoint; one that is there is updated, the new instances
    /// beside the old ones until they answer
    Deploy(Box<commands::deploy::DeployArgs>),
    /// Ask an endpoint about photographs
    Ask(commands::ask::AskArgs),
    /// Describe photographs, by the function or from here
    Describe(Box<commands::describe::DescribeArgs>),
    /// Say how good a checkpoint or an endpoint is, beside the one before fine-tuning and
    /// baselines
    Evaluate(Box<commands::evaluate::EvaluateArgs>),
    /// Describe a whole catalogue, by the state machine or here
    Backfill(Box<commands::backfill::BackfillArgs>),
    /// Show an endpoint, what it is made of, why it failed last, what deployments left
    /// behind, and the training jobs and backfills that run
    Status(commands::status::StatusArgs),
    /// Remove an endpoint, its configurations and its models, also those that earlier
    /// failures left; shows what it would remove and asks first
    Delete(commands::delete::DeleteArgs),
    /// Find what is wrong before AWS does
    Doctor(commands::doctor::DoctorArgs),
    /// What a month costs, in each way of running
    Cost(Box<commands::cost::CostArgs>),
    /// Completions of this command line for a shell
    Completions(commands::completions::CompletionsArgs),
    /// Write the manual's pages
    #[command(hide = true)]
    Man(commands::man::ManArgs),
    /// The trainer, as a process of `train --local`
    #[command(hide = true)]
    LocalTraining(trainer::train::TrainArgs),
}
