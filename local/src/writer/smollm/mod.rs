//! SmolLM2-135M-Instruct as the writer, run by candle.
//!
//! A model of 135 million parameters loses its way in a page of instructions and a list of
//! eight attributes. So a product description is not asked for at once: [`brief`] condenses the
//! request to one small task a sentence (a short system prompt, the words to be used, the
//! beginning of the answer), [`description`] lets the model write sentence by sentence and tries a
//! sentence again that leaves an attribute out or contradicts one ([`check`]); an attribute
//! that is still missing becomes the beginning of one more sentence. What is returned is the
//! model's own text, put together from its sentences; what it did not manage to say without a
//! fault stays unsaid.
//!
//! A request without `<product_attributes>` is an ordinary chat and is answered in one go.
//!
//! [`worker`] runs all this on a thread of its own, one request at a time.

mod brief;
mod chat_form;
mod check;
mod compose;
mod description;
mod generation;
mod model;
mod rivals;
mod worker;

use std::path::PathBuf;

pub use worker::SmolLmWriter;

/// Why the model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be opened.
    #[error("cannot open the language model {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// Not a GGUF file, not of a Llama model, or damaged.
    #[error("{} is no GGUF file of a Llama model that can be read: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: candle_core::Error,
    },
    /// A model without the chat form.
    #[error("{} has no <|im_end|> token: it is no instruction-tuned SmolLM2", path.display())]
    NoChatMarkers {
        /// The file.
        path: PathBuf,
    },
    /// No thread for the model.
    #[error("cannot start the writer's thread: {0}")]
    Thread(std::io::Error),
}
