//! What the function is for, without AWS: [`describe_product`] turns a request
//! into a description by way of three traits, [`AttributeModel`], [`Describer`]
//! and [`Store`].

mod audience;
mod certainty;
mod deadline;
mod describe;
mod digest;
mod excerpt;
mod findings;
mod format;
mod hidden;
mod language;
mod listing;
mod milliseconds;
mod photo;
mod photo_fit;
mod ports;
mod product;
mod progress;
mod prompt;
mod prompt_template;
mod questions;
mod request;
mod script;
mod shortening;
mod source_mark;
mod text_check;
mod text_form;
mod timestamp;
mod usage;
mod wording;
mod writing;

pub use audience::{Audience, Restart};
pub use certainty::{Certainty, LowConfidence, Told};
pub use deadline::Deadline;
pub use describe::{DescribeError, Services, describe_product, describe_product_aloud};
pub use digest::digest;
pub use excerpt::excerpt;
pub use findings::Findings;
pub use format::{Format, FormatError};
pub use language::{LANGUAGES, Language};
pub use listing::Listing;
pub use milliseconds::{in_ms, since_epoch_ms};
pub use photo::{MAX_PHOTO_BYTES, Photo, PhotoError};
pub use photo_fit::{Fitted, fit};
pub use ports::{
    AskError, AttributeModel, Condition, Describer, DescriberError, ModelAnswer, Store, StoreError,
    Stored, Version, WrittenDescription,
};
pub use product::{Models, ProductDescription, UnsupportedClaim};
pub use progress::{Answers, Progress, Spent, Text};
pub use prompt::{Correction, Prompt};
pub use prompt_template::{PromptTemplate, PromptTemplateError, Slot};
pub use questions::{Question, QuestionPlan, UnknownAttribute};
pub use request::{
    DescribeRequest, LONGEST_KEY, ObjectAddress, ObjectAddressError, ObjectState, PhotoSource,
    is_bucket_name,
};
pub use script::Script;
pub use shortening::shortened_name;
pub use source_mark::{SourceMark, Standing, origin_of_upload, photo_digest};
pub use text_check::{Subject, TextCheck};
pub use text_form::{FormFault, FormKind};
pub use timestamp::{beginning_ms, end_of_second_ms, read_time_ms, timestamp};
pub use usage::{Cost, Price, Prices, Usage};
pub use wording::{Style, Wording};
pub use writing::{CheckedDescription, Unfaithful, write};
