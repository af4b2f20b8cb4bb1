//! A profile of the AWS configuration that is named on the command line. As in the AWS CLI it
//! comes before keys in the environment; the SDK's own chain asks the environment first, which
//! is right for `AWS_PROFILE` alone.

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use describe_product::adapters::with_causes;

use crate::failure::{Failure, Outcome};

/// Where profiles are, by the variable that names the file and the place where it is else.
const FILES: [(&str, &str); 2] = [
    ("AWS_CONFIG_FILE", "~/.aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
];

/// Looks that there is a profile of this name.
///
/// # Errors
/// With the name and the files that were looked at, where there is none or they can't be read.
pub async fn look_for(name: &str) -> Outcome {
    let profiles = aws_config::profile::load(&usual(), &usual(), &usual(), None)
        .await
        .map_err(|error| {
            let why = with_causes(&error);
            Failure::usage(format!("--profile {name}: {why} (of {})", files()))
        })?;
    if profiles.get_profile(name).is_some() {
        return Ok(());
    }
    let what = format!("--profile {name}: there is no such profile in {}", files());
    Err(Failure::usage(what).next(
        "`aws configure list-profiles` shows those that there are; AWS_CONFIG_FILE and \
         AWS_SHARED_CREDENTIALS_FILE name other files",
    ))
}

/// The configuration `found` with the credentials of a profile: its keys, its process, its
/// session of SSO, its role. One that has none of these leaves them to the machine's role; the
/// environment is asked only where the profile says so (`credential_source`).
#[must_use]
pub fn with_credentials_of(name: &str, found: &SdkConfig) -> SdkConfig {
    let mut asking = ProviderConfig::without_region()
        .with_behavior_version(Some(BehaviorVersion::latest()))
        .with_region(found.region().cloned())
        .with_use_fips(found.use_fips())
        .with_use_dual_stack(found.use_dual_stack());
    if let Some(client) = found.http_client() {
        asking = asking.with_http_client(client);
    }
    if let Some(retries) = found.retry_config() {
        asking = asking.with_retry_config(retries.clone());
    }
    if let Some(timeouts) = found.timeout_config() {
        asking = asking.with_timeout_config(timeouts.clone());
    }
    let profile = ProfileFileCredentialsProvider::builder()
        .configure(&asking)
        .profile_name(name)
        .build();
    let container = EcsCredentialsProvider::builder().configure(&asking).build();
    let machine = ImdsCredentialsProvider::builder()
        .configure(&asking)
        .build();
    let chain = CredentialsProviderChain::first_try("Profile", profile)
        .or_else("EcsContainer", container)
        .or_else("Ec2InstanceMetadata", machine);
    found
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(chain))
        .build()
}

/// The SDK's own file system, environment and list of files, whose types it does not give away.
fn usual<T: Default>() -> T {
    T::default()
}

fn files() -> String {
    files_by(|name| std::env::var(name).ok())
}

fn files_by(variable: impl Fn(&str) -> Option<String>) -> String {
    FILES
        .map(|(name, place)| variable(name).unwrap_or_else(|| place.to_owned()))
        .join(" and ")
}

#[cfg(test)]
mod tests {
    use super::files_by;

    #[test]
    fn the_files_are_those_that_variables_name() {
        assert_eq!(files_by(|_| None), "~/.aws/config and ~/.aws/credentials");
        let set = |name: &str| (name == "AWS_CONFIG_FILE").then(|| "/a/b".to_owned());
        assert_eq!(files_by(set), "/a/b and ~/.aws/credentials");
    }
}
