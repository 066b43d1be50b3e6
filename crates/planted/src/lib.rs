//! Faults that are planted on purpose, one at a time, so that `cargo xtask prove` has something to find: a checker that
//! has never found anything may be blind.
//!
//! A server has them with the feature `planted`, and one of them if the environment variable `PLANTED_FAULT` names it.
//! Every place is marked by `feature = "planted"`, and without the feature nothing of it is compiled. It does not
//! compile without debug assertions, which no release has.

#[cfg(feature = "planted")]
mod fault;

#[cfg(feature = "planted")]
pub use fault::{Fault, UnknownFault, planted};

#[cfg(all(feature = "planted", not(debug_assertions)))]
compile_error!("faults are planted for tests: a build without debug assertions cannot have them");
