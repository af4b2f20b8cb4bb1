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
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EndpointDefaults {
    /// The type of its instances.
    pub instance_type: String,
    /// How many there are.
    pub instance_count: u32,
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

    #[test]
    fn the_stacks_file_has_them() {
        let defaults = InfraDefaults::built_in().unwrap();
        assert!(defaults.endpoint.instance_type.starts_with("ml."));
        assert!(defaults.endpoint.instance_count > 0 && defaults.function.memory_mib > 0);
        assert!(!defaults.function.architecture.is_empty());
    }
}
