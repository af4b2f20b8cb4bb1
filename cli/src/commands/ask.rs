//! `lookbook ask`: questions about photographs, answered by an endpoint.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use describe_product::domain::{AskError, Deadline, ModelAnswer, Photo, Services, fit};
use describe_product::settings::{
    ATTRIBUTE_SET, DEFAULT_CATEGORY, ENDPOINT_NAME, INFERENCE_COMPONENT_NAME,
};
use futures::{StreamExt, TryStreamExt};
use serde::Serialize;

use crate::asking::{self, Asked, Plan, Row};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::function_settings::{self, Setting};
use crate::given_path;
use crate::next_step;
use crate::photographs::Photograph;
use crate::picture::Protocol;

/// How many photographs are asked about at a time, so that a long list fills an endpoint's
/// batches and a short one is answered in order.
const AT_A_TIME: usize = 4;

/// What to ask about which photographs.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Photographs: files, or objects as s3://bucket/key
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<Photograph>,
    /// A question in words of your own; may be repeated
    #[arg(long = "question", value_name = "TEXT")]
    pub questions: Vec<String>,
    /// Every attribute that applies to the category
    #[arg(long)]
    pub all: bool,
    /// What kind of garment it is, for --all
    #[arg(long, value_name = "NAME", default_value = DEFAULT_CATEGORY.default)]
    pub category: String,
    /// The SageMaker endpoint
    #[arg(long, value_name = "NAME", default_value = ENDPOINT_NAME.default)]
    pub endpoint: String,
    /// The inference component that is asked, where the endpoint hosts its models as such: one
    /// that scales to zero does
    #[arg(long, value_name = "NAME")]
    pub inference_component: Option<String>,
    /// A TOML file with the attributes of --all, in place of the built-in ones
    #[arg(long, value_name = "FILE")]
    pub attribute_set: Option<String>,
    /// How long an answer is waited for, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60,
        value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Show no pictures, also where the terminal could
    #[arg(long)]
    pub no_picture: bool,
}

/// What an endpoint said of one photograph.
#[derive(Debug, Serialize)]
struct OfPhotograph {
    image: String,
    endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    answers: Vec<Row>,
    #[serde(skip)]
    picture: Option<String>,
    /// Nothing where there is any answer.
    #[serde(skip)]
    failure: Option<AskError>,
}

/// Asks, and shows the answers.
///
/// # Errors
/// When a photograph can't be read, or no question about one was answered.
pub async fn run(args: AskArgs, context: &Context) -> Outcome {
    let mut given = vec![Setting::new(&ENDPOINT_NAME, &args.endpoint)];
    if let Some(component) = &args.inference_component {
        given.push(Setting::new(&INFERENCE_COMPONENT_NAME, component));
    }
    if let Some(path) = &args.attribute_set {
        given_path::file("--attribute-set", Path::new(path))?;
        given.push(Setting::new(&ATTRIBUTE_SET, path));
    }
    let settings = function_settings::read(&given, context.s3_by_path())?;
    let Plan { asked, warning } = asking::plan(
        &settings.attribute_set,
        &args.category,
        args.all,
        &args.questions,
    )?;
    if let Some(warning) = warning {
        context.terminal.say(warning);
    }
    let services = describe_product::adapters::services(&settings, context.aws().await);
    let protocol = if context.terminal.is_watched() && !args.no_picture {
        Protocol::of_environment(|name| std::env::var(name).ok())
    } else {
        None
    };
    let timeout = Duration::from_secs(args.timeout);
    let work = futures::stream::iter(&args.images)
        .map(|image| ask(image, &asked, &services, protocol, timeout, context))
        .buffered(AT_A_TIME)
        .try_collect::<Vec<OfPhotograph>>();
    let all = context.interrupt.or(work).await??;
    context.terminal.result(&all, || {
        let of_each: Vec<String> = all.iter().map(text).collect();
        of_each.join("\n")
    })?;
    ending(&all)
}

async fn ask(
    image: &Photograph,
    asked: &[Asked],
    services: &Services,
    protocol: Option<Protocol>,
    timeout: Duration,
    context: &Context,
) -> Outcome<OfPhotograph> {
    let bytes = image.read(context).await?;
    let picture = protocol.and_then(|protocol| protocol.show(&bytes));
    let questions: Vec<String> = asked.iter().map(|asked| asked.question.clone()).collect();
    let most = services.model.max_photo_bytes(&questions);
    let cannot = |error: &dyn std::fmt::Display| Failure::usage(format!("{image}: {error}"));
    let photo = Photo::read(bytes).map_err(|error| cannot(&error))?;
    let fitted = tokio::task::spawn_blocking(move || fit(photo, most))
        .await
        .map_err(|error| cannot(&error))?
        .map_err(|error| cannot(&error))?;
    let deadline = Deadline::after(timeout);
    let answers = services
        .model
        .ask(&fitted.photo, &questions, deadline)
        .await;
    Ok(OfPhotograph {
        image: image.to_string(),
        endpoint: services.model.name().to_owned(),
        warning: fitted.warning,
        picture,
        failure: failure_of_all(&answers),
        answers: asking::rows(&services.attribute_set, asked, answers),
    })
}

