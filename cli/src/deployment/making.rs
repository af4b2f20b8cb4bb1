//! The parts of a deployment, one after the other.

use std::time::SystemTime;

use super::control_plane::Endpoint;
use super::deploying::{Action, Begun, Deployment};
use super::made::Made;
use super::names::made_name;
use super::wanted::Wanted;
use crate::aws_error::failure;
use crate::failure::{Exit, Failure, Outcome};
use crate::interrupt::interrupted;

impl Deployment<'_> {
    /// Model, configuration and endpoint; none of them where one fails.
    pub(super) async fn create(&self) -> Outcome<Begun> {
        let mut made = Made::default();
        let created = self.make_endpoint(&mut made).await;
        self.begun(Action::Created, created, made).await
    }

    async fn make_endpoint(&self, made: &mut Made) -> Outcome<String> {
        let name = &self.wanted.endpoint;
        let config = self.make_parts(made).await?;
        self.unless_interrupted()?;
        let sent = self.wanted.endpoint(&config);
        let sent = sent.send_with(&self.plane.client).await.map(drop);
        let sent = sent.map_err(|error| failure(&format!("CreateEndpoint {name}"), &error));
        noted(sent, &mut made.endpoint, name)?;
        self.say(format!("made: endpoint {name}"));
        Ok(config)
    }

    /// Model and configuration, and the order to go over to them.
    pub(super) async fn update(&self, before: &Endpoint) -> Outcome<Begun> {
        let name = &self.wanted.endpoint;
        let had = before.config.as_deref().unwrap_or("nothing");
        self.say(format!(
            "endpoint {name} is there, with {had}: it is updated"
        ));
        let mut made = Made::default();
        let updated = self.order_update(&mut made).await;
        self.begun(Action::Updated, updated, made).await
    }

    async fn order_update(&self, made: &mut Made) -> Outcome<String> {
        let name = &self.wanted.endpoint;
        let config = self.make_parts(made).await?;
        self.unless_interrupted()?;
        let update = self.plane.client.update_endpoint();
        let sent = update
            .endpoint_name(name)
            .endpoint_config_name(&config)
            .deployment_config(self.rollout.config())
            .send()
            .await;
        if let Err(error) = sent {
            let failure = failure(&format!("UpdateEndpoint {name}"), &error);
            self.unless_begun(failure, &config).await?;
        }
        Ok(config)
    }

    async fn begun(&self, action: Action, config: Outcome<String>, made: Made) -> Outcome<Begun> {
        match config {
            Ok(config) => Ok(Begun {
                action,
                config,
                made,
            }),
            Err(failure) => Err(self.take_back(failure, made).await),
        }
    }

    /// The model, and the configuration with it.
    async fn make_parts(&self, made: &mut Made) -> Outcome<String> {
        let Wanted { image, data, .. } = &self.wanted;
        let name = made_name(&self.wanted.endpoint, SystemTime::now());
        self.unless_interrupted()?;
        let sent = self.wanted.model(&name).send_with(&self.plane.client).await;
        let sent = sent.map(drop);
        let sent = sent.map_err(|error| failure(&format!("CreateModel {name}"), &error));
        noted(sent, &mut made.model, &name)?;
        self.say(format!("made: model {name} ({data} in {image})"));

        self.unless_interrupted()?;
        let sent = self.wanted.config(&name, &name);
        let sent = sent.send_with(&self.plane.client).await.map(drop);
        let sent = sent.map_err(|error| failure(&format!("CreateEndpointConfig {name}"), &error));
        noted(sent, &mut made.config, &name)?;
        let Wanted {
            instances,
            instance_type,
            ..
        } = &self.wanted;
        self.say(format!(
            "made: configuration {name} ({instances} of {instance_type})"
        ));
        Ok(name)
    }

    /// After an UpdateEndpoint without an answer: whether SageMaker follows it all the same.
    async fn unless_begun(&self, failure: Failure, config: &str) -> Outcome {
        if failure.exit != Exit::Unavailable {
            return Err(failure);
        }
        match self.plane.endpoint(&self.wanted.endpoint).await? {
            Some(endpoint) if endpoint.pending_config.as_deref() == Some(config) => Ok(()),
            _ => Err(failure),
        }
    }

    fn unless_interrupted(&self) -> Outcome {
        match self.context.interrupt.came() {
            true => Err(interrupted().next("nothing is left: run the same command again")),
            false => Ok(()),
        }
    }
}

/// Notes that something exists now, or may exist: a request that nobody answered may have
/// been followed.
fn noted(sent: Outcome, place: &mut Option<String>, name: &str) -> Outcome {
    let may_exist = match &sent {
        Ok(()) => true,
        Err(failure) => failure.exit == Exit::Unavailable,
    };
    if may_exist {
        *place = Some(name.to_owned());
    }
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_exist_is_taken_back_and_what_was_refused_is_not_there() {
        for (sent, exists) in [
            (Ok(()), true),
            (Err(Failure::new(Exit::Unavailable, "no answer")), true),
            (Err(Failure::new(Exit::Denied, "no")), false),
        ] {
            let mut place = None;
            let outcome = noted(sent, &mut place, "m");
            assert_eq!(place.is_some(), exists, "{outcome:?}");
        }
    }
}
