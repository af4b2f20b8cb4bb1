//! The three ways by which a picture comes to the function.

pub mod direct;
pub mod http;
pub mod s3;
