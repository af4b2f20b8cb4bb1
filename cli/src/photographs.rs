//! Photographs that are named on the command line: files, and objects of S3.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use bytes::Bytes;
use describe_product::domain::{MAX_PHOTO_BYTES, ObjectAddress, ObjectAddressError};

use crate::aws_error;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};

/// What the addresses of objects begin with.
pub const S3_SCHEME: &str = "s3://";

/// Where a photograph is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Photograph {
    /// On this machine.
    File(PathBuf),
    /// In S3.
    Object(ObjectAddress),
}

impl FromStr for Photograph {
    type Err = ObjectAddressError;

    fn from_str(text: &str) -> Result<Photograph, ObjectAddressError> {
        if text.starts_with(S3_SCHEME) {
            return text.parse().map(Photograph::Object);
        }
        Ok(Photograph::File(PathBuf::from(text)))
    }
}

impl fmt::Display for Photograph {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Photograph::File(path) => write!(out, "{}", path.display()),
            Photograph::Object(address) => write!(out, "{address}"),
        }
    }
}

impl Photograph {
    /// The file's name without its extension: what the product is called where nothing
    /// else is said.
    #[must_use]
    pub fn product_id(&self) -> Option<String> {
        let name = match self {
            Photograph::File(path) => path.file_name()?.to_str()?,
            Photograph::Object(address) => address.key.rsplit('/').next()?,
        };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        (!stem.is_empty()).then(|| stem.to_owned())
    }

    /// Its bytes, at most as many as the function reads of a photograph.
    ///
    /// # Errors
    /// When it isn't there, can't be read or is larger.
    pub async fn read(&self, context: &Context) -> Outcome<Bytes> {
        match self {
            Photograph::File(path) => {
                let cannot = |error: &std::io::Error| {
                    let exit = match error.kind() {
                        std::io::ErrorKind::NotFound => Exit::NotFound,
                        _ => Exit::Failed,
                    };
                    Failure::new(exit, format!("cannot read {}: {error}", path.display()))
                };
                let data = tokio::fs::metadata(path)
                    .await
                    .map_err(|error| cannot(&error))?;
                self.check_size(data.len())?;
                let bytes = tokio::fs::read(path)
                    .await
                    .map_err(|error| cannot(&error))?;
                Ok(bytes.into())
            }
            Photograph::Object(address) => {
                let object = context
                    .s3()
                    .await
                    .get_object()
                    .bucket(&address.bucket)
                    .key(&address.key)
                    .send()
                    .await
                    .map_err(|error| aws_error::failure(&format!("GetObject {address}"), &error))?;
                let size = object.content_length().unwrap_or_default();
                self.check_size(u64::try_from(size).unwrap_or_default())?;
                let body = object.body.collect().await.map_err(|error| {
                    Failure::new(Exit::Unavailable, format!("{address} broke off: {error}"))
                        .next("run the same command again")
                })?;
                Ok(body.into_bytes())
            }
        }
    }

    fn check_size(&self, bytes: u64) -> Outcome {
        if bytes > MAX_PHOTO_BYTES {
            return Err(Failure::usage(format!(
                "{self} has {bytes} bytes, the limit is {MAX_PHOTO_BYTES}"
            ))
            .next("send a smaller photograph"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Photograph;

    fn photograph(text: &str) -> Photograph {
        text.parse().unwrap()
    }

    #[test]
    fn a_photograph_is_a_file_or_an_object() {
        for (text, id) in [
            ("samples/drawn-01.jpg", "drawn-01"),
            ("a.b.png", "a.b"),
            ("s3://bucket/incoming/summer/7.webp", "7"),
        ] {
            let photograph = photograph(text);
            assert_eq!(photograph.product_id().as_deref(), Some(id));
            assert_eq!(photograph.to_string(), text);
        }
        assert!(matches!(photograph("s3.jpg"), Photograph::File(_)));
        let error = "s3://bucket".parse::<Photograph>().unwrap_err();
        assert!(error.to_string().contains("s3://bucket/key"), "{error}");
    }
}
