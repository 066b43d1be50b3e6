//! `/v1/users`, `/v1/me`, `/v1/admin/users`

mod change_password;
mod manage;
mod me;
mod register;

pub use change_password::{__path_change_password, change_password};
pub use manage::{__path_accounts, __path_change_account, accounts, change_account};
pub use me::{__path_me, __path_update_me, me, update_me};
pub use register::{__path_register, register};
