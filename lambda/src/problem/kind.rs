//! The kinds of problems.

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The request is not in the form of the API.
    InvalidRequest,
    /// The request names an attribute that the set does not have.
    UnknownAttribute,
    /// S3 denies the function the photo, or the place of the result.
    ForbiddenObject,
    /// The path is not one of the API.
    NoSuchResource,
    /// The object that the request names is not there.
    NoSuchObject,
    /// The path takes another method.
    MethodNotAllowed,
    /// A call with the same idempotency key is being answered.
    CallInProgress,
    /// Another delivery of the same product is being worked on.
    WorkInProgress,
    /// The body is neither JSON nor a photo.
    UnsupportedContent,
    /// An idempotency key came with another request before.
    IdempotencyKeyReused,
    /// The photo is broken, too large or none at all.
    InvalidPhoto,
    /// The guardrail stopped the description.
    DescriptionBlocked,
    /// The text still has faults after it was mended, and is held or dropped, while a shop has
    /// an older one.
    DescriptionUnfaithful,
    /// The endpoint answered every question beside the point.
    NothingRecognised,
    /// The endpoint is not sure enough of any attribute.
    NothingCertain,
    /// The endpoint fails or refuses.
    AttributesUnavailable,
    /// The endpoint did not answer in time.
    AttributesTimedOut,
    /// No model writes.
    DescriptionUnavailable,
    /// The model wrote no listing that can be read, also after it was asked to mend it.
    ListingUnreadable,
    /// The model did not answer in time.
    DescriptionTimedOut,
    /// S3 fails.
    StorageUnavailable,
    /// S3 did not answer in time.
    StorageTimedOut,
}

impl ProblemKind {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        self.parts().0
    }

    /// The last part of the problem's type.
    pub fn slug(self) -> &'static str {
        self.parts().1
    }

    /// The same words for every occurrence.
    pub fn title(self) -> &'static str {
        self.parts().2
    }

    /// Whether the detail has words in quotation marks that are not for the log: the request's
    /// own, a text's or those of a guardrail about it. The details of other kinds have names of
    /// objects and of models, and what AWS said of them.
    pub fn has_quotations(self) -> bool {
        matches!(
            self,
            Self::InvalidRequest
                | Self::UnknownAttribute
                | Self::NoSuchResource
                | Self::MethodNotAllowed
                | Self::UnsupportedContent
                | Self::DescriptionBlocked
                | Self::ListingUnreadable
        )
    }

    /// Whether the same work may succeed later: a dependency was slow, throttled or
    /// out of reach, or the installation lacks something that can be mended, such as
    /// a permission. What lies with the photo or the request stays as it is: the
    /// endpoint is no surer of the same photo next time, and a guardrail judges the same
    /// attributes. A text that was mended and is held or dropped is done with, as it is where
    /// there is no older one. But a model does not write the same twice, so that a listing which
    /// could not be read is tried again. This alone decides what is delivered again.
    pub fn is_retriable(self) -> bool {
        match self {
            Self::InvalidRequest
            | Self::UnknownAttribute
            | Self::NoSuchResource
            | Self::NoSuchObject
            | Self::MethodNotAllowed
            | Self::UnsupportedContent
            | Self::IdempotencyKeyReused
            | Self::InvalidPhoto
            | Self::NothingRecognised
            | Self::NothingCertain
            | Self::DescriptionBlocked
            | Self::DescriptionUnfaithful => false,
            Self::ForbiddenObject
            | Self::CallInProgress
            | Self::WorkInProgress
            | Self::AttributesUnavailable
            | Self::AttributesTimedOut
            | Self::DescriptionUnavailable
            | Self::DescriptionTimedOut
            | Self::ListingUnreadable
            | Self::StorageUnavailable
            | Self::StorageTimedOut => true,
        }
    }

    fn parts(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid-request", "The request is not valid"),
            Self::UnknownAttribute => (400, "unknown-attribute", "Unknown attribute"),
            Self::ForbiddenObject => (
                403,
                "forbidden-object",
                "The function may not access the object",
            ),
            Self::NoSuchResource => (404, "no-such-resource", "No such resource"),
            Self::NoSuchObject => (404, "no-such-object", "The object does not exist"),
            Self::MethodNotAllowed => (405, "method-not-allowed", "Method not allowed"),
            Self::CallInProgress => (409, "call-in-progress", "The same call is being answered"),
            Self::WorkInProgress => (
                409,
                "work-in-progress",
                "The same product is being worked on",
            ),
            Self::UnsupportedContent => {
                (415, "unsupported-content-type", "Unsupported content type")
            }
            Self::IdempotencyKeyReused => (
                422,
                "idempotency-key-reused",
                "The idempotency key belongs to another request",
            ),
            Self::InvalidPhoto => (422, "invalid-photo", "The photo can't be used"),
            Self::DescriptionBlocked => (
                422,
                "description-blocked",
                "A guardrail stopped the description",
            ),
            Self::DescriptionUnfaithful => {
                (422, "description-unfaithful", "The description has faults")
            }
            Self::NothingRecognised => (502, "nothing-recognised", "No attribute was recognised"),
            Self::NothingCertain => (502, "nothing-certain", "No attribute is certain enough"),
            Self::AttributesUnavailable => (
                502,
                "attributes-unavailable",
                "The attributes can't be found out",
            ),
            Self::AttributesTimedOut => {
                (504, "attributes-timed-out", "The attributes took too long")
            }
            Self::DescriptionUnavailable => (
                502,
                "description-unavailable",
                "The description can't be written",
            ),
            Self::ListingUnreadable => (502, "listing-unreadable", "The listing can't be read"),
            Self::DescriptionTimedOut => (
                504,
                "description-timed-out",
                "The description took too long",
            ),
            Self::StorageUnavailable => (502, "storage-unavailable", "The storage failed"),
            Self::StorageTimedOut => (504, "storage-timed-out", "The storage took too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ProblemKind::*;

    #[test]
    fn what_may_succeed_later_is_told_from_what_stays_as_it_is() {
        for (kind, is_retriable) in [
            (InvalidPhoto, false),
            (NothingRecognised, false),
            (NothingCertain, false),
            (DescriptionBlocked, false),
            (DescriptionUnfaithful, false),
            (ListingUnreadable, true),
            (DescriptionUnavailable, true),
            (ForbiddenObject, true),
        ] {
            assert_eq!(kind.is_retriable(), is_retriable, "{kind:?}");
        }
    }
}
