//! What the function is for, without AWS: [`describe_product`] turns a request
//! into a description by way of three traits, [`AttributeModel`], [`Describer`]
//! and [`Store`].

mod deadline;
mod describe;
mod digest;
mod excerpt;
mod findings;
mod photo;
mod photo_fit;
mod ports;
mod product;
mod prompt;
mod questions;
mod request;
mod source_mark;
mod timestamp;

pub use deadline::Deadline;
pub use describe::{DescribeError, Services, describe_product};
pub use digest::digest;
pub use excerpt::excerpt;
pub use findings::Findings;
pub use photo::{MAX_PHOTO_BYTES, Photo, PhotoError};
pub use photo_fit::{Fitted, fit};
pub use ports::{
    AskError, AttributeModel, Condition, Describer, DescriberError, ModelAnswer, Store, StoreError,
    Stored, Version, WrittenDescription,
};
pub use product::{Models, ProductDescription, Usage};
pub use prompt::Prompt;
pub use questions::{Question, QuestionPlan, UnknownAttribute};
pub use request::{
    DescribeRequest, ObjectAddress, ObjectAddressError, PhotoSource, is_bucket_name,
};
pub use source_mark::{SourceMark, Standing};
pub use timestamp::timestamp;
