//! `lookbook evaluate`: how good a checkpoint or an endpoint is.

use std::sync::Arc;

use clap::Args;
use trainer::evaluate::ask::Wire;
use trainer::evaluate::{evaluate, options, summary};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
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
    let out = args.out.display().to_string();
    // It computes and waits: not on a thread that drives tasks.
    let evaluating = tokio::task::spawn_blocking(move || evaluate(&args, wire));
    let evaluation = match context.interrupt.or(evaluating).await? {
        Ok(evaluation) => evaluation?,
        Err(error) => {
            let what = format!("the evaluation ended in a bug: {error}");
            return Err(Failure::new(Exit::Failed, what));
        }
    };
    context.terminal.result(&evaluation, || {
        format!("{}reports: {out}", summary(&evaluation))
    })
}
