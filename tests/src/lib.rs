//! End-to-end tests of Lookbook; they are in `end_to_end/`.
//!
//! Every test starts the real programs, talks to them as AWS or a customer
//! would, and ends them.
