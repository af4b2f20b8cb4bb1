//! What the function is for, without AWS: [`describe_product`] turns a request
//! into a description by way of three traits, [`AttributeModel`], [`Describer`]
//! and [`Store`].

mod certainty;
mod deadline;
mod describe;
mod excerpt;
mod findings;
mod format;
mod language;
mod listing;
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
mod source_mark;
mod text_check;
mod usage;
mod wording;
mod writing;

pub use certainty::{Certainty, LowConfidence, Told};
pub use deadline::Deadline;
pub use describe::{DescribeError, Services, describe_product};
pub use excerpt::excerpt;
pub use findings::Findings;
pub use format::{Format, FormatError};
pub use language::{LANGUAGES, Language};
pub use listing::Listing;
pub use photo::{MAX_PHOTO_BYTES, Photo, PhotoError};
pub use photo_fit::{Fitted, fit};
pub use ports::{
    AskError, AttributeModel, Describer, DescriberError, ModelAnswer, Store, StoreError,
    WrittenDescription,
};
pub use product::{Models, ProductDescription, UnsupportedClaim};
pub use progress::{Answers, Progress, Text};
pub use prompt::{Correction, Prompt};
pub use prompt_template::{PromptTemplate, PromptTemplateError, Slot};
pub use questions::{Question, QuestionPlan, UnknownAttribute};
pub use request::{
    DescribeRequest, ObjectAddress, ObjectAddressError, PhotoSource, is_bucket_name,
};
pub use script::Script;
pub use source_mark::SourceMark;
pub use text_check::{Subject, TextCheck};
pub use usage::{Cost, Price, Prices, Usage};
pub use wording::{Style, Wording};
pub use writing::{CheckedDescription, Unfaithful, write};
