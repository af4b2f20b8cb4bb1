//! The container's image.

use std::str::FromStr;

use aws_config::SdkConfig;
use aws_sdk_ecr::types::ImageIdentifier;

use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Outcome};

/// From here on fetching it takes minutes of every start, and an endpoint may be given up
/// before it can answer. A CUDA image of the model server has 2 to 3 GB.
const LARGE_BYTES: i64 = 10_000_000_000;
const BYTES_A_GB: f64 = 1e9;

/// An image of the account's registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The repository.
    pub repository: String,
    /// The tag.
    pub tag: String,
}

impl FromStr for Image {
    type Err = String;

    /// `repository`, `repository:tag`, or the same after a registry's host.
    fn from_str(text: &str) -> Result<Image, String> {
        let name = match text.split_once('/') {
            Some((host, name)) if host.contains('.') => name,
            _ => text,
        };
        let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
        if repository.is_empty() || tag.is_empty() {
            return Err(format!("{text:?} is no image: write REPOSITORY:TAG"));
        }
        Ok(Image {
            repository: repository.to_owned(),
            tag: tag.to_owned(),
        })
    }
}

/// Asks for the image's size in bytes, as it is fetched; nothing where ECR does not say it.
pub async fn ask(config: &SdkConfig, image: &Image) -> Outcome<Option<i64>> {
    let Image { repository, tag } = image;
    let answer = aws_sdk_ecr::Client::new(config)
        .describe_images()
        .repository_name(repository)
        .image_ids(ImageIdentifier::builder().image_tag(tag).build())
        .send()
        .await
        .map_err(|error| {
            aws_error::failure(&format!("DescribeImages {repository}:{tag}"), &error)
        })?;
    let first = answer.image_details().first();
    Ok(first.and_then(|detail| detail.image_size_in_bytes()))
}

/// Judges the image.
#[must_use]
pub fn judge(image: &Image, answer: &Outcome<Option<i64>>) -> Finding {
    let Image { repository, tag } = image;
    let check = format!("image {repository}:{tag}");
    match answer {
        Ok(Some(bytes)) => {
            // An image of petabytes is none.
            let found = format!("{:.2} GB", *bytes as f64 / BYTES_A_GB);
            if *bytes <= LARGE_BYTES {
                return Finding::ok(check, found);
            }
            Finding::warning(check, found).mend(
                "leave the checkpoint and build tools out of it: the model comes from S3, and \
                 the Dockerfiles of model-server/ have several stages",
            )
        }
        Ok(None) => Finding::not_looked_at(check, "ECR does not say its size"),
        Err(failure) if failure.exit == Exit::NotFound || is_missing(&failure.what) => {
            Finding::problem(check, "there is none")
                .mend("`lookbook push-image` puts it there; look at the name and the tag")
        }
        Err(failure) => Finding::unseen(check, failure),
    }
}

fn is_missing(what: &str) -> bool {
    what.contains("ImageNotFoundException")
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::failure::Failure;

    #[test]
    fn an_image_is_named_as_docker_names_it() {
        for (text, repository, tag) in [
            (
                "lookbook/model-server:cuda",
                "lookbook/model-server",
                "cuda",
            ),
            ("model-server", "model-server", "latest"),
            (
                "123456789012.dkr.ecr.eu-west-1.amazonaws.com/lookbook/trainer:1",
                "lookbook/trainer",
                "1",
            ),
        ] {
            let image: Image = text.parse().unwrap();
            assert_eq!(
                (image.repository.as_str(), image.tag.as_str()),
                (repository, tag)
            );
        }
        assert!(":x".parse::<Image>().is_err());
        assert!("x:".parse::<Image>().is_err());
    }

    #[test]
    fn a_large_image_is_a_warning_and_a_missing_one_a_problem() {
        let image: Image = "model-server:cuda".parse().unwrap();
        let of = |answer: Outcome<Option<i64>>| judge(&image, &answer);
        let small = of(Ok(Some(2_500_000_000)));
        assert_eq!((small.state, small.found.as_str()), (State::Ok, "2.50 GB"));
        assert_eq!(of(Ok(Some(12_000_000_000))).state, State::Warning);
        assert_eq!(of(Ok(None)).state, State::NotLookedAt);
        let failed = |exit, what: &str| of(Err(Failure::new(exit, what)));
        let missing = failed(
            Exit::Failed,
            "DescribeImages a:b: ImageNotFoundException: no",
        );
        assert_eq!(missing.state, State::Problem);
        assert_eq!(failed(Exit::NotFound, "no").state, State::Problem);
        assert_eq!(failed(Exit::Denied, "no").state, State::NotLookedAt);
    }
}
