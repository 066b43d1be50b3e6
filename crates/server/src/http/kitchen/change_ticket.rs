use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Kitchen;
use comanda_domain::{TicketId, TicketState, TicketStays, ports::ChangeTicketError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ticket_response::TicketResponse;
use crate::http::{
    extract::{Idempotent, Json, Path, Service, Staff, replayable},
    problem::{Code, Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::names,
};

/// Begins a ticket, bumps it or recalls it
///
/// The first ticket of an order that is begun makes the order `preparing`, and the last one that becomes ready makes it
/// `ready`. Recalling one takes an order that is ready back to `preparing`. The state that a ticket has already changes
/// nothing.
#[utoipa::path(
    post, path = "/v1/kitchen/tickets/{id}/state", operation_id = "change_ticket",
    request_body = ChangeTicketRequest,
    responses((status = 200, description = "The ticket", body = TicketResponse))
)]
pub async fn change_ticket(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Path(id): Path<TicketId>,
    Idempotent(Json(request), key): Idempotent<Json<ChangeTicketRequest>>,
) -> Result<HttpResponse, Failure<ChangeTicketError>> {
    let changed = kitchen.change_ticket(staff, id, request.validate()?, key).await?;
    Ok(replayable(StatusCode::OK, changed.replayed).json(TicketResponse::from(&changed.outcome)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTicketRequest {
    /// From `queued` to `cooking` and to `ready`, or at once to `ready`; and back to `cooking`.
    #[schema(value_type = names::TicketState, example = "ready")]
    state: String,
}

impl ChangeTicketRequest {
    fn validate(&self) -> Result<TicketState, Problem> {
        let mut violations = Violations::default();
        let state = violations.read("/state", &self.state, ViolationCode::UnknownState);
        violations.finish(state)
    }
}

impl From<ChangeTicketError> for Problem {
    fn from(error: ChangeTicketError) -> Self {
        match error {
            ChangeTicketError::NotFound => Self::not_found("ticket"),
            ChangeTicketError::Stays(TicketStays::InvalidTransition { from, to }) => {
                Self::new(Code::InvalidTransition, format!("A ticket that is {from} cannot become {to}."))
            }
            ChangeTicketError::Stays(TicketStays::OrderIs(order)) => {
                Self::new(Code::InvalidTransition, format!("A ticket of an order that is {order} cannot change."))
            }
            ChangeTicketError::Key(refusal) => refusal.into(),
            ChangeTicketError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ChangeTicketError: [NotFound, InvalidTransition, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    Stays(TicketStays::InvalidTransition { from: TicketState::Void, to: TicketState::Ready })
        and (TicketStays::OrderIs(comanda_domain::OrderStatus::Completed)),
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
