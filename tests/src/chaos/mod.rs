//! Many products through the function while everything around it fails:
//! `make chaos`, and a small run among the end-to-end tests.
//!
//! Real are the function's processes, the local cloud and the model server. Played
//! are S3's events, EventBridge, SNS, the queue and Lambda, whose Runtime API the
//! processes are asked through: several at a time, so that they can be killed. Some
//! products are told of by two ways, and some photos replaced within a second. In
//! between, each process has a proxy that makes faults and keeps a ledger. `verdict`
//! has the rules.

mod asynchronous;
mod bucket;
mod channel;
mod dead_letters;
mod deliveries;
mod driver;
mod error_shapes;
mod events;
mod faults;
mod http;
mod kills;
mod ledger;
mod photos;
mod plan;
mod proxy;
mod queue;
mod report;
mod verdict;
mod worker;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use local_stack::{
    BUCKET, CatalogueBucket, LocalCloud, LocalCloudOptions, ModelServer, Programs, Writer,
};
use serde_json::{Map, Value, json};

use self::driver::{Setting, carry_out};
use self::events::Events;
use self::faults::{Faults, Outages};
use self::kills::Occupation;
use self::ledger::Ledger;
use self::photos::Pictures;
use self::plan::{FEWEST_PRODUCTS, Plan};
use self::proxy::Surroundings;
use self::verdict::{Evidence, Verdict};
use self::worker::{Outcome, Worker, Workshop};

/// How long the model may take to load.
const READY_TIMEOUT: Duration = Duration::from_secs(120);

/// Outages are no longer than this, of which circuits are open for some seconds.
const LONGEST_OUTAGE: Duration = Duration::from_millis(1_500);

/// How large a run is.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many products, 20 or more.
    pub products: usize,
    /// The same seed plans the same and has calls about one thing meet the same faults.
    /// How it goes depends on the machine's speed all the same.
    pub seed: u64,
    /// Processes of the function at a time, at least 1.
    pub workers: usize,
    /// How long an invocation may last.
    pub timeout: Duration,
}

/// What a run came to.
#[derive(Debug)]
pub struct Report {
    /// The tables, in Markdown.
    pub tables: String,
    /// Whether every rule holds.
    pub is_right: bool,
    /// How many products are described by their newest photo.
    pub described: usize,
    /// Where the logs of all programs and the bucket are, if a rule is broken.
    pub kept: Option<PathBuf>,
}

