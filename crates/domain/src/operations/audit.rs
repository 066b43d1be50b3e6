//! The record of who did what to whom, when and why.

use crate::{AccountId, Reason, Timestamp, names::names};

names! {
    /// An action that the audit log records.
    pub enum AuditAction {
        /// An operator made an account an admin's.
        AccountAppointed = "account.appointed",
        /// A lock was lifted.
        AccountUnlocked = "account.unlocked",
        /// An account got another role.
        RoleChanged = "account.role_changed",
        /// An account was disabled.
        AccountDisabled = "account.disabled",
        /// An account was enabled again.
        AccountEnabled = "account.enabled",
        /// An admin ended an account's sessions.
        SessionsClosed = "account.sessions_closed",
        /// A stock was adjusted.
        StockAdjusted = "menu_item.stock_adjusted",
        /// A menu item was put on the menu.
        MenuItemAdded = "menu_item.added",
        /// A menu item's details were changed.
        MenuItemEdited = "menu_item.edited",
        /// A menu item was archived.
        MenuItemArchived = "menu_item.archived",
        /// The option groups that a menu item offers were changed.
        MenuItemOptionsChanged = "menu_item.options_changed",
        /// The recipe of a menu item was changed.
        MenuItemRecipeChanged = "menu_item.recipe_changed",
        /// An option group was added.
        OptionGroupAdded = "option_group.added",
        /// An option group was changed.
        OptionGroupEdited = "option_group.edited",
        /// An option group was archived.
        OptionGroupArchived = "option_group.archived",
        /// A supply was added.
        SupplyAdded = "supply.added",
        /// A supply's details were changed.
        SupplyEdited = "supply.edited",
        /// A supply was archived.
        SupplyArchived = "supply.archived",
        /// A supply's stock was adjusted.
        SupplyAdjusted = "supply.stock_adjusted",
        /// A station of the kitchen was added.
        StationAdded = "station.added",
        /// A station of the kitchen was changed.
        StationEdited = "station.edited",
        /// A station of the kitchen was archived.
        StationArchived = "station.archived",
        /// A feature flag was set.
        FlagSet = "flag.set",
        /// Staff cancelled an order.
        OrderCancelled = "order.cancelled",
        /// A customer paid at the counter.
        PaymentSettled = "payment.settled",
        /// A payment was refunded, in full or in part.
        PaymentRefunded = "payment.refunded",
        /// A refund failed, at once or after it had succeeded.
        RefundFailed = "payment.refund_failed",
        /// Another amount came for a payment than was asked for.
        PaymentMismatched = "payment.mismatched",
        /// A customer had their bank take a payment back, or the bank moved on with it.
        PaymentDisputed = "payment.disputed",
        /// A dead letter was resent.
        DeadLetterResent = "dead_letter.resent",
    }

    /// The text names no action.
    pub struct NotAnAction("not an action of the audit log");
}

/// Who did what to whom, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// The account that did it; `None` is an operator on the command line, or the payment gateway.
    pub actor: Option<AccountId>,
    /// The action.
    pub action: AuditAction,
    /// The id or address it was done to.
    pub target: String,
    /// The stated reason.
    pub reason: Option<Reason>,
    /// When it was done, in whole milliseconds.
    pub at: Timestamp,
}

/// A record as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// The position in the log; grows with every entry.
    pub id: i64,
    /// The record.
    pub record: AuditRecord,
}
