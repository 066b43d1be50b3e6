//! Looking after accounts.

mod change_account;
mod list_accounts;
mod list_lockouts;
mod read_audit_log;
mod read_lockout;
mod unlock_account;

pub use change_account::ChangeAccount;
pub use list_accounts::ListAccounts;
pub use list_lockouts::ListLockouts;
pub use read_audit_log::ReadAuditLog;
pub use read_lockout::ReadLockout;
pub use unlock_account::{UnlockAccount, UnlockAccountError};
