//! What the domain needs of the outside world. The real ones are in
//! [`crate::adapters`], those of the tests are plain structs.

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    Audience, Deadline, ObjectAddress, ObjectState, Photo, Prompt, SourceMark, Standing, Usage,
};

/// A model that answers questions about a photo.
#[async_trait]
pub trait AttributeModel: Send + Sync {
    /// What the model is called in an answer of this function.
    fn name(&self) -> &str;

    /// The most bytes that a photo may have to be asked about with these
    /// questions.
    fn max_photo_bytes(&self, questions: &[String]) -> usize;

    /// Asks every question about one photo, and returns by the deadline with one
    /// entry a question, in order.
    async fn ask(
        &self,
        photo: &Photo,
        questions: &[String],
        deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>>;
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelAnswer {
    /// The answer as the model phrased it, as a rule "Name: value".
    pub text: String,
    /// The probability of the text in [0, 1], where the model gives it.
    pub confidence: Option<f64>,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The model can't read the photo.
    #[error("the photo can't be read: {reason}")]
    InvalidPhoto {
        /// The model's own words.
        reason: String,
    },
    /// No answer before the deadline.
    #[error("the endpoint {endpoint} did not answer in time")]
    TimedOut {
        /// The endpoint's name.
        endpoint: String,
    },
    /// The endpoint is down, overloaded or failing, also after repeated tries.
    #[error("the endpoint {endpoint} is not available ({attempts} tries): {reason}")]
    Unavailable {
        /// The endpoint's name.
        endpoint: String,
        /// How often it was asked.
        attempts: u32,
        /// What it said last.
        reason: String,
    },
    /// The endpoint refuses the request; asking again would not help.
    #[error("the endpoint {endpoint} refused the request: {reason}")]
    Refused {
        /// The endpoint's name.
        endpoint: String,
        /// Why.
        reason: String,
    },
}

/// A writer of descriptions.
#[async_trait]
pub trait Describer: Send + Sync {
    /// Writes a description, or returns an error by the deadline.
    async fn describe(
        &self,
        prompt: &Prompt,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError>;

    /// The same, and tells `audience` the text piece by piece while it is written: put
    /// together, the pieces are the text. A writer that gives its texts whole has one piece.
    async fn describe_aloud(
        &self,
        prompt: &Prompt,
        audience: &dyn Audience,
        deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        let written = self.describe(prompt, deadline).await?;
        audience.draft(&written.text);
        Ok(written)
    }
}

/// A description and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenDescription {
    /// Never empty.
    pub text: String,
    /// The model that wrote it.
    pub model: String,
    /// What it took.
    pub usage: Usage,
    /// Sentences for the caller.
    pub warnings: Vec<String>,
    /// Whether the writer was stopped before the text's end, because it grew too long.
    pub is_cut_short: bool,
}

/// Why there is no description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriberError {
    /// No text before the deadline.
    #[error("the model {model} did not write a description in time")]
    TimedOut {
        /// The model that was asked.
        model: String,
    },
    /// Throttled until there was no time for another try.
    #[error("the model {model} is throttled ({attempts} tries): {reason}")]
    Throttled {
        /// The model that was asked.
        model: String,
        /// How often it was asked.
        attempts: u32,
        /// What it said last.
        reason: String,
    },
    /// None of the models can be used.
    #[error(
        "none of the models of BEDROCK_MODEL_IDS can be used: {}",
        .reasons.iter().map(|(model, reason)| format!("{model}: {reason}"))
            .collect::<Vec<_>>().join("; ")
    )]
    NoModelAvailable {
        /// Each model and what is the matter with it.
        reasons: Vec<(String, String)>,
    },
    /// The guardrail did not let the request or the text pass.
    #[error(
        "the guardrail of GUARDRAIL_ID stopped the description that the model {model} was to \
         write; in its place it says: {reason:?}"
    )]
    Blocked {
        /// The model that was asked.
        model: String,
        /// The guardrail's words, or the text without what it took out.
        reason: String,
        /// What the answer took.
        usage: Usage,
    },
    /// What it wrote is no listing, also after it was asked to mend it.
    #[error("the model {model} wrote no listing that can be read: {reason}")]
    Unreadable {
        /// The model that was asked.
        model: String,
        /// What is wrong with it.
        reason: String,
        /// What all turns took.
        usage: Usage,
    },
    /// The model refuses the request, or answers without a text.
    #[error("the model {model} wrote no description: {reason}")]
    Refused {
        /// The model that was asked.
        model: String,
        /// Why.
        reason: String,
        /// What the answer took, where there is one.
        usage: Option<Usage>,
    },
}

impl DescriberError {
    /// What was paid for without a text, where anything was answered.
    pub fn usage(&self) -> Option<Usage> {
        self.spent().map(|(_, usage)| usage)
    }

