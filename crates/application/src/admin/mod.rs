//! Looking after accounts, and after the server.

mod change_account;
mod list_accounts;
mod list_lockouts;
mod read_audit_log;
mod read_flag;
mod read_lockout;
mod set_flag;
mod unlock_account;

pub use change_account::ChangeAccount;
pub use list_accounts::ListAccounts;
pub use list_lockouts::ListLockouts;
pub use read_audit_log::ReadAuditLog;
pub use read_flag::ReadFlag;
pub use read_lockout::ReadLockout;
pub use set_flag::SetFlag;
pub use unlock_account::{UnlockAccount, UnlockAccountError};
