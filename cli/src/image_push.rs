//! Images of containers into ECR: [`engine`] is the program that has them and pushes them,
//! [`ecr`] the registry's side, [`reference`](mod@reference) what an image is called.

pub mod ecr;
pub mod engine;
pub mod reference;
