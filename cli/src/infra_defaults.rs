//! The defaults of the stacks, from the file in which they stand, and the settings of one
//! environment, which lie over them.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::failure::{Exit, Failure, Outcome};
use crate::given_path;

/// `infra/config/default.json`, built in.
const DEFAULTS: &str = include_str!("../../infra/config/default.json");

/// The settings of the stacks that commands have the same defaults as.
#[derive(Clone, Debug, Deserialize)]
pub struct InfraDefaults {
    /// The endpoint's.
    pub endpoint: EndpointDefaults,
    /// The function's.
    pub function: FunctionDefaults,
    /// Those of Bedrock.
    pub bedrock: BedrockDefaults,
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

/// The settings of Bedrock.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BedrockDefaults {
    /// The models that may write, in order of preference.
    pub model_ids: Vec<String>,
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

/// Sections of fields.
type Sections = Map<String, Value>;

impl InfraDefaults {
    /// Those of an environment's file (`cdk deploy -c config=FILE`), which states what differs
    /// from the defaults; `infra/lib/settings-file.ts` reads it alike, and looks at every field.
    ///
    /// # Errors
    /// When it isn't there, or is no such file as far as it is read here.
    pub fn of_environment(option: &str, file: &Path) -> Outcome<InfraDefaults> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| given_path::cannot_read(option, file, "file", &error))?;
        Self::overlaid(&text).map_err(|why| {
            let what = format!("{option}: {} is no file of settings: {why}", file.display());
            Failure::usage(what).next(
                "infra/README.md has the settings; `npm run synth -- -c config=FILE` in infra looks \
                 at all of them",
            )
        })
    }

    fn overlaid(text: &str) -> Result<InfraDefaults, String> {
        let said = |error: serde_json::Error| error.to_string();
        let mut all: Sections = serde_json::from_str(DEFAULTS).map_err(said)?;
        let given: Sections = serde_json::from_str(text).map_err(said)?;
        for (section, fields) in given {
            let known = all.get_mut(&section).and_then(Value::as_object_mut);
            let known = known.ok_or_else(|| format!("{section}: unknown setting"))?;
            let Value::Object(fields) = fields else {
                return Err(format!("{section}: must be an object of fields"));
            };
            // The defaults' file has every field: what it lacks is misspelt.
            if let Some(field) = fields.keys().find(|field| !known.contains_key(*field)) {
                return Err(format!("{section}.{field}: unknown setting"));
            }
            known.extend(fields);
        }
        let settings: InfraDefaults = serde_json::from_value(Value::Object(all)).map_err(said)?;
        if settings.bedrock.model_ids.is_empty() {
            return Err("bedrock.modelIds: must name at least one model".to_owned());
        }
        match settings.endpoint.instance_count {
            1.. => Ok(settings),
            count => Err(format!(
                "endpoint.instanceCount: must be at least 1; it is {count}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::InfraDefaults;
    use crate::failure::Exit;
    use crate::instance_type::has_gpu;

    #[test]
    fn an_environments_file_lies_over_the_defaults() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.json");
        let read = |text: &str| {
            std::fs::write(&file, text).unwrap();
            InfraDefaults::of_environment("--settings", &file)
        };
        let settings = read(
            r#"{"stack": {"name": "Lookbook-Staging"},
                "endpoint": {"instanceType": "ml.c5.xlarge", "instanceCount": 3},
                "bedrock": {"modelIds": ["mine"]}}"#,
        );
        let settings = settings.unwrap();
        let defaults = InfraDefaults::built_in().unwrap();
        assert_eq!(settings.endpoint.instance_type, "ml.c5.xlarge");
        assert_eq!(settings.endpoint.instance_count, 3);
        assert_eq!(settings.bedrock.model_ids, ["mine"]);
        assert_eq!(settings.function.memory_mib, defaults.function.memory_mib);
        for (text, part) in [
            ("[]", "no file of settings"),
            (r#"{"endpoints": {}}"#, "endpoints"),
            (r#"{"endpoint": 3}"#, "endpoint"),
            (
                r#"{"endpoint": {"instanceTyp": "ml.c5.xlarge"}}"#,
                "endpoint.instanceTyp: unknown setting",
            ),
            (r#"{"bedrock": {"modelIds": []}}"#, "bedrock.modelIds"),
            (r#"{"endpoint": {"instanceCount": 0}}"#, "instanceCount"),
            (r#"{"function": {"memoryMib": "1024"}}"#, "1024"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.contains(part), "{failure}");
        }
        let none = folder.path().join("none.json");
        let failure = InfraDefaults::of_environment("--settings", &none).unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
    }

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
