//! `lookbook describe`: photographs into attributes and descriptions, by the function or here.

use std::time::Duration;

use clap::Args;
use describe_product::domain::{Format, Services};
use futures::StreamExt;

use crate::context::Context;
use crate::describing::{Described, Wanted, ending, here, invocation, text};
use crate::failure::Outcome;
use crate::function_settings::FunctionSettings;
use crate::interrupt::interrupted;
use crate::photographs::Photograph;

/// What the function is called in the events and documents of the project.
pub const FUNCTION: &str = "describe-product";

/// What to describe, and how.
#[derive(Debug, Args)]
pub struct DescribeArgs {
    /// Photographs: files, or objects as s3://bucket/key
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<Photograph>,
    /// The function, by its name, ARN or NAME:ALIAS (the stack's output FunctionName)
    #[arg(long, value_name = "NAME", default_value = FUNCTION, conflicts_with = "direct")]
    pub function: String,
    /// Ask the endpoint and Bedrock from here, without the function
    #[arg(long)]
    pub direct: bool,
    /// What kind of garment it is
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// An attribute to ask about; may be repeated [default: those of the category]
    #[arg(long = "attribute", value_name = "NAME")]
    pub attributes: Vec<String>,
    /// What is written: description, or listing with all texts of a shop's entry
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// How many photographs are described at a time
    #[arg(long, value_name = "COUNT", default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,
    /// With --direct, how long one may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// With --direct, the settings of the function
    #[command(flatten)]
    pub settings: FunctionSettings,
}

/// Who describes.
enum Describer {
    /// The function in the account.
    Function(aws_sdk_lambda::Client, String),
    /// This process.
    Here(Box<Services>, Duration),
}

/// Describes every photograph, and shows what came of each.
///
/// # Errors
/// When one or more have no description.
pub async fn run(args: DescribeArgs, context: &Context) -> Outcome {
    let describer = if args.direct {
        let settings = args.settings.read(Vec::new(), context)?;
        let services = describe_product::adapters::services(&settings, context.aws().await);
        Describer::Here(Box::new(services), Duration::from_secs(args.timeout))
    } else {
        let client = aws_sdk_lambda::Client::new(context.aws().await);
        Describer::Function(client, args.function)
    };
    let wanted = Wanted {
        category: args.category,
        attributes: (!args.attributes.is_empty()).then_some(args.attributes),
        format: args.format,
    };
    let total = args.images.len();
    let mut work = futures::stream::iter(&args.images)
        .map(|image| describe(&describer, image, &wanted, context))
        .buffered(usize::from(args.concurrency));
    let mut all = Vec::with_capacity(total);
    let was_interrupted = loop {
        tokio::select! {
            biased;
            () = context.interrupt.wait() => break true,
            next = work.next() => match next {
                Some(described) => all.push(described),
                None => break false,
            },
        }
        if total > 1 {
            context.terminal.say(format!("{} of {total}", all.len()));
        }
    };
    if !all.is_empty() {
        context.terminal.result(&all, || {
            let texts: Vec<String> = all.iter().map(text::text).collect();
            texts.join("\n")
        })?;
    }
    if was_interrupted {
        let left = total - all.len();
        return Err(interrupted().next(format!(
            "{left} of {total} have no answer yet: name them again"
        )));
    }
    ending(&all)
}

async fn describe(
    describer: &Describer,
    image: &Photograph,
    wanted: &Wanted,
    context: &Context,
) -> Described {
    let outcome = match describer {
        Describer::Function(client, name) => {
            invocation::describe(client, name, image, wanted, context).await
        }
        Describer::Here(services, timeout) => {
            here::describe(services, image, wanted, *timeout, context).await
        }
    };
    Described::new(image, outcome)
}
