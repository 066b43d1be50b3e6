use actix_web::HttpResponse;
use comanda_application::Kitchen;
use comanda_domain::{
    OrderId, StationId, TicketId,
    ports::{TicketCriteria, Unavailable},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::ticket_response::TicketResponse;
use crate::http::{
    extract::{Filter, Paged, Service, Staff, pages},
    problem::{Failure, Problem},
    validation::{ViolationCode, Violations},
    wire::names,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TicketFilter {
    /// Only tickets of this station.
    #[param(value_type = Option<Uuid>)]
    station: Option<String>,
    /// Only tickets in this state.
    #[param(value_type = Option<names::TicketState>, inline)]
    state: Option<String>,
    /// Only tickets of this order.
    #[param(value_type = Option<Uuid>)]
    order: Option<String>,
}

impl Filter for TicketFilter {
    const LIST: &'static str = "tickets";
    type Criteria = TicketCriteria;
    type Position = Uuid;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        let mut id = |pointer, text: Option<String>| {
            text.and_then(|text| violations.read::<Uuid>(pointer, &text, ViolationCode::NotAUuid))
        };
        let (station, order) = (id("/station", self.station), id("/order", self.order));
        let state = self.state.and_then(|state| violations.read("/state", &state, ViolationCode::UnknownState));
        Ok(TicketCriteria { station: station.map(StationId::new), state, order: order.map(OrderId::new) })
    }
}

pages! {
    TicketPage of TicketResponse;
}

/// Lists tickets, the oldest first
///
/// Of all stations or of one, in whatever state or in one, or those of one order.
#[utoipa::path(
    get, path = "/v1/kitchen/tickets", operation_id = "list_tickets",
    responses((status = 200, description = "A page of the list", body = TicketPage))
)]
pub async fn list_tickets(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Paged { criteria, limit, after, pages }: Paged<TicketFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found = kitchen.list_tickets(staff, criteria, after.map(TicketId::new), limit).await?;
    Ok(pages.respond::<TicketPage, _, _>(found, TicketId::as_uuid, |ticket| TicketResponse::from(&ticket)))
}
