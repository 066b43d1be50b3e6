//! Closed sets of names, described as enums: from the domain's own lists where it has one.

use comanda_domain::{
    Allergen as Declared, AuditAction, Availability as Available, EventKind, FeatureFlag as Flag,
    IncidentKind as Matter, IncidentStatus as Standing, LockReason as Reason, OrderLimit as Limit,
    OrderStatus as Status, PaymentMethod as Method, PaymentStatus as Paid, RefundStatus as Refunded, Role,
    SupplyUnit as Measure, TicketState as Progress,
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use crate::{
    config::CURRENCIES,
    http::problem::{Code, Operation},
};

/// Schemas only: what is sent is the domain's `as_str`.
macro_rules! names {
    ($($(#[doc = $doc:literal])+ $name:ident = $names:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let names: Vec<&str> = $names.into_iter().collect();
                    let description = [$($doc.trim()),+].join(" ");
                    let schema = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
                    schema.enum_values(Some(names)).into()
                }
            }

            impl ToSchema for $name {}
        )+

        #[cfg(test)]
        const SCHEMAS: &[(&str, fn() -> RefOr<Schema>)] = &[$((stringify!($name), <$name as PartialSchema>::schema)),+];
    };
}

names! {
    /// Where an order stands.
    OrderStatus = Status::ALL.map(Status::as_str);
    /// A status that staff can move an order to.
    NextOrderStatus = Status::ALL
        .into_iter()
        .filter(|status| !matches!(status, Status::Pending | Status::Cancelled))
        .map(Status::as_str);
    /// How far a station is with a ticket.
    TicketState = Progress::ALL.map(Progress::as_str);
    /// Where a payment stands.
    PaymentStatus = Paid::ALL.map(Paid::as_str);
    /// By card, through the payment gateway, or at the counter.
    PaymentMethod = Method::ALL.map(Method::as_str);
    /// `mismatch`: another amount came than was asked for; `dispute`: the customer had their bank take the money back.
    IncidentKind = Matter::ALL.map(Matter::as_str);
    /// Where an incident stands.
    IncidentStatus = Standing::ALL.map(Standing::as_str);
    /// `pending` until the gateway has taken the refund.
    RefundStatus = Refunded::ALL.map(Refunded::as_str);
    /// A limit of one customer.
    OrderLimit = Limit::ALL.map(Limit::as_str);
    /// What an account may do.
    AccountRole = Role::ALL.map(Role::as_str);
    /// Whether a menu item can be ordered, or whether there is any of a supply, and whether it is about to run out.
    Availability = Available::ALL.map(Available::as_str);
    /// In what a supply is counted: pieces, grams, millilitres.
    SupplyUnit = Measure::ALL.map(Measure::as_str);
    /// What must be declared of food (Regulation (EU) No 1169/2011, annex II).
    Allergen = Declared::ALL.map(Declared::as_str);
    /// What uses an option group or a supply.
    UserKind = crate::http::problem::USER_KINDS;
    /// Why an address is locked.
    LockReason = Reason::ALL.map(Reason::as_str);
    /// The currency of the deployment, by its code in ISO 4217.
    Currency = CURRENCIES.iter().copied();
    /// What was done.
    AuditedAction = AuditAction::ALL.map(AuditAction::as_str);
    /// A feature flag.
    FlagName = Flag::ALL.map(Flag::as_str);
    /// How a report divides time.
    Interval = ["hour", "day", "week"];
    /// What went wrong, by a name that never changes.
    ProblemCode = Code::ALL.iter().map(|code| code.as_str());
    /// What cannot be done at the moment.
    FailedOperation = Operation::ALL.iter().map(|operation| operation.as_str());
    /// What happened.
    EventType = EventKind::NAMES;
    /// One of Stripe's test cards, by the name of its payment method.
    TestCard = ["pm_card_visa", "pm_card_chargeDeclined", "pm_card_authenticationRequired"];
    /// How the access token is sent.
    TokenType = ["Bearer"];
    /// A process that does not run says nothing.
    LivenessStatus = ["ok"];
    /// `degraded`: orders can be placed; `unavailable`: they cannot.
    HealthStatus = ["ok", "degraded", "unavailable"];
    /// Whether the server reaches a component.
    ComponentStatus = ["ok", "unavailable"];
    /// Whether a background worker works.
    WorkerStatus = ["running", "restarting", "ended"];
}

/// What a category of the menu can be called.
pub enum CategoryName {}

impl PartialSchema for CategoryName {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(r"^[^\x00-\x1F\x7F-\x9F]*$"));
        schema.min_length(Some(1)).max_length(Some(60)).description(Some("A category of the menu.")).into()
    }
}

impl ToSchema for CategoryName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_repeated() {
        for (name, schema) in SCHEMAS {
            let schema = serde_json::to_value(schema()).unwrap();
            let names: Vec<&str> =
                schema["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
            let distinct: std::collections::BTreeSet<_> = names.iter().collect();
            assert!(!names.is_empty() && distinct.len() == names.len(), "{name}: {names:?}");
        }
    }
}