    /// The same with the model that took it.
    pub fn spent(&self) -> Option<(&str, Usage)> {
        match self {
            DescriberError::Blocked { model, usage, .. }
            | DescriberError::Unreadable { model, usage, .. } => Some((model.as_str(), *usage)),
            DescriberError::Refused { model, usage, .. } => Some((model.as_str(), (*usage)?)),
            DescriberError::TimedOut { .. }
            | DescriberError::Throttled { .. }
            | DescriberError::NoModelAvailable { .. } => None,
        }
    }
}

/// Where photos are and results go.
#[async_trait]
pub trait Store: Send + Sync {
    /// The content of an object of at most `max_bytes`.
    async fn read(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError>;

    /// The same of an object in one state; [`StoreError::Changed`] where it is in another
    /// one. A store that knows no states reads what is there.
    async fn read_state(
        &self,
        state: &ObjectState,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        self.read(&state.address, max_bytes, deadline).await
    }

    /// What lies at `address`, without its content; nothing where there is none.
    async fn look(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<Stored>, StoreError>;

    /// In which state the object at `address` is, and when it was written, as far as the store
    /// knows that, in ms since 1970 by [`end_of_second_ms`](super::end_of_second_ms); nothing
    /// where there is none.
    async fn find_state(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<(ObjectState, Option<u64>)>, StoreError> {
        let found = self.look(address, deadline).await?;
        Ok(found.map(|found| (found.version.state_of(address), None)))
    }

    /// What lies at `address`, with its content of at most `max_bytes`; nothing
    /// where there is none.
    async fn load(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Option<(Stored, Bytes)>, StoreError>;

    /// Stores a JSON document, with what it was made from, if the condition holds
    /// at that moment; [`StoreError::Changed`] where it does not. Returns what is
    /// there then.
    async fn write(
        &self,
        address: &ObjectAddress,
        json: Bytes,
        source: Option<&SourceMark>,
        condition: &Condition,
        deadline: Deadline,
    ) -> Result<Version, StoreError>;

    /// Takes an object away that is in the state `version`; [`StoreError::Changed`] where it
    /// is in another one. What is not there is taken away.
    async fn remove(
        &self,
        address: &ObjectAddress,
        version: &Version,
        deadline: Deadline,
    ) -> Result<(), StoreError>;
}

/// One state of an object, by the name that its store has for it: S3's entity tag
/// with its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

impl Version {
    /// The state of the object at `address` that has it.
    pub fn state_of(&self, address: &ObjectAddress) -> ObjectState {
        ObjectState {
            address: address.clone(),
            etag: self.0.trim_matches('"').to_owned(),
        }
    }
}

/// What is known of an object beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Which state it is in.
    pub version: Version,
    /// What it was made from, where it says so.
    pub source: Option<SourceMark>,
}

impl Stored {
    /// How it stands to what was delivered; another one where it does not say what it was
    /// made from.
    pub fn standing(&self, delivered: &SourceMark) -> Standing {
        let source = self.source.as_ref();
        source.map_or(Standing::Other, |source| source.standing(delivered))
    }
}

/// What must hold for an object to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// There is none.
    Absent,
    /// It is in this state.
    Unchanged(Version),
}

impl Condition {
    /// That nothing has changed since this was found.
    pub fn unchanged(found: Option<&Stored>) -> Condition {
        match found {
            Some(stored) => Condition::Unchanged(stored.version.clone()),
            None => Condition::Absent,
        }
    }
}

/// Why an object can't be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such object, or no such bucket.
    #[error("there is no {address}")]
    NotFound {
        /// The object.
        address: ObjectAddress,
    },
    /// The function has no permission.
    #[error(
        "the function may not access {address}: {said}; its role needs {permission}, and \
         s3:ListBucket to tell a missing object from a forbidden one"
    )]
    AccessDenied {
        /// The object.
        address: ObjectAddress,
        /// The permission that is missing.
        permission: &'static str,
        /// The name of the error, with the request's id where there is one.
        said: String,
    },
    /// The object is larger than asked for.
    #[error("{address} has {bytes} bytes, the limit is {max_bytes}")]
    TooLarge {
        /// The object.
        address: ObjectAddress,
        /// Its size.
        bytes: u64,
        /// The limit.
        max_bytes: u64,
    },
    /// The object is not in the state in which it was to be read, replaced or taken away.
    #[error("{address} was written by somebody else meanwhile")]
    Changed {
        /// The object.
        address: ObjectAddress,
    },
    /// Not done by the deadline.
    #[error("S3 did not answer in time about {address}")]
    TimedOut {
        /// The object.
        address: ObjectAddress,
    },
    /// S3 fails as a whole, or is out of reach.
    #[error("S3 failed on {address}: {reason}")]
    Unavailable {
        /// The object.
        address: ObjectAddress,
        /// What is known of it.
        reason: String,
    },
    /// Anything else.
    #[error("S3 failed on {address}: {reason}")]
    Failed {
        /// The object.
        address: ObjectAddress,
        /// What it said.
        reason: String,
    },
}
