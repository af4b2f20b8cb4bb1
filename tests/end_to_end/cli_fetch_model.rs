//! `lookbook fetch-model`, with a hub that drops connections, lies and refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::{BUCKET, CatalogueBucket, Process};
use serde_json::Value;
use tempfile::TempDir;

use crate::hub::{Behaviour, COMMIT, Hub, HubFile};
use crate::lookbook::{Lookbook, local_s3};

const MODEL: &str = "lookbook/blip2";

const SHARDS: [&str; 2] = [
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
];

/// Exit codes of `docs/cli.md`.
const DENIED: i32 = 3;
const NOT_FOUND: i32 = 4;
const PARTIAL: i32 = 6;
const INTERRUPTED: i32 = 130;

/// How long a process may take to come where a test wants it.
const PATIENCE: Duration = Duration::from_secs(60);

/// So slow that a download can be met in the middle.
fn slow() -> Behaviour {
    Behaviour {
        pause: Duration::from_millis(400),
        ..Behaviour::default()
    }
}

/// Content of a large file; its SHA-256 is below.
fn large(factor: usize) -> Vec<u8> {
    (0..300_000)
        .map(|index| u8::try_from(index * factor % 251).unwrap())
        .collect()
}

/// A checkpoint in two shards, and files that it does not need.
fn files() -> Vec<HubFile> {
    let small = |name, content: &str, checksum| HubFile {
        name,
        content: content.into(),
        checksum,
        is_large: false,
    };
    let shard = |name, factor, checksum| HubFile {
        name,
        content: large(factor),
        checksum,
        is_large: true,
    };
    vec![
        small(
            "README.md",
            "# A model\n",
            "c06b64da4b222b355e7a83daac91e2572f67e525",
        ),
        small(
            "config.json",
            "{\"model_type\": \"blip-2\"}",
            "603337e4e9abbba4df7651117a6f7ee7f5a48499",
        ),
        shard(
            SHARDS[0],
            31,
            "4b842fb90e12c8e34f6484748f2e67e138ec9c7c53f72a919f9919c180c6f8d4",
        ),
        shard(
            SHARDS[1],
            37,
            "410b998f3a80e01d6660fb30d6cd0afda24e8bf11dce0888b2b70088ff7e7c05",
        ),
        small(
            "model.safetensors.index.json",
            "{\"weight_map\": {}}",
            "af469a124594712b0a0b5ee4fe57633367884703",
        ),
        small(
            "preprocessor_config.json",
            "{\"do_resize\": true}",
            "4c401c072eb8c8dbe4d1a5f4f54848514e70f059",
        ),
        shard(
            "pytorch_model.bin",
            31,
            "4b842fb90e12c8e34f6484748f2e67e138ec9c7c53f72a919f9919c180c6f8d4",
        ),
        small(
            "tokenizer.json",
            "{\"version\": \"1.0\"}",
            "fdef94443aef6c464d438c4654540cb4245f8f1e",
        ),
    ]
}

/// Names of the checkpoint's files.
fn needed() -> Vec<&'static str> {
    let mut names: Vec<&str> = files().iter().map(|file| file.name).collect();
    names.retain(|name| *name != "pytorch_model.bin");
    names
}

struct Scene {
    temporary: TempDir,
    hub: Hub,
    lookbook: Lookbook,
}

impl Scene {
    async fn new(behaviour: Behaviour) -> Scene {
        Scene::with(behaviour, Lookbook::with_services(&[])).await
    }

    async fn with(behaviour: Behaviour, lookbook: Lookbook) -> Scene {
        let hub = Hub::start(files(), behaviour).await;
        let temporary = tempfile::tempdir().unwrap();
        Scene {
            lookbook: lookbook
                .with("HF_ENDPOINT", &hub.url)
                .with("HF_TOKEN", "secret")
                .with("XDG_CACHE_HOME", temporary.path().join("cache")),
            hub,
            temporary,
        }
    }

    fn folder(&self) -> String {
        let folder = self.temporary.path().join("models/blip2");
        folder.to_str().unwrap().to_owned()
    }

    async fn fetch(&self, to: &str) -> (Option<i32>, Value) {
        self.lookbook
            .json(&["--json", "fetch-model", MODEL, to])
            .await
    }

    /// Starts a download and waits until it is in the middle of the first shard; also what
    /// there is of that.
    async fn in_the_middle(&self, log: &Path) -> (Process, PathBuf) {
        let folder = self.folder();
        let arguments = ["fetch-model", MODEL, &folder, "--concurrency", "1"];
        let mut process = self.lookbook.start(&arguments, log);
        let part = || {
            let entries = fs::read_dir(&folder).ok()?;
            let paths = entries.map(|entry| entry.unwrap().path());
            let mut parts =
                paths.filter(|path| path.extension().is_some_and(|ending| ending == "part"));
            parts.find(|path| fs::metadata(path).is_ok_and(|part| part.len() > 100_000))
        };
        let part = process.wait_until(PATIENCE, part).await.unwrap();
        (process, part)
    }

