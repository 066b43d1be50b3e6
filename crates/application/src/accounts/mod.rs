//! Opening accounts and proving who one is.

mod appoint_admin;
mod log_in;
mod read_profile;
mod register_account;

pub use appoint_admin::AppointAdmin;
pub use log_in::{LogIn, LogInError, LoggedIn};
pub use read_profile::ReadProfile;
pub use register_account::{OpenAccountError, RegisterAccount, Registration};
