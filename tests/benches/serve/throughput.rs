//! Many clients at once: how many photos a second.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use image::RgbImage;
use image::imageops::{FilterType, brighten, resize};
use serde_json::Value;
use tests::checkpoint::Checkpoint;
use tests::photos::{LARGE, jpeg};
use tests::times::Times;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Setting;
use crate::ours::{Ours, request_body};
use crate::results::{Measured, Throughput};
use crate::shape::Shape;

const CLIENTS: usize = 32;
const PHOTOS: usize = 200;

/// Asks eight questions about each of many photos, in the configuration that
/// was fastest for one client; `None` where none was measured. It ends when
/// all are answered or after `seconds`.
pub async fn measure(
    setting: &Setting,
    shape: &Shape,
    measured: &Measured,
    seconds: u64,
) -> Result<Option<Throughput>> {
    let fastest = measured
        .ours
        .iter()
        .min_by(|one, other| one.fresh.median().total_cmp(&other.fresh.median()));
    let Some(fastest) = fastest else {
        return Ok(None);
    };
    let mut configurations = shape.configurations.iter();
    let configuration = configurations.find(|known| known.name == fastest.configuration);
    let configuration = configuration.context("the fastest configuration has no name")?;
    println!(
        "{CLIENTS} clients, {PHOTOS} photos, {} for at most {seconds} s",
        configuration.name
    );
    let photos = Arc::new(photos(&setting.repository).await?);
    let checkpoint = Checkpoint::of(setting.checkpoints(), shape.name, shape.what).await?;
    let ours = Ours::start(setting, &checkpoint, configuration).await?;
    let prompts = Arc::new(measured.prompts.clone());
    ours.ask(&setting.photo, &prompts).await?;

    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let url = format!("{}/invocations", ours.url());
    let http = reqwest::Client::builder().no_proxy().build()?;
    let (report, mut reports) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (photos, prompts, next) = (photos.clone(), prompts.clone(), next.clone());
        let (http, url, report) = (http.clone(), url.clone(), report.clone());
        clients.spawn(async move {
            while let Some(photo) = photos.get(next.fetch_add(1, Ordering::Relaxed)) {
                let answered = ask(&http, &url, photo, &prompts).await;
                // It fails only when time is up.
                let _ = report.send(answered);
            }
        });
    }
    drop(report);
    let (mut times, mut retries) = (Times::default(), 0);
    // What is not answered at the end does not count.
    while let Ok(Some(answered)) = tokio::time::timeout_at(end.into(), reports.recv()).await {
        let (seconds, tries) = answered?;
        times.0.push(seconds);
        retries += tries - 1;
    }
    let took = began.elapsed().as_secs_f64();
    drop(clients);
    let throughput = Throughput {
        configuration: configuration.name.to_owned(),
        flags: configuration.flags.join(" "),
        clients: CLIENTS,
        photos: PHOTOS,
        questions_per_photo: prompts.len(),
        answered: times.0.len(),
        seconds: took,
        times,
        retries,
        serving_peak_bytes: ours.memory()?.peak,
    };
    ours.stop().await?;
    println!(
        "{} photos in {took:.0} s: {:.2} a second",
        throughput.answered,
        throughput.answered as f64 / took
    );
    Ok(Some(throughput))
}

/// Asks until it is admitted; gives the seconds from the first try to the
/// answers, and how many tries it took.
async fn ask(
    client: &reqwest::Client,
    url: &str,
    photo: &[u8],
    prompts: &[String],
) -> Result<(f64, usize)> {
    let body = request_body(photo, prompts);
    let began = Instant::now();
    for tries in 1..1_000 {
        let request = client.post(url).header("content-type", "application/json");
        let response = request.body(body.clone()).send().await?;
        let status = response.status();
        if status == 429 {
            let wait = response.headers().get("retry-after");
            let wait = wait.and_then(|value| value.to_str().ok()?.parse().ok());
            tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1))).await;
            continue;
        }
        let text = response.text().await?;
        ensure!(status == 200, "the server answered {status}: {text}");
        let answers: Value = serde_json::from_str(&text).context("the answer is no JSON")?;
        let count = answers.as_array().map_or(0, Vec::len);
        ensure!(count == prompts.len(), "{count} answers: {text}");
        return Ok((began.elapsed().as_secs_f64(), tries));
    }
    bail!("a request is never admitted")
}

/// The drawn samples, each moved sideways and made brighter or darker by steps
/// until there are enough, as large as a camera makes them.
async fn photos(repository: &Path) -> Result<Vec<Vec<u8>>> {
    let mut samples = Vec::new();
    for number in 1..=12 {
        let path = repository.join(format!("samples/drawn-{number:02}.jpg"));
        let sample = image::open(&path);
        let sample = sample.with_context(|| format!("cannot read {}", path.display()))?;
        samples.push(Arc::new(sample.into_rgb8()));
    }
    let mut drawing = JoinSet::new();
    for index in 0..PHOTOS {
        let sample = Arc::clone(&samples[index % samples.len()]);
        let step = index / samples.len();
        drawing.spawn_blocking(move || varied(&sample, step));
    }
    let mut photos = Vec::new();
    while let Some(photo) = drawing.join_next().await {
        photos.push(photo.context("a photo could not be drawn")??);
    }
    Ok(photos)
}

fn varied(sample: &RgbImage, step: usize) -> Result<Vec<u8>> {
    let shift = step as u32 * 17;
    let moved = RgbImage::from_fn(sample.width(), sample.height(), |x, y| {
        *sample.get_pixel((x + shift) % sample.width(), y)
    });
    let lit = brighten(&moved, (step as i32 % 9 - 4) * 8);
    let (width, height) = LARGE;
    jpeg(&resize(&lit, width, height, FilterType::Triangle), 88)
}
