//! A catalogue described on one machine while the work is killed again and again: every
//! product is described once, none twice.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::FilterType;
use local_stack::{
    BUCKET, CatalogueBucket, LocalCloud, LocalCloudOptions, ModelServer, Programs, Writer,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::photos::{jpeg, with_comment};

use crate::counting_proxy::CountingProxy;
use crate::lookbook::Lookbook;

const READY: Duration = Duration::from_secs(120);
/// How long a run may take that is not killed.
const RUN: Duration = Duration::from_secs(1_200);
/// How many products are under way at a time.
const CONCURRENCY: usize = 4;

/// Where the catalogue is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Place {
    Bucket,
    Folder,
}

/// The real model server and the local cloud, both behind proxies that count.
pub struct Services {
    _model_server: ModelServer,
    _cloud: LocalCloud,
    endpoint: CountingProxy,
    bedrock: CountingProxy,
    pub bucket: CatalogueBucket,
    pub lookbook: Lookbook,
    pub folder: TempDir,
}

impl Services {
    pub async fn start() -> Services {
        let programs = Programs::find().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut model_server = ModelServer::start(
            &programs.model_server,
            &programs.shipped_model(),
            &[],
            folder.path(),
        )
        .await
        .unwrap();
        let options = LocalCloudOptions {
            writer: Writer::Template,
            model_behaviours: Vec::new(),
            function_url: None,
        };
        let cloud = LocalCloud::start(&programs, &options, folder.path())
            .await
            .unwrap();
        model_server.until_ready(READY).await.unwrap();
        let endpoint = CountingProxy::before(model_server.url(), photograph).await;
        let bedrock = CountingProxy::before(cloud.bedrock_url(), first_turn).await;
        let lookbook = Lookbook::with_services(&[
            ("S3", cloud.s3_url()),
            ("SAGEMAKER_RUNTIME", endpoint.url().as_str()),
            ("BEDROCK_RUNTIME", bedrock.url().as_str()),
        ]);
        Services {
            bucket: CatalogueBucket::at(cloud.s3_url()),
            _model_server: model_server,
            _cloud: cloud,
            endpoint,
            bedrock,
            lookbook,
            folder,
        }
    }

    fn photographs(&self) -> PathBuf {
        self.folder.path().join("photographs")
    }

    /// What `lookbook backfill` is told.
    fn arguments(&self, place: Place) -> Vec<String> {
        let source = match place {
            Place::Bucket => format!("s3://{BUCKET}/incoming"),
            Place::Folder => self.photographs().display().to_string(),
        };
        let concurrency = CONCURRENCY.to_string();
        [
            "backfill",
            source.as_str(),
            "--here",
            "--json",
            "--concurrency",
            concurrency.as_str(),
        ]
        .map(str::to_owned)
        .into()
    }

    /// What lies under `descriptions/` or `failures/`, by name.
    pub async fn results(&self, place: Place, under: &str) -> BTreeMap<String, Vec<u8>> {
        let mut results = BTreeMap::new();
        match place {
            Place::Bucket => {
                for key in self.bucket.keys(under).await.unwrap() {
                    let bytes = self.bucket.get(&key).await.unwrap().unwrap();
                    results.insert(key.strip_prefix(under).unwrap().to_owned(), bytes);
                }
            }
            Place::Folder => {
                let folder = self.photographs().join(under);
                for entry in folder.read_dir().into_iter().flatten() {
                    let path = entry.unwrap().path();
                    let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                    results.insert(name, std::fs::read(path).unwrap());
                }
            }
        }
        results
    }
}

/// Which photograph a call of the endpoint is about.
fn photograph(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    Some(counted_as(body["image"].as_str()?))
}

