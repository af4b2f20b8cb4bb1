//! All sides in turns: one measurement of each, then the next of each.

use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Bytes;
use serde_json::{Value, json};
use tests::times::Times;

use crate::Setting;
use crate::services::Services;
use crate::side::{Side, Trigger, Who};

/// How long the endpoint and Bedrock take where it is not 0.
pub const LATENCY_MS: u64 = 50;

/// Between two measurements, so that what the one before has left to do is done.
const PAUSE: Duration = Duration::from_millis(30);

/// What was measured of a side.
#[derive(Clone, Debug)]
pub struct OfSide {
    pub who: Who,
    /// From the start of the process to the answer of a call by HTTP.
    pub first: Times,
    /// A call by HTTP of a warm process.
    pub http: At,
    /// An event of S3.
    pub s3: At,
    /// A call by HTTP where the endpoint and Bedrock take their time.
    pub slow_call: Times,
    /// Of the warm process, after all of it.
    pub peak_bytes: u64,
}

/// What a product takes that comes in one way.
#[derive(Clone, Debug, Default)]
pub struct At {
    /// From handing the event over to its answer.
    pub time: Times,
    /// Of the processor.
    pub cpu: Times,
}

/// The events of all products.
struct Events {
    http: Bytes,
    s3: Bytes,
}

impl Events {
    fn of(&self, trigger: Trigger) -> &Bytes {
        match trigger {
            Trigger::Http => &self.http,
            Trigger::S3 => &self.s3,
        }
    }
}

/// Measures each side `rounds` times.
pub async fn measure(setting: &Setting, rounds: usize) -> Result<Vec<OfSide>> {
    let services = Services::start(setting.photo()?).await?;
    let events = Events {
        http: http_event(setting, services.image())?,
        s3: event(setting, "s3-put.json")?.to_string().into(),
    };
    let mut measured: Vec<OfSide> = Who::ALL.map(OfSide::new).into();
    starts(setting, &services, &events, rounds, &mut measured).await?;
    warm(setting, &services, &events, rounds, &mut measured).await?;
    Ok(measured)
}

/// Processes that describe one product. The first round is a warm-up: of the disk, and of
/// Python's compiled modules.
async fn starts(
    setting: &Setting,
    services: &Services,
    events: &Events,
    rounds: usize,
    measured: &mut [OfSide],
) -> Result<()> {
    println!("{rounds} starts of each");
    for round in 0..=rounds {
        for of_side in &mut *measured {
            tokio::time::sleep(PAUSE).await;
            let folder = tempfile::tempdir().context("cannot make a folder")?;
            let mut side = Side::start(of_side.who, setting, services, folder.path()).await?;
            let took = side.first(Trigger::Http, &events.http).await?;
            side.check_work(Trigger::Http, 1, services.take_asked())?;
            side.stop().await?;
            if round > 0 {
                of_side.first.0.push(took.as_secs_f64());
            }
        }
    }
    Ok(())
}

/// Processes that describe many, without and then with latency.
async fn warm(
    setting: &Setting,
    services: &Services,
    events: &Events,
    rounds: usize,
    measured: &mut [OfSide],
) -> Result<()> {
    let mut folders = Vec::new();
    let mut sides = Vec::new();
    for who in Who::ALL {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        sides.push(Side::start(who, setting, services, folder.path()).await?);
        folders.push(folder);
    }
    println!("{rounds} readings of each");
    for round in 0..=rounds {
        for (side, of_side) in sides.iter_mut().zip(&mut *measured) {
            for trigger in Trigger::ALL {
                let at = reading(side, of_side.who, trigger, services, events).await?;
                if round > 0 {
                    of_side.at(trigger).add(at);
                }
            }
        }
    }
    println!("{rounds} calls of each at {LATENCY_MS} ms");
    services.set_latency(LATENCY_MS);
    for round in 0..=rounds {
        for (side, of_side) in sides.iter_mut().zip(&mut *measured) {
            tokio::time::sleep(PAUSE).await;
            let took = side.describe(Trigger::Http, &events.http).await?;
            side.check_work(Trigger::Http, 1, services.take_asked())?;
            if round > 0 {
                of_side.slow_call.0.push(took.as_secs_f64());
            }
        }
    }
    for (side, of_side) in sides.into_iter().zip(measured) {
        of_side.peak_bytes = side.peak_memory()?;
        side.stop().await?;
    }
    Ok(())
}

/// As many products as one reading of the processor time takes.
async fn reading(
    side: &mut Side,
    who: Who,
    trigger: Trigger,
    services: &Services,
    events: &Events,
) -> Result<At> {
    tokio::time::sleep(PAUSE).await;
    let products = who.products_a_reading();
    let before = side.cpu_seconds()?;
    let mut at = At::default();
    for _ in 0..products {
        let took = side.describe(trigger, events.of(trigger)).await?;
        at.time.0.push(took.as_secs_f64());
    }
    // What is done after an answer belongs to it.
    tokio::time::sleep(PAUSE).await;
    let cpu = side.cpu_seconds()? - before;
    at.cpu.0.push(cpu / products as f64);
    side.check_work(trigger, products, services.take_asked())?;
    Ok(at)
}

impl OfSide {
    fn new(who: Who) -> OfSide {
        OfSide {
            who,
            first: Times::default(),
            http: At::default(),
            s3: At::default(),
            slow_call: Times::default(),
            peak_bytes: 0,
        }
    }

    fn at(&mut self, trigger: Trigger) -> &mut At {
        match trigger {
            Trigger::Http => &mut self.http,
            Trigger::S3 => &mut self.s3,
        }
    }
}

impl At {
    fn add(&mut self, other: At) {
        self.time.0.extend(other.time.0);
        self.cpu.0.extend(other.cpu.0);
    }
}

/// The sample event of HTTP APIs, about a photo in base64.
fn http_event(setting: &Setting, image: &str) -> Result<Bytes> {
    let mut event = event(setting, "http-api.json")?;
    let body = json!({"product_id": "drawn-01", "image": {"base64": image}});
    event["body"] = Value::String(body.to_string());
    event["isBase64Encoded"] = Value::Bool(false);
    Ok(event.to_string().into())
}

fn event(setting: &Setting, name: &str) -> Result<Value> {
    let path = setting.repository.join("events").join(name);
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(serde_json::from_slice(&text)?)
}
