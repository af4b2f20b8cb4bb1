//! The catalogue's bucket.

use aws_sdk_s3::Client;

use super::finding::Finding;
use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};

/// In this header S3 names the region of a bucket, also to those who ask in another one.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Asks for the bucket's region; nothing where S3 does not say it.
pub async fn ask(client: &Client, bucket: &str) -> Outcome<Option<String>> {
    match client.head_bucket().bucket(bucket).send().await {
        Ok(head) => Ok(head.bucket_region().map(str::to_owned)),
        Err(error) => {
            let response = error.raw_response();
            let is_elsewhere = response.is_some_and(|response| response.status().as_u16() == 301);
            let region = response.and_then(|response| response.headers().get(REGION_HEADER));
            match region {
                Some(region) if is_elsewhere => Ok(Some(region.to_owned())),
                _ => Err(aws_error::failure(&format!("HeadBucket {bucket}"), &error)),
            }
        }
    }
}

/// Judges the bucket, where one is named. `region` is the one in which all is looked for.
#[must_use]
pub fn judge(bucket: &str, answer: &Outcome<Option<String>>, region: &str) -> Finding {
    let check = format!("bucket {bucket}");
    match answer {
        Ok(Some(found)) if found != region => {
            Finding::problem(check, format!("it is in {found}, not in {region}")).mend(format!(
                "SageMaker reads data of its own region alone: work with --region {found}, or \
                 make a bucket in {region}"
            ))
        }
        Ok(Some(found)) => Finding::ok(check, format!("there, in {found}")),
        Ok(None) => Finding::ok(check, "there"),
        Err(failure) => judge_failure(check, failure),
    }
}

fn judge_failure(check: String, failure: &Failure) -> Finding {
    match failure.exit {
        Exit::NotFound => Finding::problem(check, "there is none of that name").mend(
            "look at the name, the stack's output CatalogueBucketName, or make it by \
             `npx cdk deploy`",
        ),
        // A bucket of somebody else's is refused in the same way as a missing permission.
        Exit::Denied => Finding::problem(check, &failure.what)
            .mend("allow s3:ListBucket on it; if it is another account's, take a name of your own"),
        _ => Finding::unseen(check, failure),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    #[test]
    fn a_bucket_is_there_and_in_the_same_region() {
        let of = |answer: Outcome<Option<String>>| judge("photos", &answer, "eu-west-1");
        assert_eq!(of(Ok(None)).state, State::Ok);
        assert_eq!(of(Ok(Some("eu-west-1".into()))).state, State::Ok);
        let elsewhere = of(Ok(Some("us-east-1".into())));
        assert_eq!(elsewhere.state, State::Problem);
        assert!(elsewhere.mend.unwrap().contains("--region us-east-1"));
        let failed = |exit| of(Err(Failure::new(exit, "HeadBucket photos: no")));
        assert_eq!(failed(Exit::NotFound).state, State::Problem);
        assert_eq!(failed(Exit::Denied).state, State::Problem);
        assert_eq!(failed(Exit::Unavailable).state, State::NotLookedAt);
    }
}