/// By what calls about a photograph in base64 are counted.
fn counted_as(base64: &str) -> String {
    let mut hasher = DefaultHasher::new();
    base64.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Counts what asks for a text. That a text was to be mended is another turn of the same.
fn first_turn(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    (body["messages"].as_array()?.len() == 1).then(|| "text".to_owned())
}

/// Photographs of few pictures, each in bytes of its own.
pub fn photographs(repository: &Path, count: usize) -> Vec<Vec<u8>> {
    let small: Vec<Vec<u8>> = (1..=12)
        .map(|number| {
            let path = repository.join(format!("samples/drawn-{number:02}.jpg"));
            let picture = image::open(path).unwrap();
            let small = picture.resize(180, 240, FilterType::Triangle);
            jpeg(&small.into_rgb8(), 85).unwrap()
        })
        .collect();
    (0..count)
        .map(|number| with_comment(&small[number % small.len()], &format!("{number}")).unwrap())
        .collect()
}

fn name(number: usize) -> String {
    format!("product-{number:05}")
}

/// What there was when the work was killed.
struct AtKill {
    /// The descriptions, by their files.
    described: BTreeMap<String, Vec<u8>>,
    /// How often each photograph had been asked about.
    asked: HashMap<String, usize>,
}

/// Describes a catalogue with kills in between, and looks at what came of it.
async fn killed(place: Place, products: usize, kills: usize, seed: u64) {
    let services = Services::start().await;
    let repository = local_stack::repository().unwrap();
    let photographs = photographs(&repository, products);
    std::fs::create_dir(services.photographs()).unwrap();
    // By the file of its description, as what calls about a photograph are counted.
    let mut calls_about: BTreeMap<String, String> = BTreeMap::new();
    for (number, photograph) in photographs.into_iter().enumerate() {
        let counted = counted_as(&STANDARD.encode(&photograph));
        calls_about.insert(format!("{}.json", name(number)), counted);
        let file = format!("{}.jpg", name(number));
        match place {
            Place::Bucket => {
                let key = format!("incoming/{file}");
                services.bucket.put(&key, photograph).await.unwrap();
            }
            Place::Folder => {
                std::fs::write(services.photographs().join(file), photograph).unwrap();
            }
        }
    }
    let arguments = services.arguments(place);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();

    // Killed when so many calls have been made, and a moment later.
    println!("{place:?}, {products} products, seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut at_kills: Vec<AtKill> = Vec::new();
    for kill in 0..kills {
        let span = products / (kills + 1);
        let calls = kill * span + random.random_range(1..=span);
        let moment = Duration::from_micros(random.random_range(0..60_000));
        let log = services.folder.path().join(format!("lookbook-{kill}.log"));
        let mut process = services.lookbook.start(&arguments, &log);
        let reached = || (services.endpoint.calls() >= calls).then_some(());
        process.wait_until(RUN, reached).await.unwrap();
        tokio::time::sleep(moment).await;
        process.kill().await.unwrap();
        let mut described = services.results(place, "descriptions/").await;
        // What was not renamed yet when the process was killed is no description.
        described.retain(|file, _| calls_about.contains_key(file));
        println!("killed after {calls} calls, {} described", described.len());
        assert!(described.len() < products, "the kill came too late");
        at_kills.push(AtKill {
            described,
            asked: services.endpoint.seen(),
        });
    }

    let (status, summary) = services.lookbook.json(&arguments).await;
    println!("{summary}");
    assert_eq!(status, Some(0), "{summary}");
    let count = |member: &str| summary[member].as_u64().unwrap() as usize;
    assert_eq!(count("products"), products);
    assert_eq!(count("described") + count("already_described"), products);
    assert!(count("already_described") > 0, "{summary}");
    assert_eq!(summary["failed"], json!({}));

    // Every product once: one result each, whole and its own, and nothing else.
    let results = services.results(place, "descriptions/").await;
    assert!(
        results.keys().eq(calls_about.keys()),
        "{:?}",
        results.keys()
    );
    for (file, bytes) in &results {
        let result: Value = serde_json::from_slice(bytes).unwrap();
        assert_eq!(
            format!("{}.json", result["product_id"].as_str().unwrap()),
            *file
        );
        assert!(
            !result["description"].as_str().unwrap().is_empty(),
            "{file}"
        );
    }
    assert!(services.results(place, "failures/").await.is_empty());

    // What was described when the process was killed is as it was, byte for byte, and was not
    // asked about since.
    let asked: HashMap<String, usize> = services.endpoint.seen();
    assert_eq!(asked.len(), products, "each photograph was asked about");
    for (kill, at_kill) in at_kills.iter().enumerate() {
        for (file, bytes) in &at_kill.described {
            assert!(
                results[file] == *bytes,
                "{file} is another since kill {kill}"
            );
            let photograph = &calls_about[file];
            assert_eq!(
                asked[photograph], at_kill.asked[photograph],
                "{file} was asked about again after kill {kill}"
            );
        }
    }

    // So what was asked about twice was not described when the process was killed, and was under
    // way: of those there are no more than are worked on at a time, at each kill.
    let under_way = kills * CONCURRENCY;
    let again = asked.values().filter(|times| **times > 1).count();
    assert!(
        again <= under_way,
        "{again} photographs were asked about again"
    );
    assert!(asked.values().all(|times| *times <= 1 + kills));
    let (calls, texts) = (services.endpoint.calls(), services.bedrock.calls());
    println!("{calls} calls of the endpoint, {texts} texts, for {products} products");
    for made in [calls, texts] {
        assert!((products..=products + under_way).contains(&made), "{made}");
    }

    // Once more: nothing is asked, nothing is written.
    let (status, summary) = services.lookbook.json(&arguments).await;
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!(summary["already_described"], products, "{summary}");
    assert_eq!(summary["calls"], 0, "{summary}");
    assert_eq!(
        (services.endpoint.calls(), services.bedrock.calls()),
        (calls, texts)
    );
    assert_eq!(services.results(place, "descriptions/").await, results);
}

#[tokio::test]
async fn a_bucket_is_described_once_though_the_work_is_killed() {
    killed(Place::Bucket, 120, 2, 7).await;
}

#[tokio::test]
async fn a_folder_is_described_once_though_the_work_is_killed() {
    killed(Place::Folder, 60, 2, 8).await;
}

/// The whole of it, some minutes: `make backfill-kill`.
#[tokio::test]
#[ignore = "takes minutes: make backfill-kill"]
async fn two_thousand_products_killed_five_times() {
    killed(Place::Bucket, 2_000, 5, 9).await;
    killed(Place::Folder, 2_000, 5, 10).await;
}

#[tokio::test]
async fn what_cannot_be_described_leaves_a_record_and_the_rest_is_described() {
    let services = Services::start().await;
    let folder = services.photographs();
    let repository = local_stack::repository().unwrap();
    let photographs = photographs(&repository, 3);
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("whole.jpg"), &photographs[0]).unwrap();
    std::fs::write(folder.join("cut.jpg"), &photographs[1][..400]).unwrap();
    // Another photograph of a product that has one.
    std::fs::write(folder.join("whole.png"), &photographs[2]).unwrap();
    let arguments = services.arguments(Place::Folder);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    for already in [0, 1] {
        let (status, summary) = services.lookbook.json(&arguments).await;
        assert_eq!(status, Some(6), "{summary}");
        assert_eq!(summary["already_described"], already, "{summary}");
        assert_eq!(summary["failed"], json!({"invalid-photo": 1}), "{summary}");
        assert_eq!(summary["left_out"], 1, "{summary}");
    }
    let record = services.results(Place::Folder, "failures/").await;
    let record: Value = serde_json::from_slice(&record["cut.json"]).unwrap();
    assert_eq!(record["kind"], "invalid-photo");
    assert_eq!(record["attempts"], 1, "{record}");
    assert_eq!(record["source"]["origin"], "file/cut.jpg");
    // The photograph is mended: the record goes.
    std::fs::write(folder.join("cut.jpg"), &photographs[1]).unwrap();
    let (status, summary) = services.lookbook.json(&arguments).await;
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!(summary["described"], 1, "{summary}");
    assert!(
        services
            .results(Place::Folder, "failures/")
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn an_endpoint_that_is_down_ends_the_run_and_not_every_product() {
    let folder = tempfile::tempdir().unwrap();
    let repository = local_stack::repository().unwrap();
    for (number, photograph) in photographs(&repository, 60).into_iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number}.jpg")), photograph).unwrap();
    }
    // Nobody listens there.
    let lookbook = Lookbook::with_services(&[
        ("SAGEMAKER_RUNTIME", "http://127.0.0.1:1"),
        ("BEDROCK_RUNTIME", "http://127.0.0.1:1"),
    ]);
    let source = folder.path().to_str().unwrap();
    let (status, summary) = lookbook
        .json(&["backfill", source, "--here", "--json"])
        .await;
    assert_eq!(status, Some(5), "{summary}");
    assert!(summary["not_reached"].as_u64().unwrap() > 0, "{summary}");
    let kinds = summary["failed"].as_object().unwrap();
    assert_eq!(kinds.keys().collect::<Vec<_>>(), ["attributes-unavailable"]);
}
