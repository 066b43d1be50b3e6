use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Orders;
use comanda_domain::{OrderId, OrderStatus, ports::AdvanceOrderError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invalid_transition;
use crate::http::{
    extract::{Idempotent, Json, Path, Service, Staff, replayable},
    problem::{Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::{OrderResponse, names},
};

/// Advances an order to its next status
///
/// An order goes from `pending` to `accepted`, `preparing`, `ready` and `completed`, one step at a time.
#[utoipa::path(
    post, path = "/v1/orders/{id}/status", operation_id = "advance_order",
    request_body = AdvanceOrderRequest,
    responses((status = 200, description = "The order", body = OrderResponse))
)]
pub async fn advance(
    orders: Service<Orders>,
    Staff(staff): Staff,
    Path(id): Path<OrderId>,
    Idempotent(Json(request), key): Idempotent<Json<AdvanceOrderRequest>>,
) -> Result<HttpResponse, Failure<AdvanceOrderError>> {
    let advanced = orders.advance(staff, id, request.validate()?, key).await?;
    Ok(replayable(StatusCode::OK, advanced.replayed).json(OrderResponse::with_lines(&advanced.outcome)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceOrderRequest {
    /// The next status: an order goes one step at a time.
    #[schema(value_type = names::NextOrderStatus)]
    status: String,
}

impl AdvanceOrderRequest {
    fn validate(&self) -> Result<OrderStatus, Problem> {
        let mut violations = Violations::default();
        let status = violations.read("/status", &self.status, ViolationCode::UnknownStatus);
        violations.finish(status)
    }
}

impl From<AdvanceOrderError> for Problem {
    fn from(error: AdvanceOrderError) -> Self {
        match error {
            AdvanceOrderError::NotFound => Self::not_found("order"),
            AdvanceOrderError::InvalidTransition { from, to } => invalid_transition(from, to),
            AdvanceOrderError::Key(refusal) => refusal.into(),
            AdvanceOrderError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AdvanceOrderError: [NotFound, InvalidTransition, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    InvalidTransition { from: OrderStatus::Pending, to: OrderStatus::Ready },
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
