//! An account of AWS that is all a test's own, and `lookbook` at work in it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::time::Duration;

use local_stack::{
    BUCKET, CatalogueBucket, LocalCloud, LocalCloudOptions, Process, Programs, Writer,
    built_program,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::moto::Moto;
use super::proxy::Proxy;

/// The endpoint that all commands are about where nothing else is said.
pub const ENDPOINT: &str = "endpoint-finetuned-blip2";

/// A role as it is given to jobs and models; moto lets any have it.
pub const ROLE: &str = "arn:aws:iam::123456789012:role/lookbook";

/// Often, so that tests are short.
const POLL_MS: &str = "50";

pub struct Account {
    pub proxy: Proxy,
    pub bucket: CatalogueBucket,
    moto: Moto,
    local_cloud: LocalCloud,
    /// Where SageMaker Runtime listens, once something serves.
    pub runtime: Option<String>,
    /// Whether requests of S3 go through the proxy as well.
    pub watches_s3: bool,
    // Last: the folder goes when nobody writes into it any more.
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Account {
    pub async fn start() -> Account {
        let folder = tempfile::tempdir().unwrap();
        let programs = Programs::find().unwrap();
        let options = LocalCloudOptions {
            writer: Writer::Template,
            model_behaviours: Vec::new(),
            function_url: None,
        };
        let (moto, local_cloud) = tokio::join!(
            Moto::start(folder.path()),
            LocalCloud::start(&programs, &options, folder.path())
        );
        let account = Account {
            proxy: Proxy::start(moto.url()).await,
            bucket: CatalogueBucket::at(moto.url()),
            moto,
            local_cloud: local_cloud.unwrap(),
            runtime: None,
            watches_s3: false,
            folder,
        };
        account.make_bucket().await;
        account
    }

    /// A path in the test's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// An address in the bucket.
    pub fn s3(&self, key: &str) -> String {
        format!("s3://{BUCKET}/{key}")
    }

    /// `lookbook`, in the account and with nothing of whoever runs the test. A word that
    /// begins with `@` is a path in the test's folder.
    pub fn command<W: AsRef<str>>(&self, words: &[W]) -> Command {
        let s3 = match self.watches_s3 {
            true => self.proxy.url(),
            false => self.moto.url().to_owned(),
        };
        let nobody = "http://127.0.0.1:1".to_owned();
        let word = |word: &W| match word.as_ref().strip_prefix('@') {
            Some(name) => self.text(name),
            None => word.as_ref().to_owned(),
        };
        let mut command = Command::new(built_program("lookbook").unwrap());
        command
            .args(words.iter().map(word))
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local")
            .env("AWS_SECRET_ACCESS_KEY", "local")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", self.proxy.url())
            .env("AWS_ENDPOINT_URL_S3", s3)
            .env(
                "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME",
                self.runtime.as_ref().unwrap_or(&nobody),
            )
            .env(
                "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
                self.local_cloud.bedrock_url(),
            )
            .kill_on_drop(true);
        command
    }

    /// Draws so many products, `@drawn`, and makes question/answer files of them,
    /// `@questions`.
    pub async fn prepare_drawn(&self, products: u32) {
        let products = products.to_string();
        let draw = [
            "sample",
            "--products",
            &products,
            "--seed",
            "7",
            "--out",
            "@drawn",
        ];
        self.run(&draw).await.succeeded();
        let prepare = [
            "prepare",
            "--data",
            "@drawn",
            "--out",
            "@questions",
            "--min-count",
            "1",
        ];
        self.run(&prepare).await.succeeded();
    }

    /// Runs `lookbook` to its end.
    pub async fn run<W: AsRef<str>>(&self, words: &[W]) -> Ran {
        Ran::of(self.command(words).output().await.unwrap())
    }

    /// Starts `lookbook`; its output, both of it, is kept in `log`.
    pub fn start_command<W: AsRef<str>>(&self, words: &[W], log: &str) -> Process {
        let mut command = self.command(words);
        Process::start("lookbook", &mut command, &self.path(log)).unwrap()
    }

    /// Tells a started `lookbook` to end as Ctrl-C does, and gives what it said.
    pub async fn interrupted(&self, process: Process, log: &str) -> Ran {
        let status = process.stop().await.unwrap();
        self.said(status, log)
    }

    /// Waits until a started `lookbook` ends, and gives what it said.
    pub async fn until_ended(&self, mut process: Process, log: &str) -> Ran {
        loop {
            if let Some(status) = process.ended().unwrap() {
                return self.said(status, log);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn said(&self, status: ExitStatus, log: &str) -> Ran {
        Ran {
            code: status.code(),
            stdout: String::new(),
            stderr: std::fs::read_to_string(self.path(log)).unwrap(),
        }
    }

    /// What deploys a checkpoint in the bucket.
    pub fn deploy<'a>(&self, more: &[&'a str]) -> Vec<&'a str> {
        let mut words = vec!["deploy", "--image", "model-server:1", "--role", ROLE];
        // moto's instances have no G5.
        words.extend(["--instance-type", "ml.g4dn.xlarge", "--poll-ms", POLL_MS]);
        words.extend(more);
        words
    }

    /// What deletes it, without a question.
    pub fn delete(&self) -> [&'static str; 4] {
        ["delete", "--yes", "--poll-ms", POLL_MS]
    }

    /// What creates a training job on what lies in the bucket.
    pub fn train<'a>(&self, name: &'a str, more: &[&'a str]) -> Vec<String> {
        let mut words = vec![
            "train",
            "--image",
            "trainer:1",
            "--role",
            ROLE,
            "--name",
            name,
        ];
        words.extend(["--poll-ms", POLL_MS]);
        words.extend(more);
        let mut words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        for (option, key) in [
            ("--images", "images/"),
            ("--input-file", "questions/"),
            ("--model", "models/base/"),
            ("--output", "jobs/"),
        ] {
            words.extend([option.to_owned(), self.s3(key)]);
        }
        words
    }

    /// Calls an operation of moto itself, past the proxy: status and answer.
    pub async fn moto(&self, service: &str, target: &str, body: Value) -> (u16, Value) {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = request
            .post(self.moto.url())
            .header("x-amz-target", target)
            .header("content-type", "application/x-amz-json-1.1")
            .header("authorization", authorization(service))
            .body(body.to_string())
            .send()
            .await
            .unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or_default())
    }

    /// Calls an operation of SageMaker that has to succeed.
    pub async fn sagemaker(&self, operation: &str, body: Value) -> Value {
        let target = format!("SageMaker.{operation}");
        let (status, answer) = self.moto("sagemaker", &target, body).await;
        assert_eq!(status, 200, "{operation}: {answer}");
        answer
    }

    /// The names of all endpoints, configurations and models that there are.
    pub async fn parts(&self) -> Vec<String> {
        let mut parts = Vec::new();
        for (operation, list, name) in [
            ("ListEndpoints", "Endpoints", "EndpointName"),
            (
                "ListEndpointConfigs",
                "EndpointConfigs",
                "EndpointConfigName",
            ),
            ("ListModels", "Models", "ModelName"),
        ] {
            let listed = self.sagemaker(operation, json!({})).await;
            for one in listed[list].as_array().unwrap() {
                parts.push(format!("{list}: {}", one[name].as_str().unwrap()));
            }
        }
        parts
    }

    /// Adds lines to a stream of CloudWatch Logs, which is made where it is not there.
    pub async fn log(&self, group: &str, stream: &str, lines: &[String]) {
        let call = async |operation: &str, body: Value| {
            let target = format!("Logs_20140328.{operation}");
            self.moto("logs", &target, body).await
        };
        // That they are there already is no failure.
        call("CreateLogGroup", json!({"logGroupName": group})).await;
        let names = json!({"logGroupName": group, "logStreamName": stream});
        call("CreateLogStream", names).await;
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
        let events: Vec<Value> = lines
            .iter()
            .map(|line| json!({"timestamp": now.as_millis() as u64, "message": line}))
            .collect();
        let body = json!({"logGroupName": group, "logStreamName": stream, "logEvents": events});
        let (status, answer) = call("PutLogEvents", body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Copies what lies under a prefix of the bucket into a folder.
    pub async fn fetch(&self, prefix: &str, folder: &Path) {
        let keys = self.bucket.keys(prefix).await.unwrap();
        assert!(!keys.is_empty(), "nothing lies under {prefix}");
        for key in keys {
            let path = folder.join(&key[prefix.len()..]);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes = self.bucket.get(&key).await.unwrap().unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// Copies a folder under a prefix of the bucket, as SageMaker does after a job.
    pub async fn store(&self, folder: &Path, prefix: &str) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                Box::pin(self.store(&path, &format!("{prefix}{name}/"))).await;
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let key = format!("{prefix}{name}");
                self.bucket.put(&key, bytes).await.unwrap();
            }
        }
    }

    async fn make_bucket(&self) {
        let request = reqwest::Client::builder().no_proxy().build().unwrap();
        let made = request
            .put(format!("{}/{BUCKET}", self.moto.url()))
            .header("authorization", authorization("s3"))
            .timeout(Duration::from_secs(60))
            .send()
            .await
            .unwrap();
        assert!(made.status().is_success(), "{made:?}");
    }
}

/// By which moto knows whose operation it is; it looks at no signature.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

impl Ran {
    pub fn of(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// It did what it was asked for; its result, where that is JSON.
    #[track_caller]
    pub fn succeeded(&self) -> Value {
        assert_eq!(self.code, Some(0), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        serde_json::from_str(&self.stdout).unwrap_or_default()
    }

    /// It ended with a code and said all of this.
    #[track_caller]
    pub fn failed(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        for words in says {
            assert!(self.stderr.contains(words), "{words:?} in {self:#?}");
        }
    }
}
