//! The domain of Lookbook: which attributes a garment has, how a model is asked
//! about them, and what its answers mean.
//!
//! An [`AttributeSet`] is data. The default one, with the eight attributes of
//! shirts and their relatives, is embedded; another is text in the same form:
//!
//! ```toml
//! [[attribute]]
//! name = "Neck"                     # how the attribute is called in results
//! words = "neck type"               # its words in a question; default: the name in lower case
//! aliases = ["Neckline"]            # other names by which a model may answer
//! values = [
//!     "Boat Neck",
//!     { name = "V-Neck", synonyms = ["V Shape"] },
//! ]
//!
//! [[category]]
//! name = "T-shirt"
//! noun = "T-shirt"                  # the word in a question; default: the name
//! aliases = ["Tshirts"]
//! attributes = ["Neck"]             # those that apply; default: all
//! ```
//!
//! Names, aliases, values and synonyms are compared without regard to case,
//! spaces, hyphens and underscores: "V-Neck", "v neck" and "V_NECK" are one.
//!
//! ```
//! use attributes::{Answer, AttributeSet, question};
//!
//! let set = AttributeSet::embedded();
//! let (noun, asked) = set.attributes_of("Shirts");
//! assert_eq!(question(asked[4], noun), "What is the sleeve length of the shirt in this picture?");
//!
//! let answer = set.interpret(asked[4], "Sleeve Length: full sleeves");
//! assert_eq!(answer, Answer::Value("Long Sleeves".to_owned()));
//! ```
//!
//! The crate works on text alone: no files, no network, no async.

mod answer;
mod definition;
mod error;
mod fold;
mod pair;
mod question;
mod set;
mod wording;

pub use answer::{Answer, NOT_AVAILABLE};
pub use error::{AttributeSetError, Entry};
pub use fold::{fold, folds_to};
pub use pair::parse_pair;
pub use question::{question, wrap_question};
pub use set::{Attribute, AttributeSet, Category, UNKNOWN_CATEGORY_NOUN, Value};
pub use wording::Wording;