/// Starts everything, carries out the plan and judges; `progress` is told how far it
/// is.
///
/// # Errors
/// When a program is missing or fails, other than the function.
pub async fn run(options: &Options, mut progress: impl FnMut(&str)) -> Result<Report> {
    ensure!(
        options.products >= FEWEST_PRODUCTS,
        "PRODUCTS is {}, must be {FEWEST_PRODUCTS} or more",
        options.products
    );
    ensure!(options.workers > 0, "at least one worker is needed");
    let programs = Programs::find()?;
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let path = folder.path();

    progress("the model server and the local cloud start");
    let shipped = programs.shipped_model();
    let mut model_server = ModelServer::start(&programs.model_server, &shipped, &[], path).await?;
    let cloud_options = LocalCloudOptions {
        writer: Writer::Template,
        model_behaviours: Vec::new(),
        // The events are this run's own.
        function_url: None,
    };
    let mut cloud = LocalCloud::start(&programs, &cloud_options, path).await?;
    model_server.until_ready(READY_TIMEOUT).await?;

    let surroundings = Arc::new(Surroundings {
        endpoint: address(model_server.url())?,
        bedrock: address(cloud.bedrock_url())?,
        s3: address(cloud.s3_url())?,
        faults: Faults::new(options.seed, outages(options)),
        ledger: Ledger::new(),
        slowness: options.timeout + Duration::from_secs(1),
    });
    let workshop = Arc::new(Workshop {
        programs: programs.clone(),
        timeout: options.timeout,
        settings: vec![("OUTPUT_BUCKET".to_owned(), BUCKET.to_owned())],
        folder: path.to_owned(),
    });
    let mut workers = Vec::new();
    for number in 0..options.workers {
        let occupation = Arc::new(Occupation::default());
        let proxy = proxy::listen(Arc::clone(&surroundings), Arc::clone(&occupation)).await?;
        workers.push(Worker::new(
            Arc::clone(&workshop),
            number,
            proxy,
            occupation,
        ));
    }

    let pictures = Pictures::gather(&programs.repository)?;
    let first = workers.first_mut().context("there is no worker")?;
    let known = Known::learn(first, pictures).await?;
    progress(&format!(
        "{} pictures with {} questions each, asked in quiet",
        known.attributes.len(),
        known.questions
    ));
    surroundings.ledger.forget();
    surroundings.faults.begin();

    let plan = Plan::new(options.products, known.attributes.len(), options.seed);
    let events = Events::read(|name| programs.event(name))?;
    let bucket = CatalogueBucket::at(cloud.s3_url());
    let setting = Setting {
        plan: &plan,
        pictures: &known.pictures,
        events: &events,
        bucket: &bucket,
        ledger: &surroundings.ledger,
        seed: options.seed,
        timeout: options.timeout,
    };
    let check = || {
        model_server.process_mut().check()?;
        cloud.process_mut().check()
    };
    let carried = carry_out(setting, workers, check, &mut progress).await?;

    progress("the bucket is read");
    let found = bucket::read(&bucket).await?;
    let seen = surroundings.ledger.read();
    let verdict = Verdict::of(Evidence {
        plan: &plan,
        carried: &carried,
        seen: &seen,
        found: &found,
        pictures: &known.attributes,
        questions: known.questions,
    });
    let mut tables = String::new();
    report::write(&mut tables, options, &plan, &carried, &seen, &verdict)?;
    let is_right = verdict.is_right();
    Ok(Report {
        tables,
        is_right,
        described: verdict.outcomes.described,
        kept: (!is_right).then(|| folder.keep()),
    })
}

/// Long enough that every process meets several of an outage's calls, so that it
/// leaves the service alone, and so seldom that most deliveries meet none.
fn outages(options: &Options) -> Outages {
    let calls = 8 * options.workers as u64;
    Outages {
        every: (options.products as u64 * 3 / 4).max(4 * calls),
        calls,
        longest: LONGEST_OUTAGE,
    }
}

fn address(url: &str) -> Result<SocketAddr> {
    let address = url.strip_prefix("http://");
    address
        .and_then(|address| address.trim_end_matches('/').parse().ok())
        .with_context(|| format!("{url} is no address"))
}

/// The pictures whose attributes tell them apart, and what is known of each.
struct Known {
    pictures: Pictures,
    attributes: Vec<Map<String, Value>>,
    questions: usize,
}

impl Known {
    /// Has the function describe each picture, before anything goes wrong.
    async fn learn(worker: &mut Worker, pictures: Pictures) -> Result<Known> {
        let mut kept = Vec::new();
        let mut attributes: Vec<Map<String, Value>> = Vec::new();
        let mut questions = 0;
        for (index, picture) in pictures.all().iter().enumerate() {
            let event = json!({"image": {"base64": STANDARD.encode(picture)}});
            let answer = match worker.invoke(index, &event, None).await? {
                Outcome::Answered(answer) => answer,
                other => bail!("picture {index} can't be described in quiet: {other:?}"),
            };
            let found = answer["attributes"].as_object();
            let found = found.cloned().context("an answer without attributes")?;
            let missing = answer["missing"].as_array().map_or(0, Vec::len);
            questions = questions.max(found.len() + missing);
            if !found.is_empty() && !attributes.contains(&found) {
                kept.push(index);
                attributes.push(found);
            }
        }
        ensure!(kept.len() > 1, "the pictures can't be told apart");
        Ok(Known {
            pictures: pictures.only(&kept),
            attributes,
            questions,
        })
    }
}
