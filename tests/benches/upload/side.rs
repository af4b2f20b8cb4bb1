//! Both programs, each with a server that has nothing yet.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use local_stack::{BUCKET, CatalogueBucket, LocalCloud, LocalCloudOptions, Programs, Writer};
use tests::times::Times;
use tokio::process::Command;

use crate::Setting;

/// Requests at the same time of the other side, where it is set as ours is by default.
const AS_MANY: u16 = 32;

/// Who uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// `aws s3 sync` as it is.
    Aws,
    /// The same with as many requests at a time as we have.
    AwsAsMany,
    /// `lookbook upload`.
    Ours,
}

impl Who {
    pub const ALL: [Who; 3] = [Who::Aws, Who::AwsAsMany, Who::Ours];

    pub fn name(self) -> String {
        match self {
            Who::Aws => "aws s3 sync".to_owned(),
            Who::AwsAsMany => format!("aws s3 sync, {AS_MANY} requests at a time"),
            Who::Ours => "lookbook upload".to_owned(),
        }
    }
}

/// What was measured of a side: seconds of whole processes.
#[derive(Clone, Debug)]
pub struct OfSide {
    pub who: Who,
    /// Into an empty bucket.
    pub first: Times,
    /// The same again, where nothing has changed.
    pub again: Times,
}

/// One round of a side: seconds of both runs.
pub async fn round(who: Who, setting: &Setting) -> Result<(f64, f64)> {
    let temporary = tempfile::tempdir().context("no temporary folder")?;
    let options = LocalCloudOptions {
        writer: Writer::Template,
        model_behaviours: Vec::new(),
        function_url: None,
    };
    let cloud = LocalCloud::start(&setting.programs(), &options, temporary.path()).await?;
    let mut server = Server {
        cloud,
        puts: 0,
        bucket: None,
    };
    let first = run(who, setting, &server, temporary.path()).await?;
    server.check(setting.files, setting.files).await?;
    let again = run(who, setting, &server, temporary.path()).await?;
    server.check(setting.files, 0).await?;
    Ok((first, again))
}

impl Setting {
    /// Of these only the local cloud is started.
    fn programs(&self) -> Programs {
        Programs {
            repository: self.repository.clone(),
            model_server: PathBuf::new(),
            local_cloud: self.local_cloud.clone(),
            function: PathBuf::new(),
            cargo_lambda: PathBuf::new(),
            writer_model: None,
        }
    }
}

/// A server, and what was asked of it.
struct Server {
    cloud: LocalCloud,
    /// Objects that were written, by its log.
    puts: usize,
    bucket: Option<CatalogueBucket>,
}

impl Server {
    /// Whether all files are objects, and so many were written since the last look.
    async fn check(&mut self, files: usize, written: usize) -> Result<()> {
        let url = self.cloud.s3_url().to_owned();
        let bucket = self.bucket.get_or_insert_with(|| CatalogueBucket::at(&url));
        let objects = bucket.keys("to/").await?.len();
        let log = self.cloud.process_mut().output();
        let puts = log
            .lines()
            .filter(|line| line.contains("method=PUT"))
            .count();
        let new = puts - self.puts;
        self.puts = puts;
        if objects != files || new != written {
            bail!("{objects} objects of {files} files, {new} written and {written} to be written");
        }
        Ok(())
    }
}

/// Runs a side's program once; its seconds, from its start to its end.
async fn run(who: Who, setting: &Setting, server: &Server, temporary: &Path) -> Result<f64> {
    let place = format!("s3://{BUCKET}/to");
    let mut command = match who {
        Who::Ours => {
            let mut command = Command::new(&setting.lookbook);
            command.args(["--quiet", "upload"]);
            command
        }
        Who::Aws | Who::AwsAsMany => {
            let mut command = Command::new(&setting.aws);
            command.args(["s3", "sync", "--only-show-errors"]);
            command
        }
    };
    let config = temporary.join("aws-config");
    let text = match who {
        Who::AwsAsMany => format!("[default]\ns3 =\n  max_concurrent_requests = {AS_MANY}\n"),
        Who::Aws | Who::Ours => String::new(),
    };
    fs::write(&config, text)?;
    command
        .arg(&setting.folder)
        .arg(&place)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", temporary)
        .env("XDG_CACHE_HOME", temporary.join("cache"))
        .env("AWS_CONFIG_FILE", &config)
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "local")
        .env("AWS_SECRET_ACCESS_KEY", "local")
        .env("AWS_ENDPOINT_URL_S3", server.cloud.s3_url())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let began = Instant::now();
    let output = command
        .output()
        .await
        .with_context(|| format!("cannot run {}", who.name()))?;
    let seconds = began.elapsed().as_secs_f64();
    if !output.status.success() {
        bail!(
            "{} failed: {}",
            who.name(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(seconds)
}
