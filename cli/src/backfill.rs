//! A whole catalogue described: by the state machine in the account, or here.
//!
//! [`products`] finds what there is to describe, [`inventory`] by a list that S3 has made.
//! [`work`] does it with the function's own
//! code: results and records of failures are the function's, so that what it has described
//! is passed over here and the other way round. [`folder_store`] puts a folder in the place
//! of a bucket. [`tally`] counts what came of it, and [`state_machine`] starts and follows
//! the other way.

pub mod folder_lock;
pub mod folder_store;
pub mod inventory;
pub mod products;
pub mod state_machine;
pub mod tally;
pub mod work;
