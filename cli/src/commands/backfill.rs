//! `lookbook backfill`: every photograph of a catalogue described once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use describe_product::adapters;
use describe_product::domain::{Format, Services, is_bucket_name};
use describe_product::entrypoints::App;
use describe_product::settings::{
    CLAIM_PRODUCTS, DEFAULT_FORMAT, ENDPOINT_CONCURRENCY, OUTPUT_BUCKET, Settings,
};

use crate::backfill::folder_lock::FolderLock;
use crate::backfill::folder_store::FolderStore;
use crate::backfill::inventory::{Inventory, ManifestPlace};
use crate::backfill::products::{self, Products, Source};
use crate::backfill::state_machine::{self, Input};
use crate::backfill::work::{Pace, describe_all};
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::function_settings::{FunctionSettings, Setting};
use crate::given_path;
use crate::interrupt::interrupted;
use crate::photographs::S3_SCHEME;

/// Which catalogue to describe, and how.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    /// The photographs: a folder, or s3://bucket/prefix. A product is named by what stands
    /// between the folder, or the stack's prefix incoming/, and the extension
    #[arg(value_name = "SOURCE", required_unless_present_any = ["follow", "inventory"])]
    pub source: Option<Source>,
    /// With --here, take the objects from an S3 inventory in CSV and list no bucket: its
    /// manifest.json as s3://bucket/key, or a copy with its files. Without SOURCE, what it has
    /// under the function's prefix
    #[arg(long, value_name = "MANIFEST", conflicts_with = "follow")]
    pub inventory: Option<ManifestPlace>,
    /// Start this state machine, the stack's, over the prefix, and follow it
    #[arg(long, value_name = "ARN", conflicts_with = "here")]
    pub state_machine: Option<String>,
    /// Follow an execution that was started before
    #[arg(long, value_name = "ARN", conflicts_with_all = ["source", "state_machine", "here"])]
    pub follow: Option<String>,
    /// With --state-machine, by Batch Transform and batch inference: later, and cheaper
    #[arg(long, requires = "state_machine")]
    pub cheaply: bool,
    /// How often an execution is looked at, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
    /// The first so many photographs alone, in the order of their names
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Do it on this machine, against an endpoint and Bedrock
    #[arg(long)]
    pub here: bool,
    /// With --here, how many products are under way at a time; no more than the endpoint has
    /// room for
    #[arg(long, value_name = "COUNT", default_value_t = 8,
        value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,
    /// With --here, how long one product may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(5..=3600))]
    pub timeout: u64,
    /// With --here, how often a product is tried that fails for a reason that may pass
    #[arg(long, value_name = "COUNT", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(1..=10))]
    pub tries: u32,
    /// With --here, where descriptions/ and failures/ are written: a folder for a folder [default:
    /// the folder itself], a bucket for a bucket [default: the bucket itself]
    #[arg(long, value_name = "PLACE")]
    pub out: Option<String>,
    /// With --here, what is written: description, or listing
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// With --here, the settings of the function
    #[command(flatten)]
    pub settings: FunctionSettings,
}

/// Describes a catalogue.
///
/// # Errors
/// When something is not described, or the user interrupts.
pub async fn run(args: BackfillArgs, context: &Context) -> Outcome {
    let every = Duration::from_secs(args.every);
    if let Some(execution) = &args.follow {
        let client = aws_sdk_sfn::Client::new(context.aws().await);
        return follow(&client, execution, every, context).await;
    }
    if args.here {
        return here(args, context).await;
    }
    match (&args.state_machine, &args.source) {
        (Some(_), _) if args.inventory.is_some() => Err(Failure::usage(
            "the state machine lists its bucket by itself and takes no inventory",
        )
        .next("leave --inventory out, or describe on this machine what it lists, by --here")),
        (Some(machine), Some(Source::Bucket { bucket, prefix })) => {
            let client = aws_sdk_sfn::Client::new(context.aws().await);
            let input = Input {
                prefix: Some(prefix.clone()).filter(|prefix| !prefix.is_empty()),
                limit: args.limit,
                cheaply: args.cheaply,
            };
            let started = async {
                state_machine::check_bucket(&client, machine, bucket).await?;
                state_machine::start(&client, machine, &input).await
            };
            let execution = context.interrupt.or(started).await??;
            context.terminal.say(format!("started {execution}"));
            follow(&client, &execution, every, context).await
        }
        (Some(_), Some(Source::Folder(folder))) => Err(Failure::usage(format!(
            "the state machine describes what lies in a bucket, and {} is a folder",
            folder.display()
        ))
        .next("`lookbook upload` puts it into one; or describe it on this machine by --here")),
        (Some(_), None) => Err(no_source()),
        (None, _) => Err(Failure::usage("say where the work is to be done")
            .next("--state-machine ARN for the stack's state machine, or --here")),
    }
}

