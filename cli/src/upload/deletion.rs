//! Objects that no file of the folder has any more.

use std::collections::HashSet;

use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::aws_error;
use crate::failure::{Exit, Failure, Outcome};
use crate::s3_location::S3Location;
use crate::upload::local_files::{Filter, Remark};

/// How many objects a request deletes.
const AT_ONCE: usize = 1000;

/// Of all objects' names those that are of no file, in order. What the patterns leave out and
/// the markers of folders, whose names end with a slash, stay.
#[must_use]
pub fn superfluous<'a>(
    objects: impl IntoIterator<Item = &'a String>,
    files: &HashSet<&str>,
    filter: &Filter,
) -> Vec<String> {
    let mut names: Vec<String> = objects
        .into_iter()
        .filter(|name| !files.contains(name.as_str()) && filter.takes(name) && !name.ends_with('/'))
        .cloned()
        .collect();
    names.sort_unstable();
    names
}

/// Deletes objects by their names; gives those that are gone and those that S3 kept.
///
/// # Errors
/// What S3 answered, where it answered nothing of single objects.
pub async fn delete(
    client: &Client,
    place: &S3Location,
    names: &[String],
) -> Outcome<(Vec<String>, Vec<Remark>)> {
    let (mut gone, mut kept) = (Vec::new(), Vec::new());
    let name_of = |key: Option<&str>| {
        let key = key.unwrap_or_default();
        key.strip_prefix(place.prefix()).unwrap_or(key).to_owned()
    };
    for names in names.chunks(AT_ONCE) {
        let objects: Result<Vec<ObjectIdentifier>, _> = names
            .iter()
            .map(|name| ObjectIdentifier::builder().key(place.key(name)).build())
            .collect();
        let request = objects
            .and_then(|objects| Delete::builder().set_objects(Some(objects)).build())
            .map_err(|error| Failure::new(Exit::Failed, format!("DeleteObjects: {error}")))?;
        let answer = client
            .delete_objects()
            .bucket(place.bucket())
            .delete(request)
            .send()
            .await
            .map_err(|error| aws_error::failure(&format!("DeleteObjects {place}"), &error))?;
        gone.extend(answer.deleted().iter().map(|object| name_of(object.key())));
        kept.extend(answer.errors().iter().map(|error| Remark {
            file: name_of(error.key()),
            why: format!(
                "DeleteObjects: {}: {}",
                error.code().unwrap_or("an error without a name"),
                error.message().unwrap_or("without a message")
            ),
        }));
    }
    Ok((gone, kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_uploaded_again_is_superfluous() {
        let objects = ["b.jpg", "a.jpg", "notes.txt", "marker/", "kept.jpg"].map(str::to_owned);
        let filter = Filter {
            include: vec!["*.jpg".parse().unwrap(), "marker/".parse().unwrap()],
            exclude: Vec::new(),
        };
        let files = ["kept.jpg"].into();
        assert_eq!(superfluous(&objects, &files, &filter), ["a.jpg", "b.jpg"]);
    }
}
