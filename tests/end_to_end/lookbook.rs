//! The operator's command line as a process, with an environment that leads it to servers of
//! a test.

use std::path::Path;
use std::process::{Output, Stdio};

use local_stack::{LocalCloud, LocalCloudOptions, Process, Programs, Writer, lookbook_program};
use serde_json::Value;
use tokio::process::Command;

/// An environment for `lookbook`.
#[derive(Clone)]
pub struct Lookbook {
    environment: Vec<(String, String)>,
}

impl Lookbook {
    /// Credentials and a region that do everywhere but at AWS, and these `AWS_ENDPOINT_URL_…`
    /// by the last part of their names.
    pub fn with_services(services: &[(&str, &str)]) -> Lookbook {
        let own = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            // No file of whoever runs the tests is read.
            ("AWS_CONFIG_FILE", "/nonexistent"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let urls = services
            .iter()
            .map(|(service, url)| (format!("AWS_ENDPOINT_URL_{service}"), (*url).to_owned()));
        Lookbook {
            environment: own.into_iter().chain(urls).collect(),
        }
    }

    /// With another variable in its environment.
    pub fn with(mut self, name: &str, value: impl AsRef<Path>) -> Lookbook {
        let value = value.as_ref().to_str().unwrap().to_owned();
        self.environment.push((name.to_owned(), value));
        self
    }

    /// Without this variable in its environment.
    pub fn without(mut self, name: &str) -> Lookbook {
        self.environment.retain(|(known, _)| known != name);
        self
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(lookbook_program().unwrap());
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs it to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().await.unwrap()
    }

    /// Runs it to its end and reads the JSON that it writes, which it does however it ends.
    pub async fn json(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.run(arguments).await;
        let said = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error} in {output:?}\n{said}"));
        (output.status.code(), json)
    }

    /// Starts it, with what it says in a file.
    pub fn start(&self, arguments: &[&str], log: &Path) -> Process {
        Process::start("lookbook", &mut self.command(arguments), log).unwrap()
    }
}

/// The local cloud for its S3 alone, over a folder.
pub async fn local_s3(folder: &Path) -> LocalCloud {
    let options = LocalCloudOptions {
        writer: Writer::Template,
        model_behaviours: Vec::new(),
        function_url: None,
    };
    let programs = Programs::find().unwrap();
    LocalCloud::start(&programs, &options, folder)
        .await
        .unwrap()
}
