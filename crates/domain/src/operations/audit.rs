//! The record of who did what to whom, when and why.

use std::str::FromStr;

use thiserror::Error;

use crate::{AccountId, Reason, Timestamp};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditAction {
    /// A lock was lifted.
    AccountUnlocked,
    /// An account got another role.
    RoleChanged,
    /// An account was shut.
    AccountDisabled,
    /// An account was opened again.
    AccountEnabled,
    /// A stock was adjusted.
    StockAdjusted,
    /// A menu item was put on the menu.
    MenuItemAdded,
    /// A menu item's details were changed.
    MenuItemEdited,
    /// A menu item was taken off the menu for good.
    MenuItemArchived,
    /// A feature flag was set.
    FlagSet,
    /// A customer paid at the counter.
    PaymentSettled,
    /// Money was given back.
    PaymentRefunded,
    /// An event that could not be delivered is tried again.
    DeadLetterResent,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::AccountUnlocked,
        Self::RoleChanged,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::StockAdjusted,
        Self::MenuItemAdded,
        Self::MenuItemEdited,
        Self::MenuItemArchived,
        Self::FlagSet,
        Self::PaymentSettled,
        Self::PaymentRefunded,
        Self::DeadLetterResent,
    ];

    /// The name in the HTTP contract and in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountUnlocked => "account.unlocked",
            Self::RoleChanged => "account.role_changed",
            Self::AccountDisabled => "account.disabled",
            Self::AccountEnabled => "account.enabled",
            Self::StockAdjusted => "menu_item.stock_adjusted",
            Self::MenuItemAdded => "menu_item.added",
            Self::MenuItemEdited => "menu_item.edited",
            Self::MenuItemArchived => "menu_item.archived",
            Self::FlagSet => "flag.set",
            Self::PaymentSettled => "payment.settled",
            Self::PaymentRefunded => "payment.refunded",
            Self::DeadLetterResent => "dead_letter.resent",
        }
    }
}

/// The text names no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an action of the audit log")]
pub struct NotAnAction;

impl FromStr for AuditAction {
    type Err = NotAnAction;

    fn from_str(text: &str) -> Result<Self, NotAnAction> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(NotAnAction)
    }
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Who; `None` is the server's operator, on the command line.
    pub actor: Option<AccountId>,
    /// What.
    pub action: AuditAction,
    /// To whom or what: an id, or an address.
    pub target: String,
    /// Why.
    pub reason: Option<Reason>,
    /// When, in whole milliseconds.
    pub at: Timestamp,
}

/// A record as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Counted on from entry to entry.
    pub id: i64,
    /// What was done.
    pub record: AuditRecord,
}
