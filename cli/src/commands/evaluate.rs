//! `lookbook evaluate`: how good a checkpoint or an endpoint is.

use std::sync::Arc;

use clap::Args;
use trainer::evaluate::ask::Wire;
use trainer::evaluate::{evaluate, options, summary};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::given_path;
use crate::sagemaker::check_name;
use crate::sagemaker_wire::SageMakerWire;

/// What is evaluated, on what, and how.
#[derive(Debug, Args)]
// The trainer's arguments are a group of the same name.
#[group(skip)]
pub struct EvaluateArgs {
    #[command(flatten)]
    of: options::EvaluateArgs,
    /// The inference component of --endpoint that is evaluated, where a SageMaker endpoint hosts
    /// its models as such: one that scales to zero does
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    inference_component: Option<String>,
}

/// Evaluates as `trainer evaluate` does; an endpoint that is no URL is SageMaker's.
///
/// # Errors
/// What is missing or wrong, before anything is written.
pub async fn run(args: EvaluateArgs, context: &Context) -> Outcome {
    let EvaluateArgs {
        of: mut args,
        inference_component,
    } = args;
    for (option, folder) in args.folders() {
        given_path::folder(option, folder)?;
    }
    for (option, file) in args.files() {
        given_path::file(option, file)?;
    }
    if let Some(component) = &inference_component {
        check_name("--inference-component", component)?;
    }
    let mut wire: Option<Arc<dyn Wire>> = None;
    if let Some(name) = args.endpoint.take_if(|endpoint| !endpoint.contains("://")) {
        check_name("--endpoint", &name)?;
        if args.model_dir.is_none() {
            args.name.get_or_insert_with(|| name.clone());
        }
        let client = aws_sdk_sagemakerruntime::Client::new(context.aws().await);
        wire = Some(Arc::new(SageMakerWire::new(
            client,
            name,
            inference_component,
        )));
    } else if let (Some(component), Some(url)) = (inference_component, &args.endpoint) {
        return Err(Failure::usage(format!(
            "--inference-component {component} is on an endpoint of SageMaker, and --endpoint {url} \
             is the address of a model server"
        ))
        .next("name the SageMaker endpoint as --endpoint, or leave the component out"));
    }
    // A SageMaker name was taken out above; `check` takes URLs only.
    args.check()
        .map_err(|error| Failure::usage(format!("{error:#}")))?;
    let out = args.out.display().to_string();
    // It computes and waits: not on a thread that drives tasks.
    let evaluating = tokio::task::spawn_blocking(move || evaluate(&args, wire));
    let evaluation = match context.interrupt.or(evaluating).await? {
        Ok(evaluation) => evaluation.map_err(failure)?,
        Err(error) => {
            let what = format!("the evaluation ended in a bug: {error}");
            return Err(Failure::new(Exit::Failed, what));
        }
    };
    context.terminal.result(&evaluation, || {
        format!("{}reports: {out}", summary(&evaluation))
    })
}

/// That nobody answered may pass; what else went wrong may not.
fn failure(error: anyhow::Error) -> Failure {
    let is_of_the_network = error.chain().any(|cause| {
        cause
            .downcast_ref::<reqwest::Error>()
            .is_some_and(|error| !error.is_builder() && !error.is_status())
    });
    match is_of_the_network {
        true => Failure::new(Exit::Unavailable, format!("{error:#}"))
            .next("look whether the model server is up at this address, and run it again"),
        false => Failure::from(error),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[tokio::test]
    async fn a_server_that_does_not_answer_may_answer_later() {
        let refused = reqwest::get("http://127.0.0.1:1/").await;
        let refused = refused
            .context("the endpoint can't be reached")
            .unwrap_err();
        let told = failure(refused);
        assert_eq!(told.exit, Exit::Unavailable);
        assert!(told.what.starts_with("the endpoint"), "{told}");
        assert_eq!(failure(anyhow::anyhow!("no data")).exit, Exit::Failed);
        let denied = anyhow::Error::new(Failure::new(Exit::Denied, "no"));
        assert_eq!(failure(denied).exit, Exit::Denied);
    }
}
