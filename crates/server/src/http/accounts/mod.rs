//! `/v1/users`, `/v1/sessions`, `/v1/me`

mod log_in;
mod me;
mod register;

pub use log_in::{__path_log_in, log_in};
pub use me::{__path_me, me};
pub use register::{__path_register, register};