    /// From where the first shard was asked for since the last time.
    fn ranges(&self) -> Vec<Option<String>> {
        let path = format!("/files/{}", SHARDS[0]);
        let mut asked = self.hub.asked();
        asked.retain(|asked| asked.path == path);
        asked.into_iter().map(|asked| asked.range).collect()
    }

    /// Of the files that came, how each did.
    fn came(said: &Value, name: &str) -> String {
        let files = said["files"].as_array().unwrap();
        let file = files.iter().find(|file| file["file"] == name);
        file.unwrap()["came"].as_str().unwrap().to_owned()
    }

    fn assert_whole(&self, folder: &Path) {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, needed());
        for name in needed() {
            let content = fs::read(folder.join(name)).unwrap();
            assert!(content == self.hub.content(name), "{name}");
        }
    }

    /// Paths of the files that were asked for since the last time.
    fn asked(&self) -> Vec<String> {
        let asked = self.hub.asked().into_iter().map(|asked| asked.path);
        asked.filter(|path| !path.starts_with("/api")).collect()
    }
}

#[tokio::test]
async fn a_checkpoint_comes_whole_through_drops_and_redirections() {
    let scene = Scene::new(Behaviour {
        drops: 2,
        ..Behaviour::default()
    })
    .await;
    let folder = scene.folder();
    let (code, said) = scene.fetch(&folder).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said["commit"], COMMIT);
    scene.assert_whole(Path::new(&folder));
    assert_eq!(Scene::came(&said, "config.json"), "fetched");
    for asked in scene.hub.asked() {
        // The token is for the hub, not for whoever keeps its files.
        let is_hub = !asked.path.starts_with("/files/");
        let expected = is_hub.then(|| "Bearer secret".to_owned());
        assert_eq!(asked.authorization, expected, "{asked:?}");
    }

    let (_, again) = scene.fetch(&folder).await;
    assert!(
        needed()
            .iter()
            .all(|name| Scene::came(&again, name) == "there")
    );
    assert_eq!(scene.asked(), Vec::<String>::new());

    // What is no more what the hub has comes again, and nothing else.
    fs::write(
        Path::new(&folder).join("tokenizer.json"),
        "{\"version\": \"9.9\"}",
    )
    .unwrap();
    let (_, mended) = scene.fetch(&folder).await;
    assert_eq!(Scene::came(&mended, "tokenizer.json"), "fetched");
    assert_eq!(scene.asked(), ["/resolve/tokenizer.json"]);
    scene.assert_whole(Path::new(&folder));
}

#[tokio::test]
async fn a_download_goes_on_where_it_was_killed() {
    let scene = Scene::new(slow()).await;
    let folder = scene.folder();
    let log = scene.temporary.path().join("log");
    let (process, part) = scene.in_the_middle(&log).await;
    process.kill().await.unwrap();
    let bytes = fs::metadata(&part).unwrap().len();
    assert!(!Path::new(&folder).join(SHARDS[0]).exists());

    scene.hub.asked();
    scene.hub.behave(Behaviour::default());
    let (code, said) = scene.fetch(&folder).await;
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(Scene::came(&said, SHARDS[0]), "resumed");
    assert_eq!(scene.ranges(), [Some(format!("bytes={bytes}-"))]);
    scene.assert_whole(Path::new(&folder));
}

#[tokio::test]
async fn a_download_that_is_interrupted_says_so_and_what_is_there_is_gone_on_with_and_checked() {
    for is_damaged in [false, true] {
        let scene = Scene::new(slow()).await;
        let folder = scene.folder();
        let log = scene.temporary.path().join("log");
        let (process, part) = scene.in_the_middle(&log).await;
        let status = process.interrupt().await.unwrap();
        let told = fs::read_to_string(&log).unwrap();
        assert_eq!(status.code(), Some(INTERRUPTED), "{told}");
        for words in ["interrupted", "the same command goes on from here"] {
            assert!(told.contains(words), "{words} in {told}");
        }
        // What has come stays under a name of its own, and is the beginning of the file.
        let shard = format!("{}.4b842fb90e12.part", SHARDS[0]);
        assert_eq!(part, Path::new(&folder).join(shard));
        assert!(!Path::new(&folder).join(SHARDS[0]).exists());
        let mut kept = fs::read(&part).unwrap();
        assert!(kept.len() > 100_000 && kept.len() < 300_000);
        assert!(scene.hub.content(SHARDS[0]).starts_with(&kept));
        if is_damaged {
            kept[50_000] ^= 1;
            fs::write(&part, &kept).unwrap();
        }

        scene.hub.asked();
        scene.hub.behave(Behaviour::default());
        let (code, said) = scene.fetch(&folder).await;
        assert_eq!(code, Some(0), "{said}");
        let rest = Some(format!("bytes={}-", kept.len()));
        // With the rest it is not what the hub says: it comes again from its beginning.
        let (came, ranges) = match is_damaged {
            false => ("resumed", vec![rest]),
            true => ("fetched", vec![rest, None]),
        };
        assert_eq!(Scene::came(&said, SHARDS[0]), came);
        assert_eq!(scene.ranges(), ranges);
        scene.assert_whole(Path::new(&folder));
    }
}

