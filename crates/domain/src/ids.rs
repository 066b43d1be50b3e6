//! Identifiers. Each kind is its own type, so that a customer's id cannot stand where an order's belongs.

use std::fmt;

use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(Uuid);

        impl $name {
            /// Takes any UUID; ids made by Comanda are version 7 (RFC 9562), which sort by the time they were made.
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

id! {
    /// Names an account: a customer, a member of staff or an admin.
    AccountId
}
id! {
    /// Names a menu item.
    MenuItemId
}
id! {
    /// Names a supply.
    SupplyId
}
id! {
    /// Names an option group.
    OptionGroupId
}
id! {
    /// Names an option of a group.
    OptionId
}
id! {
    /// Names an order.
    OrderId
}
id! {
    /// Names a station of the kitchen.
    StationId
}
id! {
    /// Names a ticket: what a station makes of an order.
    TicketId
}
id! {
    /// Names a session.
    SessionId
}
id! {
    /// Names a payment.
    PaymentId
}
id! {
    /// Names a refund.
    RefundId
}
id! {
    /// Names a mail to an account.
    MailId
}
