//! What a month costs: pure arithmetic over a load and prices.
//!
//! Every line of a bill is linear in the number of products ([`bill::Line`]), so that two
//! ways of running can be compared at any number of them ([`break_even`]).

pub mod bill;
pub mod break_even;
pub mod load;
pub mod prices;
pub mod report;

#[cfg(test)]
mod documents;
