//! BLIP-2 with a Flan-T5 language model, on candle, equal to Hugging Face
//! `transformers`: what the reference computes, within stated tolerances, from
//! checkpoints as they are published.
//!
//! [`Blip2`] is the whole of it: load a folder, decode a photograph
//! ([`photo::decode`]), encode it once, ask it any number of questions. The
//! modules below mirror the reference, one struct a module, fields named as
//! the weights are.

mod answering;
mod attention;
mod blip2;
mod checkpoint;
pub mod config;
mod cpu;
mod device;
mod dropout;
mod embedding;
mod engine;
mod error;
pub mod generation;
mod image_processor;
mod linear;
mod lora;
pub mod model;
#[cfg(feature = "onednn")]
mod onednn;
mod ops;
mod packed;
mod parameters;
mod product;
pub mod qformer;
mod quantize;
pub mod t5;
mod tape;
mod tokenizer;
pub mod training;
pub mod unique_json;
pub mod vision;
mod weights;

pub use answering::{Answering, Generated, Outcome};
pub use blip2::{Blip2, LoadOptions};
pub use checkpoint::UNFINISHED;
pub use device::{DeviceKind, NumberType};
pub use engine::{Engine, EngineReport, Measurement, Quantization};
pub use error::Error;
pub use generation::{
    ChoiceError, ChoiceTree, Chosen, EarlyStopping, GenerationParameters, ParameterError, Question,
    Task,
};
pub use image_processor::ImageProcessor;
pub use lora::{Adapter, LoadedAdapter, LoraConfig, TargetModules};
pub use parameters::Parameter;
pub use photo;
pub use quantize::quantize_checkpoint;
pub use tokenizer::Tokenizer;
pub use weights::Weights;
