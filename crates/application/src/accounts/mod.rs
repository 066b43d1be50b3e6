//! Opening accounts and running them.

mod appoint_admin;
mod change;
mod change_password;
mod check_password;
mod find;
mod list;
mod register;
mod rename;
mod request_password_reset;
mod request_verification;
mod reset_password;
mod verify_email;

use std::sync::Arc;

use comanda_domain::ports::{
    self, AccountChanges, Clock, ClosedSessions, IdGenerator, MailTokens, SecurityLog, WorkQueue,
};

pub use change_password::ChangePasswordError;
pub use check_password::{CheckPasswordError, Passwords};
pub use register::{OpenAccountError, Registration};
pub use reset_password::ResetPasswordError;

/// The accounts of customers, staff and admins. One file per verb.
pub struct Accounts {
    pub accounts: Arc<dyn ports::Accounts>,
    pub changes: Arc<dyn AccountChanges>,
    pub passwords: Passwords,
    /// Changing an account, or its password, ends its sessions.
    pub closed_sessions: Arc<dyn ClosedSessions>,
    pub mails: Arc<dyn ports::Mails>,
    pub mail_tokens: Arc<dyn MailTokens>,
    /// Mails that are recorded and not sent yet.
    pub mail_work: Arc<dyn WorkQueue>,
    pub security: Arc<dyn SecurityLog>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
