//! `/v1/sessions`, `/v1/web/sessions`, `/v1/me/sessions`, `/v1/admin/users/{id}/sessions`,
//! and the keys that access tokens are verified with

mod end;
mod end_all;
mod end_others;
mod jwks;
mod list;
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
    end::{__path_end, end},
    end_all::{__path_end_all, end_all},
    end_others::{__path_end_others, end_others},
    jwks::{__path_jwks, jwks},
    list::{__path_list, list},
    password_check::counted,
    refresh::{__path_refresh, refresh},
    sign_in::{__path_sign_in, sign_in},
    sign_in_browser::{__path_sign_in_browser, sign_in_browser},
    sign_out::{__path_sign_out, sign_out},
    sign_out_browser::{__path_sign_out_browser, sign_out_browser},
};
