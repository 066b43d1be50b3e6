//! `/v1/users`, `/v1/me`, `/v1/admin/users`

mod account_response;
mod change;
mod change_password;
mod list;
mod me;
mod register;
mod update_me;

use self::account_response::AccountResponse;
pub use self::{
    change::{__path_change, change},
    change_password::{__path_change_password, change_password},
    list::{__path_list, list},
    me::{__path_me, me},
    register::{__path_register, register},
    update_me::{__path_update_me, update_me},
};
use crate::http::problem::{Code, Problem};

/// For a caller whose session is open though the account is gone.
fn gone() -> Problem {
    Problem::new(Code::Unauthenticated, "The account does not exist any more.")
}
