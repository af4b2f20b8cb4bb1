//! The settings of the function that describes products, as options of the commands that
//! do its work here: the same names, defaults and checks.

use std::str::FromStr;

use clap::Args;
use describe_product::settings::{
    BEDROCK_MODEL_IDS, BEDROCK_REGION, ENDPOINT_NAME, INFERENCE_COMPONENT_NAME, Settings,
    VARIABLES, Variable,
};

use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// What leads the SDK's S3 client elsewhere, by which the function knows that objects are
/// addressed by paths.
const ELSEWHERE: &str = "AWS_ENDPOINT_URL_S3";

/// Options that stand for settings of the function.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "How products are described")]
pub struct FunctionSettings {
    /// The SageMaker endpoint that answers questions about photographs
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    pub endpoint: String,
    /// The inference component that is asked, where the endpoint hosts its models as such: one
    /// that scales to zero does
    #[arg(long, value_name = "NAME")]
    pub inference_component: Option<String>,
    /// A model of Bedrock that may write, by id, inference profile or ARN; repeated, the
    /// first that is available writes [default: the function's own list]
    #[arg(long = "model", value_name = "ID")]
    pub models: Vec<String>,
    /// The region of Bedrock, if another
    #[arg(long, value_name = "REGION")]
    pub bedrock_region: Option<String>,
    /// Any setting of the function, as `describe-product --help` lists them; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<Setting>,
}

/// A setting of the function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

impl Setting {
    /// This value of this variable.
    pub fn new(variable: &Variable, value: impl Into<String>) -> Setting {
        Setting {
            name: variable.name,
            value: value.into(),
        }
    }
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Setting, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("{text:?} is no setting: write NAME=VALUE"))?;
        match VARIABLES.iter().find(|variable| variable.name == name) {
            Some(variable) => Ok(Setting::new(variable, value)),
            None => {
                let names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
                Err(format!(
                    "the function has no setting {name:?}; it has {}",
                    names.join(", ")
                ))
            }
        }
    }
}

impl FunctionSettings {
    /// The settings that these options come to, with `further` ones behind the options of
    /// their own and before `--set`.
    ///
    /// # Errors
    /// When a value is not one that the function takes.
    pub fn read(&self, further: Vec<Setting>, context: &Context) -> Outcome<Settings> {
        let mut all = vec![Setting::new(&ENDPOINT_NAME, &self.endpoint)];
        if let Some(component) = &self.inference_component {
            all.push(Setting::new(&INFERENCE_COMPONENT_NAME, component));
        }
        if !self.models.is_empty() {
            all.push(Setting::new(&BEDROCK_MODEL_IDS, self.models.join(",")));
        }
        if let Some(region) = &self.bedrock_region {
            all.push(Setting::new(&BEDROCK_REGION, region));
        }
        all.extend(further);
        all.extend(self.set.iter().cloned());
        read(&all, context.s3_by_path())
    }
}

/// The function's settings with these values, of which the last counts where one is given
/// twice, and defaults for the others. The environment of this process has no say.
///
/// # Errors
/// When a value is not one that the function takes.
pub fn read(given: &[Setting], s3_by_path: bool) -> Outcome<Settings> {
    Settings::read(|name| {
        if name == ELSEWHERE {
            return s3_by_path.then(|| "elsewhere".to_owned());
        }
        let setting = given.iter().rev().find(|setting| setting.name == name);
        setting.map(|setting| setting.value.clone())
    })
    .map_err(|error| {
        Failure::usage(format!("wrong setting of the function: {error}"))
            .next("`describe-product --help` lists the settings; --set NAME=VALUE sets them")
    })
}

#[cfg(test)]
mod tests {
    use describe_product::settings::{MAX_TOKENS, TEMPERATURE};

    use super::{Setting, read};
    use crate::failure::Exit;

    #[test]
    fn the_last_value_counts_and_the_rest_are_the_functions_defaults() {
        let given = ["MAX_TOKENS=700", "MAX_TOKENS=900", "AUDIENCE=a=b"];
        let given = given.map(|text| text.parse::<Setting>().unwrap());
        let settings = read(&given, true).unwrap();
        assert_eq!(settings.max_tokens, 900);
        assert_eq!(settings.wording.style.audience.as_deref(), Some("a=b"));
        assert_eq!(settings.endpoint_name, "endpoint-finetuned-blip2");
        assert!(settings.s3_path_style);
        assert!(!read(&[], false).unwrap().s3_path_style);
    }

    #[test]
    fn what_is_no_setting_is_said_with_those_that_are() {
        let error = "MAX_TOKEN=1".parse::<Setting>().unwrap_err();
        assert!(
            error.contains("\"MAX_TOKEN\"") && error.contains(MAX_TOKENS.name),
            "{error}"
        );
        assert!("MAX_TOKENS".parse::<Setting>().is_err());
        let failure = read(&[Setting::new(&TEMPERATURE, "2")], false).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert!(failure.what.contains("TEMPERATURE"), "{failure}");
    }
}
