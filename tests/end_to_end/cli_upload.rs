//! `lookbook upload`, with the S3 server of the local cloud: only what changed, on from where
//! it was, and nothing half.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use local_stack::{BUCKET, CatalogueBucket, LocalCloud};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::lookbook::{Lookbook, local_s3};

/// Long enough that what was written before is settled for an index.
const SETTLED: Duration = Duration::from_millis(2_200);

/// How long a process may take to come where a test wants it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Exit codes of `docs/cli.md`.
const USAGE: i32 = 2;
const NOT_FOUND: i32 = 4;
const PARTIAL: i32 = 6;
const INTERRUPTED: i32 = 130;

/// An S3 server, a folder and a command line for both.
struct Scene {
    // Ends before its folder goes.
    _cloud: LocalCloud,
    temporary: TempDir,
    folder: PathBuf,
    bucket: CatalogueBucket,
    lookbook: Lookbook,
}

impl Scene {
    async fn new() -> Scene {
        let temporary = tempfile::tempdir().unwrap();
        let cloud = local_s3(temporary.path()).await;
        let folder = temporary.path().join("folder");
        fs::create_dir(&folder).unwrap();
        Scene {
            bucket: CatalogueBucket::at(cloud.s3_url()),
            lookbook: Lookbook::with_services(&[("S3", cloud.s3_url())])
                .with("XDG_CACHE_HOME", temporary.path().join("cache")),
            folder,
            _cloud: cloud,
            temporary,
        }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn arguments<'a>(&'a self, place: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let folder = self.folder.to_str().unwrap();
        [&["--json", "upload", folder, place], more].concat()
    }

    /// Uploads below `to/`.
    async fn upload(&self, more: &[&str]) -> (Option<i32>, Value) {
        let place = format!("s3://{BUCKET}/to");
        self.lookbook.json(&self.arguments(&place, more)).await
    }

    /// Uploads, and nothing may fail.
    async fn uploaded(&self, more: &[&str]) -> Value {
        let (code, said) = self.upload(more).await;
        assert_eq!(code, Some(0), "{said}");
        said
    }

    /// Every file of the folder is an object with its content, and nothing else is there.
    async fn assert_equal(&self) {
        let mut files = Vec::new();
        collect(&self.folder, &self.folder, &mut files);
        files.sort();
        let keys = self.bucket.keys("to/").await.unwrap();
        let names: Vec<String> = files.iter().map(|name| format!("to/{name}")).collect();
        assert_eq!(keys, names);
        for name in files {
            let object = self.bucket.get(&format!("to/{name}")).await.unwrap();
            let file = fs::read(self.folder.join(&name)).unwrap();
            assert!(object.as_deref() == Some(file.as_slice()), "{name}");
        }
    }

    /// Names of files in the root of the S3 server that begin so.
    fn in_server(&self, begin: &str) -> Vec<String> {
        let entries = fs::read_dir(self.temporary.path().join("s3")).unwrap();
        entries
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.starts_with(begin))
            .collect()
    }

    /// The one index in the cache.
    fn index(&self) -> PathBuf {
        let folder = self.temporary.path().join("cache/lookbook/uploads");
        let entries = fs::read_dir(folder).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths
            .find(|path| path.extension().is_some_and(|ending| ending == "jsonl"))
            .unwrap()
    }
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => collect(root, &path, names),
            false => names.push(
                path.strip_prefix(root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned(),
            ),
        }
    }
}

/// Files, as many as `said` counts for `what`.
fn files(said: &Value, what: &str) -> u64 {
    said[what]["files"].as_u64().unwrap()
}

/// How many files were read to be compared.
fn read(said: &Value) -> u64 {
    said["read"].as_u64().unwrap()
}

/// Bytes that are no other file's.
fn noise(seed: u8, bytes: usize) -> Vec<u8> {
    let mut state = u32::from(seed) + 1;
    (0..bytes)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state.to_le_bytes()[0]
        })
        .collect()
}

