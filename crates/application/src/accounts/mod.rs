//! Opening accounts and proving who one is.

mod appoint_admin;
mod change_password;
mod check_password;
mod log_in;
mod log_out;
mod read_profile;
mod refresh_session;
mod register_account;
mod rename_account;
mod session_terms;

pub use appoint_admin::AppointAdmin;
pub use change_password::ChangePassword;
pub use check_password::{CheckPassword, CheckPasswordError};
pub use log_in::{LogIn, LoggedIn, LoggedInBrowser};
pub use log_out::LogOut;
pub use read_profile::ReadProfile;
pub use refresh_session::{RefreshSession, RefreshSessionError};
pub use register_account::{OpenAccountError, RegisterAccount, Registration};
pub use rename_account::RenameAccount;
pub use session_terms::SessionTerms;
