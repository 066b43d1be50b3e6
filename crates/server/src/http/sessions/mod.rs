//! `/v1/sessions`, `/v1/web/sessions`, and the keys that access tokens are verified with

mod jwks;
mod log_in;
mod log_in_browser;
mod log_out;
mod password_check;
mod refresh_session;

pub use jwks::{__path_jwks, jwks};
pub use log_in::{__path_log_in, log_in};
pub use log_in_browser::{__path_log_in_browser, log_in_browser};
pub use log_out::{__path_log_out, __path_log_out_browser, log_out, log_out_browser};
pub use password_check::checked;
pub use refresh_session::{__path_refresh_session, refresh_session};
