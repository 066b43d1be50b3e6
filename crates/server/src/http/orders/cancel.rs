use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Orders;
use comanda_domain::{OrderId, OrderStatus, Reason, ports::CancelOrderError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::invalid_transition;
use crate::http::{
    extract::{Idempotent, JsonOrNothing, Path, Service, SignedIn, replayable},
    problem::{Failure, Problem, problems},
    validation::Violations,
    wire::OrderResponse,
};

/// Cancels an order; its stock comes back
///
/// Its customer can until it is being prepared, staff until it is completed.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", operation_id = "cancel_order",
    request_body(content = Option<CancelOrderRequest>, content_type = "application/json"),
    responses((status = 200, description = "The order", body = OrderResponse))
)]
pub async fn cancel(
    orders: Service<Orders>,
    SignedIn(actor): SignedIn,
    Path(id): Path<OrderId>,
    Idempotent(JsonOrNothing(request), key): Idempotent<JsonOrNothing<CancelOrderRequest>>,
) -> Result<HttpResponse, Failure<CancelOrderError>> {
    let cancelled = orders.cancel(actor, id, request.validate()?, key).await?;
    Ok(replayable(StatusCode::OK, cancelled.replayed).json(OrderResponse::with_lines(&cancelled.outcome)))
}

#[derive(Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelOrderRequest {
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "changed my mind"
    )]
    reason: Option<String>,
}

impl CancelOrderRequest {
    fn validate(&self) -> Result<Option<Reason>, Problem> {
        let mut violations = Violations::default();
        let reason = violations.check_optional("/reason", self.reason.as_deref().map(Reason::new));
        violations.finish(Some(reason))
    }
}

impl From<CancelOrderError> for Problem {
    fn from(error: CancelOrderError) -> Self {
        match error {
            CancelOrderError::NotFound => Self::not_found("order"),
            CancelOrderError::InvalidTransition { from } => invalid_transition(from, OrderStatus::Cancelled),
            CancelOrderError::Key(refusal) => refusal.into(),
            CancelOrderError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    CancelOrderError: [NotFound, InvalidTransition, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NotFound,
    InvalidTransition { from: OrderStatus::Completed },
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
