use comanda_domain::{Note, OrderLine, SelectedOption, Ticket};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::wire::{WireTime, names};

/// What a station makes of an order.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub struct TicketResponse {
    id: Uuid,
    order_id: Uuid,
    /// The order's, for calling out at the counter.
    #[schema(example = "K417")]
    number: String,
    station_id: Uuid,
    #[schema(value_type = names::TicketState)]
    state: &'static str,
    /// 1 when written, one more with every change.
    version: u32,
    /// Those of the order's lines that the station makes.
    lines: Vec<TicketLineResponse>,
    /// What the customer asks for the whole order.
    #[schema(required)]
    note: Option<String>,
    /// When the order was accepted.
    created_at: WireTime,
    updated_at: WireTime,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TicketLine)]
struct TicketLineResponse {
    /// As it was at the moment of ordering.
    name: String,
    quantity: u32,
    #[schema(required)]
    note: Option<String>,
    /// As they were at the moment of ordering.
    selections: Vec<TicketSelectionResponse>,
}

/// An option that was chosen with a line.
#[derive(Serialize, ToSchema)]
#[schema(as = TicketSelection)]
struct TicketSelectionResponse {
    /// The name of its group.
    group: String,
    name: String,
    /// How often it goes with one of the menu item.
    quantity: u32,
}

fn text(note: Option<&Note>) -> Option<String> {
    note.map(|note| note.as_str().to_owned())
}

impl From<&SelectedOption> for TicketSelectionResponse {
    fn from(option: &SelectedOption) -> Self {
        Self {
            group: option.group.as_str().to_owned(),
            name: option.name.as_str().to_owned(),
            quantity: option.quantity.get(),
        }
    }
}

impl From<&OrderLine> for TicketLineResponse {
    fn from(line: &OrderLine) -> Self {
        Self {
            name: line.name.as_str().to_owned(),
            quantity: line.quantity.get(),
            note: text(line.note.as_ref()),
            selections: line.selections.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Ticket> for TicketResponse {
    fn from(ticket: &Ticket) -> Self {
        Self {
            id: ticket.id.as_uuid(),
            order_id: ticket.order_id.as_uuid(),
            number: ticket.number.to_string(),
            station_id: ticket.station_id.as_uuid(),
            state: ticket.state.as_str(),
            version: ticket.version,
            lines: ticket.lines.iter().map(Into::into).collect(),
            note: text(ticket.note.as_ref()),
            created_at: WireTime(ticket.created_at),
            updated_at: WireTime(ticket.updated_at),
        }
    }
}
