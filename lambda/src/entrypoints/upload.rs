//! A photo that lies in S3, whoever says so.

use super::App;
use super::request_body::is_below_a_prefix;
use super::stored::{First, Outcome, do_work};
use crate::domain::{
    Deadline, DescribeRequest, ObjectAddress, ObjectState, PhotoSource, SourceMark,
    origin_of_upload,
};
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
    /// When it was uploaded, in ms since 1970.
    pub at_ms: Option<u64>,
}

/// A product as work: what is asked for, and what it is made from.
#[derive(Clone, Debug)]
pub struct Work {
    /// The product that it shows.
    pub product_id: String,
    /// The bucket of its result where `OUTPUT_BUCKET` is not set: the photo's.
    pub bucket: String,
    /// The request that it stands for.
    pub request: DescribeRequest,
    /// Which state of which object it is.
    pub source: SourceMark,
}

/// What there is to do about an upload, or why there is nothing. The product's name is
/// what stands between `prefix` and the extension. It is about the photo as it was uploaded,
/// and about no later one under the same key.
pub fn work(upload: Upload, prefix: &str) -> Result<Work, &'static str> {
    if !upload.is_there {
        return Err("no object was created");
    }
    let Some(product_id) = product_id(prefix, &upload.key) else {
        return Err("no incoming photo");
    };
    let product_id = product_id.to_owned();
    let bucket = upload.bucket.clone();
    let photo = ObjectAddress {
        bucket: upload.bucket,
        key: upload.key,
    };
    let etag = upload.etag.map(|etag| etag.trim_matches('"').to_owned());
    let source = SourceMark {
        origin: origin_of_upload(&photo),
        etag: etag.clone(),
        sequencer: upload.sequencer,
        at_ms: upload.at_ms,
        ..SourceMark::default()
    };
    let photo = match etag {
        Some(etag) => PhotoSource::State(ObjectState {
            address: photo,
            etag,
        }),
        None => PhotoSource::Object(photo),
    };
    Ok(Work {
        product_id,
        bucket,
        source,
        request: DescribeRequest {
            product_id: None,
            photo,
            category: None,
            attributes: None,
            format: None,
        },
    })
}

/// Describes the photo and stores the result, unless it is none, or it is described
/// already or can't be, and says in the log what came of it.
pub async fn handle(
    app: &App,
    upload: Upload,
    prefix: &str,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    follow_work(app, upload, prefix, First::Look, deadline).await
}

/// The same of an event that is, as far as is known, delivered for the first time. A listing
/// has no sequencers, and what it lists may have been described long since.
pub async fn handle_news(
    app: &App,
    upload: Upload,
    prefix: &str,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let first = match upload.sequencer {
        Some(_) => First::Claim,
        None => First::Look,
    };
    follow_work(app, upload, prefix, first, deadline).await
}

async fn follow_work(
    app: &App,
    upload: Upload,
    prefix: &str,
    first: First,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let key = upload.key.clone();
    let about = About {
        source: Some(&key),
        product_id: product_id(prefix, &key),
    };
    let describe = async {
        match work(upload, prefix) {
            Err(reason) => Ok(Outcome::Skipped(reason)),
            Ok(work) => do_work(app, work, first, deadline).await,
        }
    };
    follow(about, describe).await
}

/// The product whose photo is at `key`: what stands between the prefix and the
/// extension. Nothing where the key is no photo under the prefix, nor where the result of that
/// name would not stay below its own prefix.
pub fn product_id<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    let (product_id, extension) = key.strip_prefix(prefix)?.rsplit_once('.')?;
    let is_photo = EXTENSIONS.contains(&extension.to_ascii_lowercase().as_str())
        && !product_id.is_empty()
        && !product_id.ends_with('/')
        && is_below_a_prefix(product_id);
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
        for path in ["../x", "/x", "..", "a/../../x", "./x"] {
            let key = format!("incoming/{path}.jpg");
            assert_eq!(product_id("incoming/", &key), None, "{key}");
        }
    }

    #[test]
    fn a_photo_that_is_there_is_work() {
        let work_of = |key: &str, is_there: bool| {
            let upload = Upload {
                is_there,
                bucket: "catalogue".to_owned(),
                key: key.to_owned(),
                etag: Some("1b".to_owned()),
                sequencer: None,
                at_ms: Some(7),
            };
            work(upload, "incoming/")
        };
        let photo = work_of("incoming/7.jpg", true).unwrap();
        assert_eq!(photo.product_id, "7");
        assert_eq!(photo.source.origin, "s3://catalogue/incoming/7.jpg");
        assert_eq!(photo.source.etag.as_deref(), Some("1b"));
        assert_eq!(photo.source.at_ms, Some(7));
        let state = PhotoSource::State(ObjectState {
            address: "s3://catalogue/incoming/7.jpg".parse().unwrap(),
            etag: "1b".to_owned(),
        });
        assert_eq!(photo.request.photo, state);
        let removed = work_of("incoming/7.jpg", false);
        assert_eq!(removed.unwrap_err(), "no object was created");
        let result = work_of("descriptions/7.json", true);
        assert_eq!(result.unwrap_err(), "no incoming photo");
    }
}
