use comanda_domain::{
    SupplyShortage,
    ports::{UnreadableRecord, UsedBy},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{validation::Violation, wire::names};

/// Why a request failed (RFC 9457).
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A page that explains the code.
    #[schema(example = "/problems/insufficient-stock")]
    r#type: String,
    title: String,
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    detail: String,
    /// The request id.
    instance: String,
    #[schema(value_type = names::ProblemCode)]
    code: String,
    /// Every violation at once, where values are at fault.
    #[schema(nullable = false)]
    errors: Option<Vec<Violation>>,
    /// What cannot be done at the moment (`unavailable`).
    #[schema(value_type = Option<names::FailedOperation>, nullable = false)]
    operation: Option<String>,
    /// Which limit of the customer an order would exceed (`rate-limited`).
    #[schema(value_type = Option<names::OrderLimit>, nullable = false)]
    limit: Option<String>,
    /// Every menu item there is not enough of (`insufficient-stock`).
    #[schema(nullable = false)]
    items: Option<Vec<ShortageDocument>>,
    /// Every supply there is not enough of (`insufficient-stock`).
    #[schema(nullable = false)]
    supplies: Option<Vec<SupplyShortageDocument>>,
    /// What uses it (`in-use`).
    #[schema(nullable = false)]
    used_by: Option<Vec<UsedByDocument>>,
    /// The record that cannot be read (`unreadable-record`).
    #[schema(nullable = false)]
    record: Option<UnreadableDocument>,
}

/// A stored record that cannot be read, because it holds a value that this version of the server refuses.
#[derive(Serialize, ToSchema)]
#[schema(as = UnreadableRecord)]
pub struct UnreadableDocument {
    /// Where it is stored.
    #[schema(example = "users")]
    table: String,
    /// Its id, or that of the record it belongs to.
    id: String,
    /// Which of its values is refused.
    #[schema(example = "role")]
    column: String,
}

impl From<&UnreadableRecord> for UnreadableDocument {
    fn from(UnreadableRecord { table, id, column, why: _ }: &UnreadableRecord) -> Self {
        Self { table: (*table).to_owned(), id: id.clone(), column: (*column).to_owned() }
    }
}

/// What uses something that cannot go, or cannot be changed so, as long as it is used.
#[derive(Serialize, ToSchema)]
#[schema(as = UsedBy)]
pub struct UsedByDocument {
    #[schema(value_type = names::UserKind)]
    kind: &'static str,
    id: uuid::Uuid,
    #[schema(example = "Burrito")]
    name: String,
}

/// What kinds of things use others.
pub const USER_KINDS: [&str; 2] = ["menu_item", "option"];

impl From<UsedBy> for UsedByDocument {
    fn from(used_by: UsedBy) -> Self {
        let [menu_item, option] = USER_KINDS;
        match used_by {
            UsedBy::MenuItem { id, name } => Self { kind: menu_item, id: id.as_uuid(), name: name.to_string() },
            UsedBy::Option { id, name } => Self { kind: option, id: id.as_uuid(), name: name.to_string() },
        }
    }
}

/// A menu item there is not enough of.
#[derive(Serialize, ToSchema)]
#[schema(as = Shortage)]
pub struct ShortageDocument {
    pub menu_item_id: uuid::Uuid,
    pub requested: u32,
    pub available: u32,
}

/// A supply there is not enough of.
#[derive(Serialize, ToSchema)]
#[schema(as = SupplyShortage)]
pub struct SupplyShortageDocument {
    supply_id: uuid::Uuid,
    name: String,
    requested: u64,
    available: u32,
}

impl From<SupplyShortage> for SupplyShortageDocument {
    fn from(SupplyShortage { supply_id, name, requested, available }: SupplyShortage) -> Self {
        Self { supply_id: supply_id.as_uuid(), name: name.into(), requested, available }
    }
}
