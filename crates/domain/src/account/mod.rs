//! Accounts and what they may do.

mod change;
mod credentials_version;
mod email;
mod guessable;
mod password;

pub use change::*;
pub use credentials_version::*;
pub use email::*;
pub use password::*;

use crate::{AccountId, PersonName, SessionId, Timestamp, names::names};

names! {
    /// What an account may do.
    pub enum Role {
        /// Orders and pays.
        Customer = "customer",
        /// Runs the menu and the kitchen.
        Staff = "staff",
        /// Does what staff do, and manages accounts.
        Admin = "admin",
    }

    /// The text names no role.
    pub struct NotARole("a role is customer, staff or admin");
}

impl Role {
    /// Whether the role works here: staff and admins.
    pub const fn is_staff(self) -> bool {
        matches!(self, Self::Staff | Self::Admin)
    }
}

/// An account, without its password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The id, which never changes.
    pub id: AccountId,
    /// Unique among all accounts.
    pub email: Email,
    /// What the person wants to be called.
    pub name: PersonName,
    /// The role, which decides what the account may do.
    pub role: Role,
    /// A disabled account cannot sign in.
    pub disabled: bool,
    /// Whether somebody has shown that the address is theirs. One that is not verified gets no mail but the request to
    /// verify it.
    pub email_verified: bool,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Account {
    /// Whether the account manages others.
    pub fn is_enabled_admin(&self) -> bool {
        self.role == Role::Admin && !self.disabled
    }
}

/// Who is acting, as proven by a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account_id: AccountId,
    /// Its role when the credential was issued. A change of role closes every session.
    pub role: Role,
    /// The session the credential belongs to.
    pub session_id: SessionId,
}

impl Actor {
    /// The proof that the actor works here, if so.
    pub fn as_staff(self) -> Option<StaffMember> {
        self.role.is_staff().then_some(StaffMember(self.account_id))
    }

    /// The proof that the actor manages accounts, if so.
    pub fn as_admin(self) -> Option<Administrator> {
        (self.role == Role::Admin).then_some(Administrator(self.account_id))
    }

    /// The orders this actor may see.
    pub const fn order_scope(self) -> OrderScope {
        if self.role.is_staff() { OrderScope::All } else { OrderScope::OwnedBy(self.account_id) }
    }
}

/// Proof that somebody works here. Whatever only staff may do takes one as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffMember(AccountId);

impl StaffMember {
    /// The account.
    pub const fn account_id(self) -> AccountId {
        self.0
    }
}

/// Proof that somebody manages accounts. Whatever only admins may do takes one as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Administrator(AccountId);

impl Administrator {
    /// The account.
    pub const fn account_id(self) -> AccountId {
        self.0
    }
}

/// Which orders somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderScope {
    /// Everybody's: staff.
    All,
    /// A customer's own.
    OwnedBy(AccountId),
}

impl OrderScope {
    /// Whether an order of this customer may be seen.
    pub fn admits(self, customer_id: AccountId) -> bool {
        match self {
            Self::All => true,
            Self::OwnedBy(owner) => owner == customer_id,
        }
    }
}
