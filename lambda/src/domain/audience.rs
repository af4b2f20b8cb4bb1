//! Who hears of a product while it is worked on.

use async_trait::async_trait;

use super::{Deadline, Describer, DescriberError, Findings, Prompt, WrittenDescription};

/// Somebody who waits for a product and wants to hear how far it is. The work goes on at
/// once: it does not wait until what it tells is read.
pub trait Audience: Send + Sync {
    /// What is known of the product, once, when something is to be written about it.
    fn attributes(&self, findings: &Findings);

    /// The next piece of the text, as it is written and before it is checked. The pieces
    /// since the beginning, or since the last restart, are a text.
    fn draft(&self, piece: &str);

    /// Another text begins; what was told of the one before is void unless the result has it.
    fn restart(&self, why: Restart);
}

/// Why another text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// The one before broke off.
    BrokenOff,
    /// The one before has faults, which are to be mended.
    Mending,
}

/// A writer whose texts an audience hears while they are written.
pub(super) struct Heard<'a> {
    pub(super) describer: &'a dyn Describer,
    pub(super) audience: &'a dyn Audience,
}

#[async_trait]
impl Describer for Heard<'_> {
    async fn describe(
        &self,
        prompt: &Prompt,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        if prompt.correction.is_some() {
            self.audience.restart(Restart::Mending);
        }
        self.describer
            .describe_aloud(prompt, self.audience, deadline)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::domain::{DescribeError, DescribeRequest, PhotoSource, describe_product_aloud};
    use crate::fakes::{self, FakeAudience, Fakes, photo_bytes};

    /// Has a photo described and gives what was heard of it.
    async fn heard(
        fakes: &Fakes,
        photo: Bytes,
        attributes: &[&str],
    ) -> (Result<(), DescribeError>, Vec<fakes::Heard>) {
        let names = attributes.iter().map(|name| (*name).to_owned());
        let request = DescribeRequest {
            product_id: None,
            photo: PhotoSource::Bytes(photo),
            category: None,
            attributes: Some(names.collect()),
            format: None,
        };
        let audience = FakeAudience::default();
        let deadline = Deadline::after(Duration::from_secs(20));
        let services = fakes.services();
        let outcome = describe_product_aloud(&services, request, Some(&audience), deadline).await;
        (outcome.map(|_| ()), audience.take())
    }

    #[tokio::test]
    async fn the_attributes_are_heard_before_the_text_and_a_faulty_text_begins_anew() {
        let fakes = Fakes::default();
        let texts = ["A red cotton shirt.", "A blue cotton shirt."];
        fakes.describer.texts.lock().unwrap().extend(texts);
        let (outcome, heard) = heard(&fakes, photo_bytes(), &["Fabric", "Colour", "Fit"]).await;
        assert_eq!(outcome, Ok(()));
        let [
            fakes::Heard::Attributes(findings),
            fakes::Heard::Draft(first),
            fakes::Heard::Restart(why),
            fakes::Heard::Draft(second),
        ] = heard.as_slice()
        else {
            panic!("{heard:?}");
        };
        assert_eq!(findings.attributes["Colour"], "Blue");
        assert_eq!(findings.confidence["Fabric"], 0.5);
        assert_eq!(findings.missing.len(), 1);
        assert_eq!(*why, Restart::Mending);
        assert_eq!([first, second], texts);
    }

    #[tokio::test]
    async fn nothing_is_heard_of_a_product_that_nothing_is_written_about() {
        let fakes = Fakes {
            variables: [("CONFIDENCE_FLOOR", "0.9")].into(),
            ..Fakes::default()
        };
        for (photo, attribute) in [
            // No photo, no answer, an answer that is not sure.
            (Bytes::new(), "Fabric"),
            (photo_bytes(), "Fit"),
            (photo_bytes(), "Fabric"),
        ] {
            let (outcome, told) = heard(&fakes, photo, &[attribute]).await;
            assert!(outcome.is_err(), "{attribute}");
            assert!(told.is_empty(), "{told:?}");
        }
    }
}
