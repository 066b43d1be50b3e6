//! `/v1/users`, `/v1/me`, `/v1/email-verifications`, `/v1/password-resets`, `/v1/admin/users`

mod account_response;
mod change;
mod change_password;
mod list;
mod me;
mod register;
mod request_password_reset;
mod request_verification;
mod reset_password;
mod update_me;
mod verify_email;

use self::account_response::AccountResponse;
pub use self::{
    change::{__path_change, change},
    change_password::{__path_change_password, change_password},
    list::{__path_list, list},
    me::{__path_me, me},
    register::{__path_register, register},
    request_password_reset::{__path_request_password_reset, request_password_reset},
    request_verification::{__path_request_verification, request_verification},
    reset_password::{__path_reset_password, reset_password},
    update_me::{__path_update_me, update_me},
    verify_email::{__path_verify_email, verify_email},
};
use crate::http::problem::{Code, Problem};

/// For a caller whose session is open though the account is gone.
fn gone() -> Problem {
    Problem::new(Code::Unauthenticated, "The account does not exist any more.")
}
