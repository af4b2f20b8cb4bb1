//! Whether a product description is true to what is known of the product.
//!
//! A [`Checker`] reads a text beside the attributes that are known and says
//! which of them the text states, which it leaves out, which it contradicts,
//! what it claims beyond them, and which of the merchant's banned words it
//! holds. It knows the attributes by an [`attributes::AttributeSet`], any one,
//! and the language by a [`Lexicon`], which is data.
//!
//! ```
//! use attributes::AttributeSet;
//! use faithfulness::{Checker, Known};
//!
//! let checker = Checker::new(&AttributeSet::embedded());
//! let known = Known::new("shirt")
//!     .with("Sleeve Length", "Long Sleeves")
//!     .with("Pattern", "Striped");
//!
//! let text = "A short-sleeved shirt with stripes, made in Italy. Pair it with plain trousers.";
//! let findings = checker.check(&known, text);
//! assert_eq!(findings.mentioned, ["Pattern"]);
//! assert_eq!(findings.contradicted[0].attribute, "Sleeve Length");
//! assert_eq!(findings.contradicted[0].span.of(text), "short-sleeved");
//! assert_eq!(findings.claims[0].text, "made in Italy");
//! assert!(!findings.is_clean());
//! ```
//!
//! The crate works on text alone: no files, no network, no model. The time
//! that a text takes grows with its length and no faster.

mod banned;
mod checker;
mod claims;
mod compiled;
mod compiling;
mod findings;
mod heads;
mod judge;
mod known;
mod letters;
mod lexicon;
mod mention;
mod pattern;
mod quick_hash;
mod reading;
mod roles;
mod scope;
mod select;
mod spelled;
mod token;
mod trie;
mod unseen;
mod words;

pub use checker::Checker;
pub use findings::{BannedWord, Claim, ClaimKind, Contradiction, Findings, Span};
pub use known::Known;
pub use letters::plain_letter;
pub use lexicon::{Lexicon, LexiconError};
pub use unseen::is_unseen;
