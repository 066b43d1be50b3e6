//! `/v1/sessions`, `/v1/web/sessions`, and the keys that access tokens are verified with

mod jwks;
mod password_check;
mod refresh;
mod session_response;
mod sign_in;
mod sign_in_browser;
mod sign_out;
mod sign_out_browser;

#[cfg(test)]
pub use self::password_check::lock;
use self::session_response::SessionResponse;
pub use self::{
    jwks::{__path_jwks, jwks},
    password_check::counted,
    refresh::{__path_refresh, refresh},
    sign_in::{__path_sign_in, sign_in},
    sign_in_browser::{__path_sign_in_browser, sign_in_browser},
    sign_out::{__path_sign_out, sign_out},
    sign_out_browser::{__path_sign_out_browser, sign_out_browser},
};
