//! What stands beside a checkpoint in S3: which model it is, and what each object is by the
//! hub's own checksums, which S3 does not keep. By it a later run knows what is there.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use serde::{Deserialize, Serialize};

use crate::aws_error;
use crate::checksum::Checksum;
use crate::failure::{Exit, Failure, Outcome};
use crate::hub::listing::{HubFile, Model};
use crate::s3_location::S3Location;
use crate::upload::index::Entry;
use crate::upload::objects::Listed;

/// The object's name.
pub const RECORD: &str = "fetched.json";

/// The content of the object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The model.
    pub model: String,
    /// Its commit.
    pub commit: String,
    /// What each object is, by its name.
    pub files: BTreeMap<String, Fetched>,
}

/// An object that came from the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// The hub's checksum of its content.
    checksum: Checksum,
    /// The object's entity tag: another one is another object.
    e_tag: String,
    bytes: u64,
}

impl Record {
    /// What an earlier run left; nothing where there is none or another one.
    ///
    /// # Errors
    /// What S3 answered, but for that.
    pub async fn read(client: &Client, place: &S3Location) -> Outcome<Record> {
        let answer = client
            .get_object()
            .bucket(place.bucket())
            .key(place.key(RECORD))
            .send()
            .await;
        let object = match answer {
            Ok(object) => object,
            Err(error) => {
                let failure = aws_error::failure(&format!("GetObject {place}{RECORD}"), &error);
                return match failure.exit {
                    Exit::NotFound => Ok(Record::default()),
                    _ => Err(failure),
                };
            }
        };
        let text = object.body.collect().await.map_err(|error| {
            let what = format!("GetObject {place}{RECORD}: {error}");
            Failure::new(Exit::Unavailable, what)
        })?;
        Ok(serde_json::from_slice(&text.into_bytes()).unwrap_or_default())
    }

    /// Whether an object is there with a file's content.
    #[must_use]
    pub fn has(&self, file: &HubFile, objects: &HashMap<String, Listed>) -> bool {
        let fetched = self.files.get(&file.name);
        fetched
            .zip(objects.get(&file.name))
            .is_some_and(|(fetched, object)| {
                fetched.checksum == file.checksum
                    && fetched.bytes == object.bytes
                    && fetched.e_tag == object.e_tag
                    && !object.e_tag.is_empty()
            })
    }

    /// Notes an object that is there now.
    pub fn note(&mut self, model: &Model, file: &HubFile, sent: &Entry) {
        self.model = model.id.to_string();
        self.commit.clone_from(&model.commit);
        let fetched = Fetched {
            checksum: file.checksum.clone(),
            e_tag: sent.e_tag.clone(),
            bytes: sent.bytes,
        };
        self.files.insert(file.name.clone(), fetched);
    }

    /// Puts it beside the objects.
    ///
    /// # Errors
    /// What S3 answered.
    pub async fn write(&self, client: &Client, place: &S3Location) -> Outcome {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|error| Failure::new(Exit::Failed, format!("{RECORD}: {error}")))?;
        client
            .put_object()
            .bucket(place.bucket())
            .key(place.key(RECORD))
            .content_type("application/json")
            .body(ByteStream::from(text))
            .send()
            .await
            .map_err(|error| aws_error::failure(&format!("PutObject {place}{RECORD}"), &error))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Algorithm;

    #[test]
    fn an_object_is_known_as_long_as_neither_side_changed() {
        let file = HubFile {
            name: "config.json".to_owned(),
            bytes: 3,
            checksum: Checksum::of(Algorithm::Sha1, b"abc"),
        };
        let model = Model {
            id: "a/b".parse().unwrap(),
            revision: "main".to_owned(),
            commit: "0123456".to_owned(),
            files: vec![file.clone()],
        };
        let sent = Entry {
            bytes: 3,
            e_tag: "tag".to_owned(),
            checksum: Checksum::of(Algorithm::Sha256, b"abc"),
            stamp: None,
        };
        let mut record = Record::default();
        let objects = |e_tag: &str| -> HashMap<String, Listed> {
            let listed = Listed {
                bytes: 3,
                e_tag: e_tag.to_owned(),
            };
            [(file.name.clone(), listed)].into()
        };
        assert!(!record.has(&file, &objects("tag")));
        record.note(&model, &file, &sent);
        let text = serde_json::to_vec(&record).unwrap();
        assert_eq!(serde_json::from_slice::<Record>(&text).unwrap(), record);
        assert!(record.has(&file, &objects("tag")));
        assert!(!record.has(&file, &objects("other")));
        assert!(!record.has(&file, &HashMap::new()));
        let newer = HubFile {
            checksum: Checksum::of(Algorithm::Sha1, b"abd"),
            ..file.clone()
        };
        assert!(!record.has(&newer, &objects("tag")));
    }
}
