//! A product whose photo lies in S3, and what is delivered about it.

use std::time::Duration;

use bytes::Bytes;

use super::{Fakes, photo_bytes};
use crate::domain::{Deadline, SourceMark};
use crate::entrypoints::{Outcome, Upload, handle_news_of_upload, handle_upload};
use crate::problem::Problem;

/// The photo of the product.
pub const PHOTO: &str = "s3://catalogue/incoming/7.jpg";
/// Where its result lies.
pub const RESULT: &str = "s3://catalogue/descriptions/7.json";
/// Where the record of its failure lies.
pub const RECORD: &str = "s3://catalogue/failures/7.json";
/// Where the claim on it lies while it is worked on.
pub const CLAIM: &str = "s3://catalogue/claims/7.json";

/// How long there is for a delivery.
pub const TIME: Duration = Duration::from_secs(20);

impl Fakes {
    /// Services with the photo of the product.
    pub fn with_photo() -> Fakes {
        let fakes = Fakes::default();
        fakes.store.put(PHOTO, photo_bytes());
        fakes
    }

    /// The same, of a function that claims no product.
    pub fn without_claims() -> Fakes {
        let mut fakes = Fakes::with_photo();
        fakes.variables.insert("CLAIM_PRODUCTS", "no");
        fakes
    }

    /// Tells of the photo's upload of this sequencer, as S3 does.
    pub async fn deliver(&self, sequencer: &str) -> Result<Outcome, Problem> {
        self.deliver_as(sequencer, etag(sequencer)).await
    }

    /// The same of an upload with this entity tag.
    pub async fn deliver_as(&self, sequencer: &str, etag: String) -> Result<Outcome, Problem> {
        let upload = upload(sequencer, etag);
        let deadline = Deadline::after(TIME);
        handle_news_of_upload(&self.app(), upload, "incoming/", deadline).await
    }

    /// Tells of that upload once more, and that it does.
    pub async fn deliver_again(&self, sequencer: &str) -> Result<Outcome, Problem> {
        let upload = upload(sequencer, etag(sequencer));
        let deadline = Deadline::after(TIME);
        handle_upload(&self.app(), upload, "incoming/", deadline).await
    }

    /// What is stored about that upload says that it was made from.
    pub fn mark(&self, sequencer: &str) -> SourceMark {
        SourceMark {
            origin: PHOTO.into(),
            etag: Some(etag(sequencer)),
            sequencer: Some(sequencer.into()),
            settings: Some(self.settings().mark(None)),
            ..SourceMark::default()
        }
    }

    /// Another delivery of that upload will write this just before something is written, or
    /// taken away, for the next time.
    pub fn meanwhile(&self, uri: &str, json: impl Into<Bytes>, sequencer: &str) {
        let other = (uri.to_owned(), json.into(), self.mark(sequencer));
        *self.store.interloper.lock().unwrap() = Some(other);
    }
}

fn upload(sequencer: &str, etag: String) -> Upload {
    Upload {
        is_there: true,
        bucket: "catalogue".into(),
        key: "incoming/7.jpg".into(),
        etag: Some(etag),
        sequencer: Some(sequencer.into()),
        at_ms: None,
    }
}

fn etag(sequencer: &str) -> String {
    format!("etag of {sequencer}")
}
