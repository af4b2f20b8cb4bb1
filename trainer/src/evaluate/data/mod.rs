//! What is asked and what is true.

mod photos;
mod repeats;
mod rows;
mod test_set;
mod vocabulary;

pub use photos::read_photo;
pub use repeats::without_repeats;
pub use rows::{Row, read_rows, read_rows_if_any};
pub use test_set::{Item, TestSet, chosen};
pub use vocabulary::{Choice, Vocabulary};
