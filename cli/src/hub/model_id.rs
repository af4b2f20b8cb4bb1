//! The name of a model on a hub.

use std::fmt;
use std::str::FromStr;

/// `organisation/name`, or `name` of the oldest models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelId(String);

impl ModelId {
    /// As the hub has it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part after the slash.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl FromStr for ModelId {
    type Err = String;

    fn from_str(text: &str) -> Result<ModelId, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let is_part = |part: &&str| {
            !part.is_empty()
                && !part.starts_with(['.', '-'])
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        if parts.len() > 2 || !parts.iter().all(is_part) {
            return Err(format!(
                "{text:?} is no model of a hub: organisation/name is one, such as Salesforce/blip2-flan-t5-xl"
            ));
        }
        Ok(ModelId(text.to_owned()))
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ModelId;

    #[test]
    fn a_model_is_named_with_its_organisation_or_alone() {
        let id: ModelId = "Salesforce/blip2-flan-t5-xl".parse().unwrap();
        assert_eq!(id.name(), "blip2-flan-t5-xl");
        assert_eq!("gpt2".parse::<ModelId>().unwrap().name(), "gpt2");
        for wrong in [
            "",
            "a/b/c",
            "/a",
            "a/",
            "../a",
            "a b",
            "https://x/y",
            "a/.b",
        ] {
            assert!(wrong.parse::<ModelId>().is_err(), "{wrong}");
        }
    }
}