#[tokio::test]
async fn only_what_changed_is_sent_and_what_did_not_is_not_even_read() {
    let scene = Scene::new().await;
    let odd = [
        "plain.jpg",
        "a b+c&d=e.jpg",
        "ü/100%/'quoted' <x> \"y\".json",
        "-begins with a dash",
        "deep/er/and/deeper.txt",
        ".hidden",
    ];
    for (number, name) in (0..).zip(odd) {
        scene.write(name, noise(number, 500));
    }
    scene.write("empty", "");
    tokio::time::sleep(SETTLED).await;
    let first = scene.uploaded(&[]).await;
    assert_eq!(
        (files(&first, "uploaded"), files(&first, "unchanged")),
        (7, 0)
    );
    assert_eq!(first["uploaded"]["bytes"], 3000);
    scene.assert_equal().await;

    let second = scene.uploaded(&[]).await;
    assert_eq!(
        (files(&second, "uploaded"), files(&second, "unchanged")),
        (0, 7)
    );
    assert_eq!(read(&second), 0, "{second}");

    // One changes and keeps its size, one only its time, one goes, one comes.
    scene.write("plain.jpg", noise(99, 500));
    let touched = fs::File::options()
        .write(true)
        .open(scene.folder.join(".hidden"));
    touched
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    fs::remove_file(scene.folder.join("empty")).unwrap();
    scene.write("new.jpg", "new");
    let (code, dry) = scene.upload(&["--dry-run", "--delete"]).await;
    assert_eq!(code, Some(0));
    let reason = |name: &str| {
        let all = dry["would_upload"].as_array().unwrap();
        let found = all.iter().find(|remark| remark["file"] == name);
        found.map(|remark| remark["why"].clone())
    };
    assert_eq!(reason("plain.jpg"), Some("changed".into()));
    assert_eq!(reason("new.jpg"), Some("new".into()));
    assert_eq!(dry["would_upload"].as_array().unwrap().len(), 2, "{dry}");
    assert_eq!(dry["deleted"], json!(["empty"]));
    assert!(scene.bucket.get("to/empty").await.unwrap().is_some());

    let output = scene
        .lookbook
        .run(&scene.arguments(&format!("s3://{BUCKET}/to"), &["--delete"]))
        .await;
    assert_eq!(output.status.code(), Some(USAGE), "nobody can answer");
    let third = scene.uploaded(&["--delete", "--yes"]).await;
    assert_eq!(
        (files(&third, "uploaded"), files(&third, "unchanged")),
        (2, 5)
    );
    assert_eq!(read(&third), 2, "what was changed or touched: {third}");
    assert_eq!(third["deleted"], json!(["empty"]));
    scene.assert_equal().await;
}

#[tokio::test]
async fn what_another_wrote_and_an_index_that_lies_are_found_out() {
    let scene = Scene::new().await;
    for number in 0..5 {
        scene.write(&format!("{number}.jpg"), noise(number, 1000));
    }
    tokio::time::sleep(SETTLED).await;
    scene.uploaded(&[]).await;

    // An object of the same size with other content.
    let mut spoilt = noise(3, 1000);
    spoilt[500] ^= 1;
    scene.bucket.put("to/3.jpg", spoilt).await.unwrap();
    let mended = scene.uploaded(&[]).await;
    assert_eq!((files(&mended, "uploaded"), read(&mended)), (1, 1));
    scene.assert_equal().await;

    // An index that was written to, and one that is gone.
    let index = scene.index();
    let text = fs::read_to_string(&index).unwrap();
    let lies = text.replacen("1000", "1001", 1);
    assert_ne!(text, lies);
    fs::write(&index, lies).unwrap();
    let output = scene
        .lookbook
        .run(&scene.arguments(&format!("s3://{BUCKET}/to"), &[]))
        .await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("it is damaged"), "{told}");
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((files(&said, "unchanged"), read(&said)), (5, 5));
    fs::remove_file(&index).unwrap();
    let again = scene.uploaded(&[]).await;
    assert_eq!((files(&again, "unchanged"), read(&again)), (5, 5));
    let verified = scene.uploaded(&["--verify"]).await;
    assert_eq!((files(&verified, "unchanged"), read(&verified)), (5, 5));
}

#[tokio::test]
async fn a_large_file_goes_on_after_a_kill_and_is_never_seen_half() {
    let scene = Scene::new().await;
    let mut content = noise(1, 96 << 20);
    scene.write("model.safetensors", &content);
    let slowly = ["--part-size", "5", "--concurrency", "1"];
    let place = format!("s3://{BUCKET}/to");
    let log = scene.temporary.path().join("log");
    let mut process = scene
        .lookbook
        .start(&scene.arguments(&place, &slowly), &log);
    let arrived = || {
        let names = scene.in_server(".upload_id-");
        let parts = names
            .iter()
            .filter(|name| name.contains(".record-"))
            .count();
        (parts >= 2).then_some(())
    };
    process.wait_until(PATIENCE, arrived).await.unwrap();
    process.kill().await.unwrap();
    let key = "to/model.safetensors";
    assert_eq!(scene.bucket.get(key).await.unwrap(), None);
    assert_eq!(
        scene.bucket.keys("to/").await.unwrap(),
        Vec::<String>::new()
    );

    // The first part is another one by now: it is sent again, the others are not.
    content[0] ^= 1;
    scene.write("model.safetensors", &content);
    let said = scene.uploaded(&slowly).await;
    let resumed = said["resumed_bytes"].as_u64().unwrap();
    assert!((5 << 20..=91 << 20).contains(&resumed), "{said}");
    assert!(scene.bucket.get(key).await.unwrap() == Some(content));
    assert_eq!(scene.in_server(".upload"), Vec::<String>::new());

    // Its checksum is one of parts, by which it is known without an index.
    fs::remove_file(scene.index()).unwrap();
    let again = scene.uploaded(&slowly).await;
    assert_eq!(
        (files(&again, "unchanged"), files(&again, "uploaded")),
        (1, 0)
    );
}

