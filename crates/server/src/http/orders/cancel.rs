use actix_web::HttpResponse;
use comanda_application::Orders;
use comanda_domain::{order_status::OrderStatus, ports::CancelOrderError};

use super::{REPLAYED, invalid_transition, key_reused};
use crate::http::{
    extract::{IdempotencyHeader, JsonOrNothing, OrderIdPath, Service, SignedIn},
    problem::{Problem, ProblemDocument},
    wire::{CancelOrderRequest, OrderResponse},
};

/// Cancels an order; its stock comes back
///
/// Its customer can until it is being prepared, staff until it is completed.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "orders",
    params(("id" = uuid::Uuid, Path),
        ("Idempotency-Key" = Option<String>, Header, pattern = r"^[\x21-\x7E]+$", min_length = 1, max_length = 255, description = "Makes the request repeatable")),
    request_body(content = Option<CancelOrderRequest>, content_type = "application/json"),
    responses(
        (status = 200, body = OrderResponse),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`invalid-transition`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    orders: Service<Orders>,
    SignedIn(actor): SignedIn,
    OrderIdPath(id): OrderIdPath,
    key: IdempotencyHeader,
    JsonOrNothing(request): JsonOrNothing<CancelOrderRequest>,
) -> Result<HttpResponse, Problem> {
    let reason = request.validate()?;
    let cancelled = orders.cancel(actor, id, reason, key.with_body(&request)).await.map_err(problem)?;
    let mut response = HttpResponse::Ok();
    if cancelled.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(OrderResponse::with_lines(&cancelled.outcome)))
}

fn problem(error: CancelOrderError) -> Problem {
    match error {
        CancelOrderError::NotFound => Problem::not_found("order"),
        CancelOrderError::InvalidTransition { from } => invalid_transition(from, OrderStatus::Cancelled),
        CancelOrderError::KeyReused => key_reused(),
        CancelOrderError::Unavailable(cause) => Problem::unavailable("order.update", &cause),
    }
}
