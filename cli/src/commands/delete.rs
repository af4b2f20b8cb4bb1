//! `lookbook delete`: an endpoint and everything that was made for it.

use clap::Args;
use describe_product::settings::ENDPOINT_NAME;

use crate::context::Context;
use crate::deployment::belongings::Belongings;
use crate::deployment::control_plane::ControlPlane;
use crate::deployment::removal::{Removal, plan, remove};
use crate::failure::{Exit, Failure, Outcome};
use crate::polling::Polling;
use crate::sagemaker::{check_name, client};

/// What is removed.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    /// The endpoint
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    endpoint: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    polling: Polling,
}

/// Shows, asks and removes.
///
/// # Errors
/// What is left, or that nobody said yes.
pub async fn run(args: DeleteArgs, context: &Context) -> Outcome {
    let name = &args.endpoint;
    check_name("--endpoint", name)?;
    let plane = ControlPlane {
        client: client(context).await,
    };
    let belongings = Belongings::find(&plane, name);
    let belongings = context.interrupt.or(belongings).await??;
    if let Some(stack) = &belongings.stack {
        return Err(Failure::usage(format!(
            "endpoint {name} is a part of the stack {stack}, which would miss it"
        ))
        .next(format!("`cdk destroy {stack}` removes it with the rest")));
    }
    if belongings.is_empty() {
        context
            .terminal
            .say(format!("there is nothing of endpoint {name}"));
        let nothing = Removal::default();
        return context
            .terminal
            .result(&nothing, || "nothing to remove".to_owned());
    }
    context.terminal.say(plan(&belongings).trim_end());
    if !args.yes && !agreed(context).await? {
        return Err(Failure::new(Exit::Failed, "nothing was removed"));
    }
    let removal = remove(&plane, &belongings, args.polling, context).await?;
    context.terminal.result(&removal, || text(&removal))?;
    removal.verdict()
}

/// Asks whether to go on, where somebody can answer.
async fn agreed(context: &Context) -> Outcome<bool> {
    let terminal = context.terminal;
    let asking =
        tokio::task::spawn_blocking(move || terminal.confirm("Remove all of these?", "--yes"));
    match context.interrupt.or(asking).await? {
        Ok(agreed) => agreed,
        Err(error) => Err(Failure::new(
            Exit::Failed,
            format!("nobody was asked: {error}"),
        )),
    }
}

fn text(removal: &Removal) -> String {
    let mut text = match removal.removed.len() {
        0 => "nothing was removed".to_owned(),
        1 => "1 part was removed".to_owned(),
        removed => format!("{removed} parts were removed"),
    };
    if !removal.left.is_empty() {
        text.push_str(&format!(", {} are left", removal.left.len()));
    }
    if !removal.stays.is_empty() {
        let stays = removal.stays.join(", ");
        text.push_str(&format!("\nnot touched: {stays}"));
    }
    text
}
