//! `lookbook push-image`: a container's image into ECR.

use clap::Args;
use serde::Serialize;

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::image_push::ecr;
use crate::image_push::engine::Engine;
use crate::image_push::reference::{fault_of_repository, parse};
use crate::transfer_progress::size;

/// What the instances of endpoints and training jobs run.
const PLATFORM: &str = "linux/amd64";

/// What is pushed, and where to.
#[derive(Debug, Args)]
pub struct PushImageArgs {
    /// The image, as the engine has it: lookbook/model-server:1.0
    #[arg(value_name = "IMAGE")]
    image: String,
    /// The repository in ECR; by default of the image's name, without registry and tag
    #[arg(long, value_name = "NAME")]
    repository: Option<String>,
    /// The tag in ECR; by default the image's
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Make the repository where there is none
    #[arg(long)]
    create: bool,
    /// The program that has the image: docker, podman, or the path of one like them
    #[arg(long, value_name = "PROGRAM", default_value = "docker")]
    engine: String,
}

/// What was pushed.
#[derive(Debug, Serialize)]
struct Pushed {
    image: String,
    /// What a model or a training job names.
    uri: String,
    digest: String,
    bytes: Option<u64>,
    platform: String,
}

/// Pushes the image.
///
/// # Errors
/// What the engine or ECR refused.
pub async fn run(args: PushImageArgs, context: &Context) -> Outcome {
    context.interrupt.or(push(args, context)).await?
}

async fn push(args: PushImageArgs, context: &Context) -> Outcome {
    let terminal = &context.terminal;
    let (repository, tag) = target(&args)?;
    let engine = Engine::new(&args.engine);
    engine.check().await?;
    let image = engine.image(&args.image).await?;
    if image.platform != PLATFORM {
        terminal.say(format!(
            "the image is for {}, and SageMaker's instances are {PLATFORM}: build it with --platform {PLATFORM}",
            image.platform
        ));
    }
    let client = aws_sdk_ecr::Client::new(context.aws().await);
    let address = ecr::repository(&client, &repository, args.create, terminal).await?;
    let registry = address.split('/').next().unwrap_or_default();
    let login = ecr::login(&client).await?;
    engine.login(registry, &login.user, &login.password).await?;
    let uri = format!("{address}:{tag}");
    engine.tag(&image.id, &uri).await?;
    terminal.say(format!("pushing {} to {uri}", args.image));
    let pushed = engine.push(&uri, terminal).await?;
    let stored = ecr::image(&client, &repository, &tag).await?;
    match pushed {
        Some(digest) if digest != stored.digest => {
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "{uri} is {} in ECR, and {digest} was pushed: somebody pushed another image under this tag meanwhile",
                    stored.digest
                ),
            )
            .next("push it under a tag of its own (--tag), or again"));
        }
        Some(_) => {}
        None => terminal.say(format!(
            "{} does not say which digest it pushed: it was not compared",
            args.engine
        )),
    }
    let result = Pushed {
        image: args.image,
        uri,
        digest: stored.digest,
        bytes: stored.bytes,
        platform: image.platform,
    };
    terminal.result(&result, || {
        let bytes = result
            .bytes
            .map_or_else(|| "of unknown size".to_owned(), size);
        format!("{} ({bytes})\n{}", result.uri, result.digest)
    })
}

/// Repository and tag in ECR.
fn target(args: &PushImageArgs) -> Outcome<(String, String)> {
    let reference = parse(&args.image);
    let repository = args
        .repository
        .clone()
        .or_else(|| Some(reference.as_ref()?.path.clone()));
    let Some(repository) = repository else {
        return Err(Failure::usage(format!(
            "{} has no name that a repository could have: name one with --repository",
            args.image
        )));
    };
    if let Some(fault) = fault_of_repository(&repository) {
        return Err(Failure::usage(fault).next("--repository names another"));
    }
    let tag = args
        .tag
        .clone()
        .or_else(|| reference.map(|reference| reference.tag))
        .unwrap_or_else(|| "latest".to_owned());
    Ok((repository, tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(image: &str, repository: Option<&str>) -> PushImageArgs {
        PushImageArgs {
            image: image.to_owned(),
            repository: repository.map(str::to_owned),
            tag: None,
            create: false,
            engine: "docker".to_owned(),
        }
    }

    #[test]
    fn the_repository_is_the_images_name_or_the_given_one() {
        let of = |image, repository| target(&args(image, repository)).unwrap();
        let named = of("lookbook/model-server:1.0", None);
        assert_eq!(named, ("lookbook/model-server".into(), "1.0".into()));
        let given = of("0123456789ab", Some("lookbook/trainer"));
        assert_eq!(given, ("lookbook/trainer".into(), "latest".into()));
        for (image, repository, part) in [
            ("0123456789ab", None, "--repository"),
            ("Lookbook", None, "lower-case"),
        ] {
            let failure = target(&args(image, repository)).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(failure.what.contains(part), "{failure}");
        }
    }
}
