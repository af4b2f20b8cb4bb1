//! What an endpoint is made of where nothing else is said: the same as what the stacks
//! make it of.

use serde::Deserialize;

use crate::failure::{Exit, Failure, Outcome};

/// The defaults of the stacks, which are where these facts stand.
const CONFIGURATION: &str = include_str!("../../infra/config/default.json");

#[derive(Debug, Deserialize)]
struct Configuration {
    endpoint: EndpointDefaults,
}

/// The section `endpoint` of the stacks' settings, as far as it is used here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointDefaults {
    /// SageMaker's type of instance.
    pub instance_type: String,
    /// How many of them.
    pub instance_count: i32,
    /// The instance's system image, which decides the version of the NVIDIA driver;
    /// for instances with a GPU.
    pub inference_ami_version: Option<String>,
    /// How long `/ping` may take to answer 200 after the container was started.
    #[serde(rename = "startupHealthCheckTimeoutSeconds")]
    pub startup_timeout_seconds: i32,
    /// How long the fetching of the checkpoint may take.
    #[serde(rename = "modelDataDownloadTimeoutSeconds")]
    pub download_timeout_seconds: i32,
}

impl EndpointDefaults {
    /// The defaults that this program was built with.
    ///
    /// # Errors
    /// None in a program that passes its tests.
    pub fn read() -> Outcome<EndpointDefaults> {
        serde_json::from_str::<Configuration>(CONFIGURATION)
            .map(|configuration| configuration.endpoint)
            .map_err(|error| {
                Failure::new(
                    Exit::Failed,
                    format!("the stacks' defaults cannot be read: {error}"),
                )
            })
    }
}

/// Whether SageMaker's instance type carries an NVIDIA GPU: its G and P families do.
#[must_use]
pub fn has_gpu(instance_type: &str) -> bool {
    let Some(family) = instance_type.strip_prefix("ml.") else {
        return false;
    };
    let mut signs = family.chars();
    matches!(signs.next(), Some('g' | 'p')) && signs.next().is_some_and(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stacks_defaults_are_understood() {
        let defaults = EndpointDefaults::read().unwrap();
        assert!(has_gpu(&defaults.instance_type), "{defaults:?}");
        assert!(defaults.inference_ami_version.is_some());
        assert!(defaults.instance_count >= 1);
        // SageMaker's own bounds.
        for seconds in [
            defaults.startup_timeout_seconds,
            defaults.download_timeout_seconds,
        ] {
            assert!((60..=3600).contains(&seconds), "{seconds}");
        }
    }

    #[test]
    fn instances_with_a_gpu_are_known_by_their_family() {
        for (instance_type, gpu) in [
            ("ml.g5.2xlarge", true),
            ("ml.g4dn.xlarge", true),
            ("ml.p4d.24xlarge", true),
            ("ml.m5.xlarge", false),
            ("ml.c7g.large", false),
            ("g5.2xlarge", false),
        ] {
            assert_eq!(has_gpu(instance_type), gpu, "{instance_type}");
        }
    }
}