#[tokio::test]
async fn a_signal_ends_it_and_the_same_command_goes_on() {
    const FILES: usize = 600;
    let scene = Scene::new().await;
    for number in 0..FILES {
        scene.write(&format!("{}/{number}.bin", number % 7), number.to_string());
    }
    let place = format!("s3://{BUCKET}/to");
    let log = scene.temporary.path().join("log");
    let slowly = ["--concurrency", "1"];
    let mut process = scene
        .lookbook
        .start(&scene.arguments(&place, &slowly), &log);
    let some = || (scene.in_server(".bucket-").len() > 40).then_some(());
    process.wait_until(PATIENCE, some).await.unwrap();
    let status = process.stop().await.unwrap();
    let told = fs::read_to_string(&log).unwrap();
    assert_eq!(status.code(), Some(INTERRUPTED), "{told}");
    assert!(told.contains("the same command goes on"), "{told}");
    let there = scene.bucket.keys("to/").await.unwrap().len();
    assert!((10..FILES).contains(&there), "{there}");

    let said = scene.uploaded(&[]).await;
    let (sent, kept) = (files(&said, "uploaded"), files(&said, "unchanged"));
    assert_eq!(sent + kept, FILES as u64);
    assert!(kept >= there as u64, "{said}");
    scene.assert_equal().await;
}

#[tokio::test]
async fn what_fails_is_listed_and_the_rest_is_there() {
    let scene = Scene::new().await;
    scene.write("good.jpg", "good");
    scene.write("two\nlines.jpg", "bad");
    scene.write("notes.txt", "left out");
    symlink(scene.folder.join("good.jpg"), scene.folder.join("link.jpg")).unwrap();
    symlink(scene.folder.join("gone"), scene.folder.join("broken.jpg")).unwrap();
    scene
        .bucket
        .put("to/old.jpg", b"old".to_vec())
        .await
        .unwrap();
    let more = ["--exclude", "*.txt", "--delete", "--yes"];
    let (code, said) = scene.upload(&more).await;
    assert_eq!(code, Some(PARTIAL), "{said}");
    let failed: Vec<&str> = said["failures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|failure| failure["file"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["broken.jpg", "two\nlines.jpg"]);
    // Nothing is deleted while something is missing.
    let keys = scene.bucket.keys("to/").await.unwrap();
    assert_eq!(keys, ["to/good.jpg", "to/link.jpg", "to/old.jpg"]);
    assert_eq!(
        scene.bucket.get("to/link.jpg").await.unwrap().unwrap(),
        b"good"
    );

    let place = "s3://no-such-bucket/to";
    let output = scene.lookbook.run(&scene.arguments(place, &[])).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(NOT_FOUND), "{told}");
    assert!(told.contains("NoSuchBucket"), "{told}");
}

#[tokio::test]
async fn nothing_is_written_into_the_folder_and_no_index_is_no_obstacle() {
    let mut scene = Scene::new().await;
    scene.write("sub/1.jpg", "one");
    for path in ["sub/1.jpg", "sub", ""] {
        let path = scene.folder.join(path);
        let mode = if path.is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    // A file where the cache's folder should be: no index can be kept.
    let blocked = scene.temporary.path().join("blocked");
    fs::write(&blocked, "").unwrap();
    scene.lookbook = scene.lookbook.with("XDG_CACHE_HOME", &blocked);
    for (sent, kept) in [(1, 0), (0, 1)] {
        let output = scene
            .lookbook
            .run(&scene.arguments(&format!("s3://{BUCKET}/to"), &[]))
            .await;
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(told.contains("can't be used"), "{told}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            (files(&said, "uploaded"), files(&said, "unchanged")),
            (sent, kept)
        );
    }
    scene.assert_equal().await;
    // So that the temporary folder can be removed.
    for path in ["", "sub"] {
        fs::set_permissions(scene.folder.join(path), PermissionsExt::from_mode(0o755)).unwrap();
    }
}