#[tokio::test]
async fn what_an_earlier_run_left_wrong_comes_anew_also_without_ranges() {
    let scene = Scene::new(Behaviour {
        knows_no_ranges: true,
        ..Behaviour::default()
    })
    .await;
    let folder = scene.folder();
    fs::create_dir_all(&folder).unwrap();
    for (shard, checksum) in [(SHARDS[0], "4b842fb90e12"), (SHARDS[1], "410b998f3a80")] {
        let part = format!("{folder}/{shard}.{checksum}.part");
        // As many bytes as the file has, and fewer.
        let bytes = if shard == SHARDS[0] { 300_000 } else { 1000 };
        fs::write(part, vec![7; bytes]).unwrap();
    }
    let (code, said) = scene.fetch(&folder).await;
    assert_eq!(code, Some(0), "{said}");
    scene.assert_whole(Path::new(&folder));
}

#[tokio::test]
async fn a_wrong_checksum_and_a_missing_file_spoil_nothing_else() {
    let mut files = files();
    let shard = files
        .iter_mut()
        .find(|file| file.name == SHARDS[1])
        .unwrap();
    shard.content[1000] ^= 1;
    let hub = Hub::start(
        files,
        Behaviour {
            missing: Some("tokenizer.json"),
            ..Behaviour::default()
        },
    )
    .await;
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("model");
    let lookbook = Lookbook::with_services(&[]);
    let to = folder.to_str().unwrap();
    let arguments = ["--json", "fetch-model", MODEL, to, "--hub-url", &hub.url];
    let (code, said) = lookbook.json(&arguments).await;
    assert_eq!(code, Some(PARTIAL), "{said}");
    let why = |name: &str| {
        let failures = said["failures"].as_array().unwrap();
        let failure = failures.iter().find(|failure| failure["file"] == name);
        failure.unwrap()["why"].as_str().unwrap().to_owned()
    };
    assert!(why(SHARDS[1]).contains("not what the hub says"));
    assert!(why("tokenizer.json").contains("404 EntryNotFound"));
    assert_eq!(said["files"].as_array().unwrap().len(), needed().len() - 2);
    let left: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(SHARDS[1]) || name.contains("tokenizer.json"))
        .collect();
    assert!(
        left.iter().all(|name| name.ends_with(".part")) && left.len() <= 1,
        "{left:?}"
    );
}

#[tokio::test]
async fn a_refusal_ends_with_what_to_do() {
    for (status, refused, exit, part) in [
        (401, "RepoNotFound", NOT_FOUND, "spelling"),
        (403, "GatedRepo", DENIED, "accept the model's terms"),
        (401, "", DENIED, "HF_TOKEN"),
        (404, "RevisionNotFound", NOT_FOUND, "--revision"),
    ] {
        let scene = Scene::new(Behaviour {
            refuses: Some((status, refused)),
            ..Behaviour::default()
        })
        .await;
        let folder = scene.folder();
        let output = scene.lookbook.run(&["fetch-model", MODEL, &folder]).await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{told}");
        assert!(told.contains(part), "{told}");
        assert!(!told.contains("secret"), "{told}");
        assert!(!Path::new(&folder).exists());
    }
}

#[tokio::test]
async fn a_checkpoint_goes_to_s3_and_is_known_there() {
    let temporary = tempfile::tempdir().unwrap();
    let cloud = local_s3(temporary.path()).await;
    let lookbook = Lookbook::with_services(&[("S3", cloud.s3_url())]);
    let scene = Scene::with(Behaviour::default(), lookbook).await;
    let bucket = CatalogueBucket::at(cloud.s3_url());
    let place = format!("s3://{BUCKET}/models/blip2");
    let (code, said) = scene.fetch(&place).await;
    assert_eq!(code, Some(0), "{said}");
    for name in needed() {
        let object = bucket.get(&format!("models/blip2/{name}")).await.unwrap();
        assert!(object == Some(scene.hub.content(name)), "{name}");
    }
    let record = bucket.get("models/blip2/fetched.json").await.unwrap();
    let record: Value = serde_json::from_slice(&record.unwrap()).unwrap();
    assert_eq!(record["model"], MODEL);
    assert_eq!(record["commit"], COMMIT);
    // Nothing is left of the way.
    let staging = scene
        .temporary
        .path()
        .join("cache/lookbook/models/lookbook--blip2");
    assert!(!staging.join(COMMIT).exists());

    scene.hub.asked();
    let (_, again) = scene.fetch(&place).await;
    assert!(
        needed()
            .iter()
            .all(|name| Scene::came(&again, name) == "there")
    );
    assert_eq!(scene.asked(), Vec::<String>::new());

    let key = format!("models/blip2/{}", SHARDS[0]);
    bucket.put(&key, vec![7; 300_000]).await.unwrap();
    let (_, mended) = scene.fetch(&place).await;
    assert_eq!(Scene::came(&mended, SHARDS[0]), "fetched");
    assert!(bucket.get(&key).await.unwrap() == Some(scene.hub.content(SHARDS[0])));
}
