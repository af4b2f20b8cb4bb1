//! What the model server survives: `make soak-serve`.
//!
//! Many thousand requests from many connections at once, good and bad ones,
//! slow clients and clients that leave. Every good request must be answered as
//! it is alone, every bad one refused with its 4xx, nothing may hang, memory
//! must come back, and a SIGTERM in the middle of the load must leave no
//! accepted request unanswered. The same seed sends the same requests.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod bad;
mod capabilities;
mod drain;
mod http;
mod known;
mod photos;
mod plan;
mod server;
mod tally;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clap::Parser;
use local_stack::{ModelServer, SHIPPED_MODEL, model_server_program, repository};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tests::outcome::{exit_code, within_minutes};

use bad::BadRequests;
use capabilities::Capabilities;
use http::{Client, Pace};
use known::{Catalogue, Known};
use photos::Photos;
use tally::Tally;
use work::{Work, deadline, invocation};

/// How long the server may settle before its memory is read for the verdict:
/// longer than its idle threads live, and the same both times.
const SETTLING: Duration = Duration::from_secs(15);

/// The same for the readings in between, which only show the way.
const PAUSE: Duration = Duration::from_secs(2);

/// How much more memory than after the first thousand requests may be held at
/// the end.
const MEMORY_GROWTH: f64 = 1.10;

/// With so many failures it is not worth going on.
const ENOUGH_FAILURES: usize = 200;

/// Sends many requests of every kind to a model server and judges the answers.
#[derive(Debug, Parser)]
struct Options {
    /// How many requests.
    #[arg(long, env = "REQUESTS", default_value_t = 20_000)]
    requests: usize,
    /// From how many connections at a time.
    #[arg(long, env = "CONNECTIONS", default_value_t = 64)]
    connections: usize,
    /// The same seed sends the same requests.
    #[arg(long, env = "SEED", default_value_t = 7)]
    seed: u64,
    /// After so many minutes it is ended and has failed.
    #[arg(long, env = "MINUTES", default_value_t = 20)]
    minutes: u64,
    /// The checkpoint; the shipped one by default.
    #[arg(long)]
    model_dir: Option<PathBuf>,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    exit_code(within_minutes(options.minutes, soak(options)).await)
}

async fn soak(options: Options) -> Result<()> {
    let began = Instant::now();
    let repository = repository()?;
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let shipped = repository.join(SHIPPED_MODEL);
    let model_dir = options.model_dir.as_deref().unwrap_or(&shipped);
    let mut server = server::start(&model_server_program()?, model_dir, folder.path()).await?;
    let address = server::address(&server)?;

    let mut client = Client::new(address);
    let capabilities = Capabilities::probe(&mut client).await?;
    let photos = Photos::gather(&repository)?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let mut catalogue = Catalogue::draw(&photos, capabilities, &mut rng);
    ask_alone(&mut client, &mut catalogue).await?;
    drop(client);

    let work = Arc::new(Work {
        address,
        catalogue,
        bad: BadRequests::make(&photos, capabilities)?,
        plan: plan::plan(options.requests, capabilities, options.seed),
        seed: options.seed,
        tally: Mutex::new(Tally::default()),
        stalled: Mutex::default(),
    });
    let memory = load(&work, &mut server, options.connections).await?;
    let metrics = cache_metrics(server.url()).await;
    println!();
    drain::drain(&work, server, options.connections).await?;

    let mut tally = work.tally();
    println!("\n{}", tally.table());
    for line in metrics {
        println!("{line}");
    }
    println!("{memory}");
    println!(
        "{} requests, {} answers 429, {:.0} s in all, seed {}",
        tally.requests(),
        tally.retries(),
        began.elapsed().as_secs_f64(),
        options.seed
    );
    match tally.failures() {
        0 => {
            println!("no failure");
            Ok(())
        }
        failures => bail!("{failures} failures; the first are above"),
    }
}

