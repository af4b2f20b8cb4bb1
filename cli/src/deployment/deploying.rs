//! The order in which a checkpoint comes to serve, and what happens where it does not.

use serde::Serialize;

use super::control_plane::{ControlPlane, Endpoint};
use super::made::Made;
use super::names::{ENDPOINT_TAG, STACK_TAG, is_made_name};
use super::rollout::Rollout;
use super::waiting::{Goal, is_changing, wait};
use super::wanted::Wanted;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::polling::Polling;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// There was no such endpoint.
    Created,
    /// It served something else before.
    Updated,
}

/// An endpoint that serves, or is on its way to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deployed {
    /// Its name.
    pub endpoint: String,
    /// SageMaker's word for its state.
    pub status: String,
    /// What was done.
    pub action: Action,
    /// Its configuration.
    pub config: String,
    /// Its model; nothing where somebody else made it.
    pub model: Option<String>,
    /// The checkpoint.
    pub model_data: String,
    /// How long it was waited for; nothing where it was not.
    pub waited_seconds: Option<u64>,
    /// What of earlier deployments was removed.
    pub removed: Vec<String>,
}

/// A deployment.
#[derive(Debug)]
pub struct Deployment<'a> {
    /// SageMaker.
    pub plane: ControlPlane,
    /// What is to serve.
    pub wanted: Wanted,
    /// How an existing endpoint gets there.
    pub rollout: Rollout,
    /// Whether the end is waited for.
    pub waits: bool,
    /// Whether what served before stays in the account.
    pub keeps_previous: bool,
    /// How often SageMaker is asked.
    pub polling: Polling,
    /// The terminal and the interrupt.
    pub context: &'a Context,
}

/// A change of the endpoint that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) action: Action,
    pub(super) config: String,
    pub(super) made: Made,
}