/// The first error, where there are only errors.
fn failure_of_all(answers: &[Result<ModelAnswer, AskError>]) -> Option<AskError> {
    if answers.iter().any(Result::is_ok) {
        return None;
    }
    answers
        .iter()
        .find_map(|answer| answer.as_ref().err())
        .cloned()
}

fn text(of: &OfPhotograph) -> String {
    let mut text = of.picture.clone().unwrap_or_default();
    text.push_str(&format!("{}\n", of.image));
    if let Some(warning) = &of.warning {
        text.push_str(&format!("{warning}\n"));
    }
    text.push_str(&asking::text(&of.answers));
    text
}

/// How the command ends: whether every photograph has an answer.
fn ending(all: &[OfPhotograph]) -> Outcome {
    let failures: Vec<&AskError> = all.iter().filter_map(|of| of.failure.as_ref()).collect();
    let Some(first) = failures.first() else {
        return Ok(());
    };
    let failure = because(first);
    if failures.len() == all.len() {
        return Err(failure);
    }
    let what = format!(
        "{} of {} photographs have no answer; the first: {}",
        failures.len(),
        all.len(),
        failure.what
    );
    let partial = Failure::new(Exit::Partial, what);
    Err(match failure.next_step {
        Some(step) => partial.next(step),
        None => partial,
    })
}

fn because(error: &AskError) -> Failure {
    let said = error.to_string();
    let by_aws = match error {
        AskError::Refused { reason, .. } | AskError::Unavailable { reason, .. } => {
            next_step::of_words(reason)
        }
        AskError::InvalidPhoto { .. } | AskError::TimedOut { .. } => None,
    };
    if let Some((exit, next)) = by_aws {
        return Failure::new(exit, said).next(next);
    }
    let (exit, next) = match error {
        AskError::InvalidPhoto { .. } => (Exit::Usage, "give a whole JPEG, PNG or WebP file"),
        AskError::Refused { reason, .. } if reason.contains("not found") => (
            Exit::NotFound,
            "`lookbook deploy` makes an endpoint; a stack's is named by its output EndpointName: give \
             that as --endpoint",
        ),
        AskError::Refused { .. } => (
            Exit::Failed,
            "`lookbook doctor` looks at credentials, region and endpoint",
        ),
        AskError::Unavailable { .. } | AskError::TimedOut { .. } => (
            Exit::Unavailable,
            "`lookbook doctor` looks at the endpoint; then run the same command again",
        ),
    };
    Failure::new(exit, said).next(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(failure: Option<AskError>) -> OfPhotograph {
        OfPhotograph {
            image: "a.jpg".into(),
            endpoint: "blip2".into(),
            warning: None,
            answers: Vec::new(),
            picture: None,
            failure,
        }
    }

    fn refused(reason: &str) -> AskError {
        AskError::Refused {
            endpoint: "blip2".into(),
            reason: reason.into(),
        }
    }

    #[test]
    fn the_end_says_whether_all_some_or_none_were_answered() {
        assert!(ending(&[of(None), of(None)]).is_ok());
        let missing = || refused("ValidationError: Endpoint blip2 of account 1 not found.");
        let failure = ending(&[of(Some(missing())), of(Some(missing()))]).unwrap_err();
        assert_eq!(failure.exit, Exit::NotFound);
        assert!(failure.to_string().contains("lookbook deploy"), "{failure}");
        let failure = ending(&[of(None), of(Some(missing()))]).unwrap_err();
        assert_eq!(failure.exit, Exit::Partial);
        assert!(failure.what.starts_with("1 of 2"), "{failure}");
    }

    #[test]
    fn what_aws_refused_is_told_with_its_request_and_a_step() {
        for (reason, exit, step) in [
            (
                "AccessDeniedException (request id r-1): no",
                Exit::Denied,
                "policy",
            ),
            (
                "ValidationError (request id r-1): Inference Component Name header is required",
                Exit::Usage,
                "--inference-component",
            ),
        ] {
            let failure = ending(&[of(Some(refused(reason)))]).unwrap_err();
            assert_eq!(failure.exit, exit);
            assert!(failure.what.contains("r-1"), "{failure}");
            assert!(failure.next_step.unwrap().contains(step), "{reason}");
        }
    }

    #[test]
    fn one_answer_is_enough_for_a_photograph() {
        let answer = ModelAnswer {
            text: "yes".into(),
            confidence: None,
        };
        assert_eq!(failure_of_all(&[Err(refused("no")), Ok(answer)]), None);
        assert_eq!(failure_of_all(&[Err(refused("no"))]), Some(refused("no")));
    }
}
