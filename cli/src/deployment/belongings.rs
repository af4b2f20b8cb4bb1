//! Everything that there is because of an endpoint, and how that is known.

use serde::Serialize;

use super::control_plane::{Config, ControlPlane, Endpoint, Model};
use super::names::{ENDPOINT_TAG, STACK_TAG, is_made_name, stem};
use crate::failure::{Exit, Outcome};

/// How it is known that something is the endpoint's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// By its tag.
    Tag,
    /// The endpoint has it.
    InUse,
    /// By its name; its tags may not be read.
    Name,
}

/// A configuration or a model and how it is known to belong here.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Belonging<T> {
    /// What it is.
    #[serde(flatten)]
    pub what: T,
    /// How that is known.
    pub known: Known,
    /// Whether the endpoint has it, or is being given it.
    pub in_use: bool,
}

/// An endpoint and all that was made for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Belongings {
    /// The endpoint, if there is one.
    pub endpoint: Option<Endpoint>,
    /// The stack of CloudFormation that it is a part of.
    pub stack: Option<String>,
    /// Configurations.
    pub configs: Vec<Belonging<Config>>,
    /// Models.
    pub models: Vec<Belonging<Model>>,
}

impl Belongings {
    /// Looks for all of them.
    ///
    /// # Errors
    /// Those of the operations that list and describe. That tags may not be read is none:
    /// names tell then.
    pub async fn find(plane: &ControlPlane, name: &str) -> Outcome<Belongings> {
        let endpoint = plane.endpoint(name).await?;
        let mut found = Belongings::default();
        let mut config_names = plane.config_names(stem(name)).await?;
        config_names.retain(|config| is_made_name(name, config));
        let mut in_use = Vec::new();
        if let Some(endpoint) = &endpoint {
            found.stack = readable(plane.tag(&endpoint.arn, STACK_TAG).await)?.flatten();
            in_use.extend(endpoint.config.clone());
            in_use.extend(endpoint.pending_config.clone());
        }
        for config in in_use.iter().chain(&config_names) {
            if found.configs.iter().any(|one| &one.what.name == config) {
                continue;
            }
            let Some(config) = plane.config(config).await? else {
                continue;
            };
            let in_use = in_use.contains(&config.name);
            if let Some(known) = known(plane, &config.arn, name, in_use).await? {
                found.configs.push(Belonging {
                    what: config,
                    known,
                    in_use,
                });
            }
        }

        let mut model_names = plane.model_names(stem(name)).await?;
        model_names.retain(|model| is_made_name(name, model));
        let served = |configs: &[Belonging<Config>], used: bool| -> Vec<String> {
            let configs = configs.iter().filter(|config| config.in_use || !used);
            let variants = configs.flat_map(|config| &config.what.variants);
            variants.filter_map(|one| one.model.clone()).collect()
        };
        let in_use = served(&found.configs, true);
        let of_configs = served(&found.configs, false);
        for model in of_configs.iter().chain(&model_names) {
            if found.models.iter().any(|one| &one.what.name == model) {
                continue;
            }
            let Some(model) = plane.model(model).await? else {
                continue;
            };
            let in_use = in_use.contains(&model.name);
            if let Some(known) = known(plane, &model.arn, name, in_use).await? {
                found.models.push(Belonging {
                    what: model,
                    known,
                    in_use,
                });
            }
        }
        found.endpoint = endpoint;
        Ok(found)
    }

    /// Whether there is nothing at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoint.is_none() && self.configs.is_empty() && self.models.is_empty()
    }
}

/// How it is known that what an ARN names is the endpoint's; nothing where it is not.
async fn known(
    plane: &ControlPlane,
    arn: &str,
    endpoint: &str,
    in_use: bool,
) -> Outcome<Option<Known>> {
    let owner = readable(plane.tag(arn, ENDPOINT_TAG).await)?;
    Ok(belongs(
        owner.as_ref().map(Option::as_deref),
        endpoint,
        in_use,
    ))
}

/// `owner` is nothing where tags may not be read.
fn belongs(owner: Option<Option<&str>>, endpoint: &str, in_use: bool) -> Option<Known> {
    match owner {
        Some(Some(owner)) if owner == endpoint => Some(Known::Tag),
        _ if in_use => Some(Known::InUse),
        None => Some(Known::Name),
        // Somebody else's, or of a like name by chance.
        Some(_) => None,
    }
}

/// What was read; nothing where that is not allowed.
fn readable<T>(read: Outcome<T>) -> Outcome<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(failure) if failure.exit == Exit::Denied => Ok(None),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_decides_and_a_name_where_no_tag_may_be_read() {
        let mine = Some(Some("shirts"));
        assert_eq!(belongs(mine, "shirts", false), Some(Known::Tag));
        assert_eq!(belongs(mine, "shirts", true), Some(Known::Tag));
        let others = Some(Some("shirts-2"));
        assert_eq!(belongs(others, "shirts", false), None);
        // What the endpoint has is its own, whoever made it.
        assert_eq!(belongs(Some(None), "shirts", true), Some(Known::InUse));
        assert_eq!(belongs(Some(None), "shirts", false), None);
        assert_eq!(belongs(None, "shirts", false), Some(Known::Name));
    }
}
