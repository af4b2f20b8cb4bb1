//! A photo that lies in S3, whoever says so.

use super::App;
use super::stored::{Outcome, describe_and_store};
use crate::domain::{Deadline, DescribeRequest, ObjectAddress, PhotoSource, SourceMark};
use crate::problem::Problem;
use crate::telemetry::{About, follow};

/// The file name extensions of photos, in lower case.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// What is known of an object that may be a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Whether the object is there, as far as the event says: it may also be
    /// about one that was removed.
    pub is_there: bool,
    /// The object's bucket.
    pub bucket: String,
    /// The object's key, not URL-encoded.
    pub key: String,
    /// Its entity tag, without quotes.
    pub etag: Option<String>,
    /// S3's sequencer of the upload.
    pub sequencer: Option<String>,
}

/// Describes the photo and stores the result, unless it is none, or it is described
/// already or can't be, and says in the log what came of it. The product's name is what
/// stands between `prefix` and the extension.
pub async fn handle(
    app: &App,
    upload: Upload,
    prefix: &str,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let key = upload.key.clone();
    let product_id = product_id(prefix, &key);
    let about = About {
        source: Some(&key),
        product_id,
    };
    follow(about, describe(app, upload, product_id, deadline)).await
}

async fn describe(
    app: &App,
    upload: Upload,
    product_id: Option<&str>,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    if !upload.is_there {
        return Ok(Outcome::Skipped("no object was created"));
    }
    let Some(product_id) = product_id else {
        return Ok(Outcome::Skipped("no incoming photo"));
    };
    let product_id = product_id.to_owned();
    let bucket = upload.bucket.clone();
    let photo = ObjectAddress {
        bucket: upload.bucket,
        key: upload.key,
    };
    let source = SourceMark {
        origin: photo.to_string(),
        etag: upload.etag,
        sequencer: upload.sequencer,
        settings: None,
    };
    let request = DescribeRequest {
        product_id: None,
        photo: PhotoSource::Object(photo),
        category: None,
        attributes: None,
        format: None,
    };
    describe_and_store(app, product_id, request, &bucket, source, deadline).await
}

/// The product whose photo is at `key`: what stands between the prefix and the
/// extension. Nothing where the key is no photo under the prefix.
pub fn product_id<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    let (product_id, extension) = key.strip_prefix(prefix)?.rsplit_once('.')?;
    let is_photo = EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        && !product_id.is_empty()
        && !product_id.ends_with('/');
    is_photo.then_some(product_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_named_by_what_is_below_the_prefix() {
        let id = |key| product_id("incoming/", key);
        assert_eq!(id("incoming/38642.jpg"), Some("38642"));
        assert_eq!(id("incoming/a.b.WEBP"), Some("a.b"));
        assert_eq!(id("incoming/summer/1.jpeg"), Some("summer/1"));
        assert_eq!(id("incoming/1.gif"), None);
        assert_eq!(product_id("", "images/1.jpg"), Some("images/1"));
    }
}