impl Deployment<'_> {
    /// Makes the endpoint serve what is wanted, and takes back what it made where that
    /// fails. A change to the same that is under way already is waited for instead. An endpoint
    /// of a stack is not touched.
    ///
    /// # Errors
    /// Why the endpoint does not serve it, or that nobody waited to the end.
    pub async fn deploy(&self) -> Outcome<Deployed> {
        let name = &self.wanted.endpoint;
        let endpoint = self.plane.endpoint(name).await?;
        let begun = match endpoint {
            None => self.create().await?,
            Some(endpoint) if endpoint.status == "Deleting" => {
                self.say(format!(
                    "endpoint {name} is being deleted: that is waited for"
                ));
                self.until(&Goal::Gone).await?;
                self.create().await?
            }
            Some(endpoint) => {
                self.check_is_of_no_stack(&endpoint).await?;
                self.change(&endpoint).await?
            }
        };
        self.finish(begun).await
    }

    /// From what there is.
    async fn change(&self, endpoint: &Endpoint) -> Outcome<Begun> {
        if is_changing(&endpoint.status) {
            return self.go_on(endpoint).await;
        }
        if endpoint.status == "InService" {
            return self.update(endpoint).await;
        }
        self.remove_failed(endpoint).await?;
        self.create().await
    }

    /// CloudFormation does not hear of a change that is made beside it: the stack's next update
    /// fails, or takes it back. Who may not read tags deploys all the same.
    async fn check_is_of_no_stack(&self, endpoint: &Endpoint) -> Outcome {
        let name = &endpoint.name;
        match self.plane.tag(&endpoint.arn, STACK_TAG).await {
            Ok(None) => Ok(()),
            Ok(Some(stack)) => Err(Failure::usage(format!(
                "endpoint {name} is a part of the stack {stack}, which would not hear of the change"
            ))
            .next(format!(
                "`npx cdk deploy {stack}` in infra/ changes it; --endpoint names another endpoint"
            ))),
            Err(failure) if failure.exit == Exit::Denied => {
                let why = &failure.what;
                self.say(format!(
                    "whether endpoint {name} is a part of a stack is not known: {why}"
                ));
                Ok(())
            }
            Err(failure) => Err(failure),
        }
    }

    /// Waits for what somebody, mostly this command before it was interrupted, began.
    async fn go_on(&self, endpoint: &Endpoint) -> Outcome<Begun> {
        let name = &self.wanted.endpoint;
        let status = &endpoint.status;
        let pending = endpoint
            .pending_config
            .as_ref()
            .or(endpoint.config.as_ref());
        let config = match pending {
            Some(config) => self.plane.config(config).await?,
            None => None,
        };
        let model_name = config
            .as_ref()
            .and_then(|config| config.variants.first())
            .and_then(|variant| variant.model.as_deref());
        let model = match model_name {
            Some(model) => self.plane.model(model).await?,
            None => None,
        };
        if let (Some(config), Some(model)) = (config, model)
            && self.wanted.is(&config, &model)
        {
            self.say(format!("endpoint {name} is {status} with the same already"));
            let action = match status.as_str() {
                "Creating" => Action::Created,
                _ => Action::Updated,
            };
            let is_ours = |made: &String| is_made_name(name, made);
            let config_name = Some(config.name.clone()).filter(is_ours);
            let is_new = action == Action::Created && config_name.is_some();
            return Ok(Begun {
                action,
                made: Made {
                    endpoint: is_new.then(|| name.clone()),
                    config: config_name,
                    model: Some(model.name).filter(is_ours),
                },
                config: config.name,
            });
        }
        Err(Failure::new(
            Exit::Unavailable,
            format!(
                "endpoint {name} is {status} with something else, and takes no other order now"
            ),
        )
        .next(format!(
            "`lookbook status --endpoint {name} --wait` waits for it; then run this again"
        )))
    }

    /// A failed endpoint can be deleted and nothing else; it serves nobody.
    async fn remove_failed(&self, endpoint: &Endpoint) -> Outcome {
        let Endpoint { name, status, .. } = endpoint;
        let reason = endpoint
            .failure_reason
            .as_deref()
            .unwrap_or("no reason given");
        let owner = self.plane.tag(&endpoint.arn, ENDPOINT_TAG).await;
        let is_ours = matches!(owner, Ok(Some(owner)) if owner == *name);
        if status != "Failed" || !is_ours {
            return Err(Failure::new(
                Exit::Failed,
                format!("endpoint {name} is {status} and can't be updated: {reason}"),
            )
            .next(format!("`lookbook delete --endpoint {name}` removes it")));
        }
        self.say(format!(
            "endpoint {name} failed before ({reason}): it is removed first"
        ));
        let made = Made {
            endpoint: Some(name.clone()),
            ..Made::default()
        };
        let left = made
            .undo(&self.plane, self.polling, self.context.terminal)
            .await;
        match left.is_empty() {
            true => Ok(()),
            false => Err(Failure::new(Exit::Failed, left.join("; "))),
        }
    }

    /// Waits, if that is wanted, and tidies up.
    async fn finish(&self, begun: Begun) -> Outcome<Deployed> {
        let Begun {
            action,
            config,
            made,
        } = begun;
        let mut deployed = Deployed {
            endpoint: self.wanted.endpoint.clone(),
            status: match action {
                Action::Created => "Creating".to_owned(),
                Action::Updated => "Updating".to_owned(),
            },
            action,
            config: config.clone(),
            model: made.model.clone(),
            model_data: self.wanted.data.uri().to_owned(),
            waited_seconds: None,
            removed: Vec::new(),
        };
        if !self.waits {
            return Ok(deployed);
        }
        let goal = Goal::Serves { config };
        let waited = wait(
            &self.plane,
            &self.wanted.endpoint,
            &goal,
            self.polling,
            &self.context.interrupt,
            self.context.terminal,
        )
        .await
        .map_err(|failure| self.left_alone(failure, action))?;
        if let Err(reason) = waited.reached {
            return Err(self.failed(&reason, action, made, waited.endpoint).await);
        }
        deployed.status = waited.endpoint.map_or_else(String::new, |one| one.status);
        deployed.waited_seconds = Some(waited.took.as_secs());
        if !self.keeps_previous {
            deployed.removed = self.remove_previous().await;
        }
        Ok(deployed)
    }

    async fn until(&self, goal: &Goal) -> Outcome {
        let name = &self.wanted.endpoint;
        let Context {
            interrupt,
            terminal,
            ..
        } = self.context;
        let waited = wait(&self.plane, name, goal, self.polling, interrupt, *terminal).await?;
        waited.reached.map_err(|reason| {
            Failure::new(
                Exit::Failed,
                format!("endpoint {name} can't be made: {reason}"),
            )
        })
    }

    pub(super) fn say(&self, line: impl AsRef<str>) {
        self.context.terminal.say(line);
    }
}
