//! `/v1/users`, `/v1/me`, `/v1/admin/users`

mod account_response;
mod change;
mod change_password;
mod list;
mod me;
mod register;

use self::account_response::AccountResponse;
pub use self::{
    change::{__path_change, change},
    change_password::{__path_change_password, change_password},
    list::{__path_list, list},
    me::{__path_me, __path_update_me, me, update_me},
    register::{__path_register, register},
};