/// Learns the answer to each known request, and that it is the same again.
async fn ask_alone(client: &mut Client, catalogue: &mut Catalogue) -> Result<()> {
    let began = Instant::now();
    let mut count = 0;
    for known in catalogue.all_mut() {
        let is_damaged = known.photo.name.starts_with("damaged");
        for time in 0..2 {
            let response = deadline(client.exchange(&invocation(known), Pace::AtOnce)).await;
            let response = response
                .map_err(|what| anyhow!(what))?
                .map_err(|broken| anyhow!("{broken}"))
                .with_context(|| known.describe())?;
            if time > 0 {
                work::judge(known, &response)
                    .map_err(|what| anyhow!("asked again, alone: {what}; {}", known.describe()))?;
                continue;
            }
            let is_allowed = match response.status {
                200 => true,
                400 => is_damaged && response.error_code().as_deref() == Some("invalid_image"),
                _ => false,
            };
            if !is_allowed {
                bail!("{}: {}", known.describe(), response.excerpt());
            }
            known.status = response.status;
            known.answer = response.json().context("the answer is no JSON")?;
            check_form(known)?;
        }
        count += 1;
    }
    println!(
        "{count} requests asked alone, twice each, in {:.0} s",
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// One object for a prompt, an array of as many for prompts.
fn check_form(known: &Known) -> Result<()> {
    let prompts = known.fields().get("prompts").cloned();
    let is_right = match (&prompts, &known.answer) {
        (Some(Value::Array(prompts)), Value::Array(answers)) => prompts.len() == answers.len(),
        (None, Value::Object(_)) => true,
        _ => known.status != 200,
    };
    if !is_right {
        bail!("{}: {}", known.describe(), known.answer);
    }
    Ok(())
}

/// Sends the whole plan, with a quiet moment now and then in which memory is
/// read, and judges how that went.
async fn load(work: &Arc<Work>, server: &mut ModelServer, connections: usize) -> Result<String> {
    let requests = work.plan.len();
    let step = (requests / 10).max(plan::BLOCK);
    let mut series = vec![(0, resident(server)?)];
    let mut sent = 0;
    let began = Instant::now();
    let mut loaded = Duration::ZERO;
    while sent < requests {
        let until = if sent == 0 { plan::BLOCK } else { sent + step }.min(requests);
        let segment = Instant::now();
        work.run(sent, until, connections).await;
        loaded += segment.elapsed();
        sent = until;
        server.process_mut().check()?;
        let counts = sent == requests || sent == plan::BLOCK;
        tokio::time::sleep(if counts { SETTLING } else { PAUSE }).await;
        series.push((sent, resident(server)?));
        let (retries, failures) = {
            let tally = work.tally();
            (tally.retries(), tally.failures())
        };
        println!(
            "{sent} of {requests} requests in {:.0} s, {:.0} a second; {retries} answers 429, \
             {failures} failures; {:.1} MB resident",
            began.elapsed().as_secs_f64(),
            sent as f64 / loaded.as_secs_f64(),
            megabytes(series[series.len() - 1].1)
        );
        if failures > ENOUGH_FAILURES {
            bail!("{failures} failures are enough");
        }
    }
    work.until_stalled_end().await;
    let (first, last) = (series[1].1 as f64, series[series.len() - 1].1 as f64);
    let peak = server
        .process()
        .peak_memory()
        .context("no peak of memory")?;
    let values: Vec<String> = series
        .iter()
        .map(|&(sent, bytes)| format!("{sent}: {:.1}", megabytes(bytes)))
        .collect();
    let memory = format!(
        "memory, MB resident after so many requests: {}; at most {:.1} at once; the last is \
         {:.1} % of the level after the first {}",
        values.join(", "),
        megabytes(peak),
        100.0 * last / first,
        series[1].0
    );
    if last > first * MEMORY_GROWTH {
        work.tally().fail(memory.clone());
    }
    Ok(memory)
}

fn resident(server: &ModelServer) -> Result<u64> {
    let memory = server.process().memory();
    Ok(memory
        .context("the system does not tell the memory of a process")?
        .resident)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The metrics of the cache and the queue, where the server has them.
async fn cache_metrics(url: &str) -> Vec<String> {
    let client = reqwest::Client::builder().no_proxy().build();
    let Ok(client) = client else {
        return Vec::new();
    };
    let Ok(response) = client.get(format!("{url}/metrics")).send().await else {
        return Vec::new();
    };
    if !response.status().is_success() {
        return Vec::new();
    }
    let text = response.text().await.unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("image_cache_"))
        .map(str::to_owned)
        .collect()
}
