//! What can go wrong with a checkpoint or a generation.

use std::path::PathBuf;

use crate::engine::Engine;
use crate::generation::{ChoiceError, ParameterError};

/// An error of this crate; photographs have [`crate::photo::PhotoError`]. Its text
/// is the whole of it, the reason included, so that it names no source: who prints
/// an error with its sources would tell the reason twice.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the checkpoint cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The folder has no weights in a form this crate reads.
    #[error("no model.safetensors and no model.safetensors.index.json in {folder}{hint}")]
    NoWeights {
        /// Where they were looked for.
        folder: PathBuf,
        /// What is there instead, if that is known.
        hint: &'static str,
    },
    /// `config.json` does not describe a model this crate runs.
    #[error("config.json: {0}")]
    Config(String),
    /// `generation_config.json` is malformed.
    #[error("generation_config.json: {0}")]
    GenerationConfig(String),
    /// `preprocessor_config.json` asks for something else than a resize to
    /// a fixed size.
    #[error("preprocessor_config.json: {0}")]
    ImageProcessor(String),
    /// `tokenizer.json` is malformed or does not fit the model.
    #[error("tokenizer.json: {0}")]
    Tokenizer(String),
    /// A tensor is missing or has another shape than the configuration says.
    #[error("the weights do not fit config.json: {0}")]
    Weights(candle_core::Error),
    /// A generation parameter is out of its range.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// Texts cannot be the choices of a question.
    #[error(transparent)]
    Choices(#[from] ChoiceError),
    /// There is no such device, or the program was built without it.
    #[error("device {device}: {reason}")]
    Device {
        /// Which was asked for.
        device: String,
        /// Why it cannot be used.
        reason: String,
    },
    /// The engine that was asked for cannot be used.
    #[error("engine {engine}: {reason}")]
    Engine {
        /// Which.
        engine: Engine,
        /// Why not.
        reason: &'static str,
    },
    /// The checkpoint's weights cannot be had in the form that was asked for.
    #[error("{0}")]
    WeightForm(String),
    /// The system gives no threads.
    #[error("cannot start threads: {0}")]
    Threads(String),
    /// A checkpoint cannot be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The model computed something that is no number.
    #[error("the model's output is not a number; the weights may be damaged, or f16 too narrow")]
    NotANumber,
    /// An adapter is malformed or does not fit the model.
    #[error("adapter: {0}")]
    Adapter(String),
    /// The model cannot be trained as it was asked for.
    #[error("{0}")]
    Training(String),
    /// A computation failed.
    #[error("computation failed: {0}")]
    Compute(candle_core::Error),
}

impl From<candle_core::Error> for Error {
    fn from(error: candle_core::Error) -> Self {
        Self::Compute(error)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn a_reason_is_told_once() {
        let read = Error::Read {
            path: PathBuf::from("x"),
            reason: std::io::ErrorKind::NotFound.into(),
        };
        let computed = Error::from(candle_core::Error::Msg("no room".to_owned()));
        for (error, text) in [
            (read, "cannot read x: entity not found"),
            (computed, "computation failed: no room"),
        ] {
            assert_eq!(error.to_string(), text);
            assert!(error.source().is_none());
        }
    }
}
