//! `lookbook status`: an endpoint, what it is made of, and what runs.

use clap::Args;
use describe_product::settings::ENDPOINT_NAME;

use crate::context::Context;
use crate::deployment::control_plane::ControlPlane;
use crate::deployment::waiting::{Goal, wait};
use crate::failure::{Exit, Failure, Outcome};
use crate::overview::Overview;
use crate::polling::Polling;
use crate::sagemaker::{check_name, client};

/// What is looked at.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The endpoint
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    endpoint: String,
    /// Wait until it is not being changed any more
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    polling: Polling,
}

/// Looks, and tells what is there.
///
/// # Errors
/// When there is no such endpoint, which is told like the rest, or SageMaker refuses.
pub async fn run(args: StatusArgs, context: &Context) -> Outcome {
    let name = &args.endpoint;
    check_name("--endpoint", name)?;
    let plane = ControlPlane {
        client: client(context).await,
    };
    if args.wait {
        let Context {
            interrupt,
            terminal,
            ..
        } = context;
        wait(
            &plane,
            name,
            &Goal::Rests,
            args.polling,
            interrupt,
            *terminal,
        )
        .await?;
    }
    let overview = Overview::of(name, &plane, context);
    let overview = context.interrupt.or(overview).await??;
    context.terminal.result(&overview, || overview.text(name))?;
    if overview.parts.endpoint.is_none() {
        return Err(
            Failure::new(Exit::NotFound, format!("there is no endpoint {name}")).next(
                "`lookbook deploy` makes it; a stack's is named by its output EndpointName: \
                 give that as --endpoint",
            ),
        );
    }
    Ok(())
}
