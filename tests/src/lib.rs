//! End-to-end tests of Lookbook; they are in `end_to_end/`.
//!
//! Every test starts the real programs, talks to them as AWS or a customer
//! would, and ends them. What the benchmarks in `benches/` share is here.

pub mod arithmetic;
pub mod asked_process;
pub mod benchmarks_page;
pub mod chaos;
pub mod checkpoint;
pub mod compare;
pub mod files;
pub mod kept;
pub mod loopback;
pub mod machine;
pub mod outcome;
pub mod photos;
pub mod runtime_api;
pub mod stages;
pub mod times;
pub mod verdict;
