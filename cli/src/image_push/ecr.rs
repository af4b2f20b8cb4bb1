//! The registry's side of a push.

use std::time::Duration;

use aws_sdk_ecr::Client;
use aws_sdk_ecr::types::{ImageIdentifier, ImageScanningConfiguration};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};
use crate::terminal::Terminal;

/// How often an image that was pushed a moment ago is looked for.
const LOOKS: u32 = 5;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Who may push for the next hours.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user, "AWS".
    pub user: String,
    /// The password, a secret.
    pub password: String,
}

/// An image in a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImage {
    /// By its content.
    pub digest: String,
    /// The size of what a machine fetches of it, where the registry says it.
    pub bytes: Option<u64>,
}

/// The address of a repository, which is made where it is missing and `create` is set.
///
/// # Errors
/// When there is none and none is to be made, or what ECR answered.
pub async fn repository(
    client: &Client,
    name: &str,
    create: bool,
    terminal: &Terminal,
) -> Outcome<String> {
    let described = client
        .describe_repositories()
        .repository_names(name)
        .send()
        .await;
    match described {
        Ok(answer) => {
            let uri = answer
                .repositories()
                .first()
                .and_then(|found| found.repository_uri());
            return uri.map(str::to_owned).ok_or_else(|| nameless(name));
        }
        Err(error) => {
            let is_missing = aws_error::code(&error) == Some("RepositoryNotFoundException");
            let failure = aws_error::failure(&format!("DescribeRepositories {name}"), &error);
            if !is_missing {
                return Err(failure);
            }
            if !create {
                return Err(
                    failure.next("--create makes the repository; --repository names another")
                );
            }
        }
    }
    let scanning = ImageScanningConfiguration::builder()
        .scan_on_push(true)
        .build();
    let created = client
        .create_repository()
        .repository_name(name)
        .image_scanning_configuration(scanning)
        .send()
        .await
        .map_err(|error| aws_error::failure(&format!("CreateRepository {name}"), &error))?;
    terminal.say(format!("repository {name} is made"));
    let uri = created.repository().and_then(|made| made.repository_uri());
    uri.map(str::to_owned).ok_or_else(|| nameless(name))
}

fn nameless(name: &str) -> Failure {
    let what = format!("ECR gave no address of the repository {name}");
    Failure::new(Exit::Unavailable, what)
}

/// A login for the account's registry.
///
/// # Errors
/// What ECR answered.
pub async fn login(client: &Client) -> Outcome<Login> {
    let answer = client
        .get_authorization_token()
        .send()
        .await
        .map_err(|error| aws_error::failure("GetAuthorizationToken", &error))?;
    let token = answer
        .authorization_data()
        .first()
        .and_then(|data| data.authorization_token());
    token.and_then(read_token).ok_or_else(|| {
        Failure::new(
            Exit::Unavailable,
            "GetAuthorizationToken: ECR gave no token that can be used",
        )
    })
}

/// "user:password" in base64.
fn read_token(token: &str) -> Option<Login> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Login {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

/// What the repository has under a tag.
///
/// # Errors
/// When there is nothing, also after some seconds, or what ECR answered.
pub async fn image(client: &Client, repository: &str, tag: &str) -> Outcome<StoredImage> {
    let doing = format!("DescribeImages {repository}:{tag}");
    let mut look = 1;
    loop {
        let described = client
            .describe_images()
            .repository_name(repository)
            .image_ids(ImageIdentifier::builder().image_tag(tag).build())
            .send()
            .await;
        match described {
            Ok(answer) => {
                let found = answer.image_details().first();
                let digest = found.and_then(|image| image.image_digest());
                let bytes = found.and_then(|image| image.image_size_in_bytes());
                return match digest {
                    Some(digest) => Ok(StoredImage {
                        digest: digest.to_owned(),
                        bytes: bytes.and_then(|bytes| u64::try_from(bytes).ok()),
                    }),
                    None => Err(Failure::new(
                        Exit::NotFound,
                        format!("{doing}: there is no such image"),
                    )),
                };
            }
            Err(error) => {
                let is_missing = aws_error::code(&error) == Some("ImageNotFoundException");
                if !is_missing || look == LOOKS {
                    return Err(aws_error::failure(&doing, &error));
                }
            }
        }
        look += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_user_and_a_password() {
        let login = read_token(&STANDARD.encode("AWS:a:secret")).unwrap();
        assert_eq!(
            (login.user.as_str(), login.password.as_str()),
            ("AWS", "a:secret")
        );
        assert!(read_token("%").is_none());
        assert!(read_token(&STANDARD.encode("AWS")).is_none());
    }
}
