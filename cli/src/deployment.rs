//! An endpoint and what it is made of: made, changed, looked at, removed.
//!
//! [`control_plane`] is what SageMaker says, [`wanted`] what it is asked to make.
//! [`deploying`] is the order of things (`making` and `aftermath` are parts of it), with
//! [`waiting`] until an endpoint is what it is to be and [`made`] to take back what came to
//! nothing. [`belongings`] finds everything that is an endpoint's, by [`names`] and tags;
//! [`removal`] removes it.

mod aftermath;
pub mod belongings;
pub mod control_plane;
pub mod deploying;
pub mod made;
mod making;
pub mod model_data;
pub mod names;
pub mod removal;
pub mod rollout;
pub mod waiting;
pub mod wanted;