async fn follow(
    client: &aws_sdk_sfn::Client,
    execution: &str,
    every: Duration,
    context: &Context,
) -> Outcome {
    let ended = state_machine::follow(client, execution, every, context).await?;
    context.terminal.result(&ended, || ended.text())?;
    ended.verdict().unwrap_or(Ok(()))
}

/// clap sees to it that there is one.
fn no_source() -> Failure {
    Failure::usage("name a folder or s3://bucket/prefix")
}

async fn here(args: BackfillArgs, context: &Context) -> Outcome {
    let inventory = match &args.inventory {
        Some(place) => {
            let inventory = context.interrupt.or(Inventory::read(place, context));
            let inventory = inventory.await??;
            context.terminal.say(inventory.words());
            Some(inventory)
        }
        None => None,
    };
    let is_folder = matches!((&args.source, &inventory), (Some(Source::Folder(_)), None));
    let settings = settings(&args, is_folder, context)?;
    let source = match &inventory {
        Some(inventory) => inventory.source(args.source.as_ref(), &settings.incoming_prefix)?,
        None => args.source.clone().ok_or_else(no_source)?,
    };
    let services = adapters::services(&settings, context.aws().await);
    let (services, found, _lock) = match &source {
        Source::Folder(folder) => {
            let results = args
                .out
                .as_ref()
                .map_or_else(|| folder.clone(), PathBuf::from);
            // Before the lock, which would make a folder that isn't there.
            given_path::folder("SOURCE", folder)?;
            let found = products::in_folder(folder)?;
            let lock = FolderLock::take(&results)?;
            let store = FolderStore::new(folder, results);
            store.remove_unfinished(&[&settings.output_prefix, &settings.failure_prefix]);
            let services = Services {
                store: Arc::new(store),
                ..services
            };
            (services, found, Some(lock))
        }
        Source::Bucket { bucket, prefix } => {
            let client = context.s3().await;
            // As the function names them, wherever below its prefix one begins.
            let named_below = if prefix.starts_with(&settings.incoming_prefix) {
                settings.incoming_prefix.as_str()
            } else {
                prefix.as_str()
            };
            let listing = async {
                match &inventory {
                    Some(inventory) => inventory.products(&client, prefix, named_below).await,
                    None => products::in_bucket(&client, bucket, prefix, named_below).await,
                }
            };
            (services, context.interrupt.or(listing).await??, None)
        }
    };
    say_what_was_found(&source, &found, context);
    let found = found.first(args.limit);
    let pace = Pace {
        concurrency: usize::from(args.concurrency),
        timeout: Duration::from_secs(args.timeout),
        tries: args.tries,
    };
    let app = App::new(settings, services);
    let began = Instant::now();
    let tally = describe_all(&app, &source, &found.list, pace, context).await;
    let summary = tally.summary(found.left_out.len(), began.elapsed());
    context.terminal.result(&summary, || summary.text())?;
    if context.interrupt.came() {
        return Err(interrupted().next("run the same command again: it goes on from here"));
    }
    match summary.failure(tally.gave_up) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// The function's settings, with the place of the results, which for photographs in a bucket is
/// one.
fn settings(args: &BackfillArgs, is_folder: bool, context: &Context) -> Outcome<Settings> {
    let mut further = vec![
        Setting::new(&ENDPOINT_CONCURRENCY, args.concurrency.to_string()),
        // A run works on a product once at a time, and one that was killed must not keep the
        // next one waiting. Whoever else works on it meanwhile, such as the function, pays as
        // well; one result stays.
        Setting::new(&CLAIM_PRODUCTS, "no"),
    ];
    if let Some(format) = args.format {
        further.push(Setting::new(&DEFAULT_FORMAT, format.name()));
    }
    if let (false, Some(out)) = (is_folder, &args.out) {
        let name = out.strip_prefix(S3_SCHEME).unwrap_or(out);
        let name = name.trim_end_matches('/');
        if !is_bucket_name(name) {
            return Err(Failure::usage(format!(
                "--out {out} is no bucket: results of a bucket go into a bucket, under \
                 descriptions/"
            ))
            .next("--set OUTPUT_PREFIX=… names another prefix"));
        }
        further.push(Setting::new(&OUTPUT_BUCKET, name));
    }
    args.settings.read(further, context)
}

fn say_what_was_found(source: &Source, found: &Products, context: &Context) {
    /// How many are named.
    const NAMED: usize = 5;
    context
        .terminal
        .say(format!("{} products in {source}", found.list.len()));
    if found.left_out.is_empty() {
        return;
    }
    let named: Vec<&str> = found
        .left_out
        .iter()
        .take(NAMED)
        .map(String::as_str)
        .collect();
    let more = found.left_out.len() - named.len();
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    context.terminal.say(format!(
        "left out, as another photograph is of the same product or they can't be read: {}{more}",
        named.join(", ")
    ));
}
