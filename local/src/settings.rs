//! The flags.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use reqwest::Url;

use crate::bedrock::ModelBehaviour;

/// AWS on one machine: S3 over a folder with event notifications, and a Bedrock Runtime whose
/// texts a small language model writes. Listens on 127.0.0.1 only.
#[derive(Clone, Debug, Parser)]
#[command(name = "local-cloud", version)]
pub struct Settings {
    /// Folder for the objects of S3, one sub-folder a bucket; created where it is missing
    #[arg(long, value_name = "DIR")]
    pub root: PathBuf,

    /// A bucket that is there from the start; may be repeated
    #[arg(
        long = "bucket",
        value_name = "NAME",
        default_value = "lookbook-catalogue"
    )]
    pub buckets: Vec<String>,

    /// Port of S3; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub s3_port: u16,

    /// Port of the Bedrock Runtime; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub bedrock_port: u16,

    /// File that is written once both ports listen: {"s3": "http://…", "bedrock": "http://…"}
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,

    /// Secret key of signed S3 requests; any access key id goes with it, and unsigned requests
    /// are accepted
    #[arg(long, value_name = "SECRET", default_value = "local")]
    pub secret_access_key: String,

    /// Region that events name
    #[arg(long, default_value = "us-east-1")]
    pub region: String,

    /// Invoke URL of the function that is told of arriving objects
    /// (http://HOST:PORT/2015-03-31/functions/NAME/invocations); without it nobody is told
    #[arg(long, value_name = "URL", value_parser = http_url)]
    pub function_url: Option<Url>,

    /// Objects whose keys begin so are told of
    #[arg(long, value_name = "PREFIX", default_value = "incoming/")]
    pub incoming_prefix: String,

    /// Longest time of one invocation in ms; a stand-in for Lambda answers an event only when
    /// the function has
    #[arg(long, value_name = "MS", default_value_t = 180_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub function_timeout_ms: u64,

    /// Invocations under way at the same time
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub notification_concurrency: u16,

    /// Pause before the first of two retries in ms, the second is twice as long
    #[arg(long, value_name = "MS", default_value_t = 1000)]
    pub notification_retry_pause_ms: u64,

    /// Who writes the texts
    #[arg(long, value_enum, default_value_t = WriterKind::Smollm)]
    pub writer: WriterKind,

    /// The language model: SmolLM2-135M-Instruct as a GGUF file
    #[arg(
        long,
        value_name = "FILE",
        env = "LOOKBOOK_WRITER_MODEL",
        required_if_eq("writer", "smollm")
    )]
    pub writer_model: Option<PathBuf>,

    /// Threads of the language model. One leaves the other cores to the rest of the demo, and
    /// candle's threads wait for each other by spinning: on busy cores several are slower
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub writer_threads: u16,

    /// Seed of the language model: the same request gets the same text
    #[arg(long, default_value_t = 42)]
    pub seed: u64,

    /// Makes a model fail as at AWS: ended, invalid, profile-required, denied, throttled,
    /// throttled:N (the first N calls), slow:MS or blocked (by the guardrail that a request
    /// names); may be repeated
    #[arg(long = "model-behaviour", value_name = "ID=BEHAVIOUR")]
    pub model_behaviours: Vec<ModelBehaviour>,

    /// Form of the log on stderr
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
}

/// Who writes the texts of the Bedrock Runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriterKind {
    /// SmolLM2-135M-Instruct, run here
    Smollm,
    /// A template without a model; for load tests only
    Template,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    Text,
    /// One JSON object a line
    Json,
}

fn http_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    match (url.scheme(), url.host()) {
        ("http", Some(_)) => Ok(url),
        _ => Err("an http:// URL with a host is needed".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Settings, clap::Error> {
        Settings::try_parse_from([&["local-cloud", "--root", "data"], arguments].concat())
    }

    #[test]
    fn the_flags_have_defaults() {
        let settings = parse(&["--writer", "template"]).unwrap();
        assert_eq!(settings.buckets, ["lookbook-catalogue"]);
        assert_eq!(settings.incoming_prefix, "incoming/");
        assert_eq!((settings.s3_port, settings.bedrock_port), (0, 0));
    }

    #[test]
    fn wrong_flags_are_named() {
        for (arguments, part) in [
            (
                &["--writer", "template", "--function-url", "ftp://x"][..],
                "--function-url",
            ),
            (
                &["--writer", "template", "--model-behaviour", "m=gone"][..],
                "--model-behaviour",
            ),
            (
                &["--writer", "template", "--notification-concurrency", "0"][..],
                "--notification-concurrency",
            ),
        ] {
            let error = parse(arguments).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
