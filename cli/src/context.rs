//! What every command has at hand.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::{Builder, tls};
use tokio::sync::OnceCell;

use crate::arguments::Global;
use crate::failure::Outcome;
use crate::interrupt::Interrupt;
use crate::profile;
use crate::terminal::Terminal;

/// The terminal, the interrupt and the account.
#[derive(Debug)]
pub struct Context {
    /// Where results and progress go.
    pub terminal: Terminal,
    /// Whether the user wants the command to end.
    pub interrupt: Interrupt,
    global: Global,
    aws: OnceCell<SdkConfig>,
}

impl Context {
    /// Nothing of AWS is looked at before a command needs it. To be called inside a
    /// tokio runtime.
    #[must_use]
    pub fn new(global: Global) -> Context {
        Context {
            terminal: Terminal {
                json: global.json,
                quiet: global.quiet,
            },
            interrupt: Interrupt::listen(),
            global,
            aws: OnceCell::new(),
        }
    }

    /// Looks that there is a profile as `--profile` names it, if it does.
    ///
    /// # Errors
    /// Where there is none; its files are named.
    pub async fn look_for_profile(&self) -> Outcome {
        match &self.global.profile {
            Some(name) => profile::look_for(name).await,
            None => Ok(()),
        }
    }

    /// Credentials, region and endpoints as the AWS CLI finds them: options first, then
    /// the environment, then the profile's files. `--profile` is an option as well, so that
    /// its credentials come before those of the environment.
    pub async fn aws(&self) -> &SdkConfig {
        self.aws
            .get_or_init(|| async {
                let http = Builder::new()
                    .tls_provider(tls::Provider::Rustls(
                        tls::rustls_provider::CryptoMode::Ring,
                    ))
                    .build_https();
                let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
                if let Some(profile) = &self.global.profile {
                    loader = loader.profile_name(profile);
                }
                if let Some(region) = &self.global.region {
                    loader = loader.region(Region::new(region.clone()));
                }
                if let Some(url) = &self.global.endpoint_url {
                    loader = loader.endpoint_url(url);
                }
                let found = loader.load().await;
                match &self.global.profile {
                    Some(name) => profile::with_credentials_of(name, &found),
                    None => found,
                }
            })
            .await
    }

    /// Whether objects are addressed by paths, as on another endpoint (one machine), where
    /// names of buckets are no names of hosts.
    #[must_use]
    pub fn s3_by_path(&self) -> bool {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        self.global.endpoint_url.is_some()
            || is_set("AWS_ENDPOINT_URL_S3")
            || is_set("AWS_ENDPOINT_URL")
    }

    /// S3 in the account's way, or by paths where [`Context::s3_by_path`] says so.
    pub async fn s3(&self) -> aws_sdk_s3::Client {
        let config = aws_sdk_s3::config::Builder::from(self.aws().await)
            .force_path_style(self.s3_by_path())
            .build();
        aws_sdk_s3::Client::from_conf(config)
    }
}
