//! The defaults of the stacks, from the file in which they stand.

use serde::Deserialize;

use crate::failure::{Exit, Failure, Outcome};

/// `infra/config/default.json`, built in.
const DEFAULTS: &str = include_str!("../../infra/config/default.json");

/// The settings of the stacks that commands have the same defaults as.
#[derive(Clone, Debug, Deserialize)]
pub struct InfraDefaults {
    /// The endpoint's.
    pub endpoint: EndpointDefaults,
    /// The function's.
    pub function: FunctionDefaults,
}

/// The endpoint's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointDefaults {
    /// SageMaker's type of instance.
    pub instance_type: String,
    /// How many of them.
    pub instance_count: i32,
    /// About how many products at a time each instance is asked.
    pub products_per_instance: u32,
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

/// The function's settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionDefaults {
    /// What its processor is.
    pub architecture: String,
    /// Its memory in MiB.
    pub memory_mib: u32,
}

impl InfraDefaults {
    /// Those of `infra/config/default.json`.
    ///
    /// # Errors
    /// None, as a test reads them.
    pub fn built_in() -> Outcome<InfraDefaults> {
        serde_json::from_str(DEFAULTS).map_err(|error| {
            Failure::new(
                Exit::Failed,
                format!("the built-in infra/config/default.json: {error}"),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::InfraDefaults;
    use crate::instance_type::has_gpu;

    #[test]
    fn the_stacks_file_has_them() {
        let defaults = InfraDefaults::built_in().unwrap();
        let endpoint = defaults.endpoint;
        assert!(has_gpu(&endpoint.instance_type), "{endpoint:?}");
        assert!(endpoint.inference_ami_version.is_some());
        assert!(endpoint.instance_count > 0 && endpoint.products_per_instance > 0);
        assert!(defaults.function.memory_mib > 0);
        // SageMaker's own bounds.
        for seconds in [
            endpoint.startup_timeout_seconds,
            endpoint.download_timeout_seconds,
        ] {
            assert!((60..=3600).contains(&seconds), "{seconds}");
        }
        assert!(!defaults.function.architecture.is_empty());
    }
}
