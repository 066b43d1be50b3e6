use actix_web::HttpResponse;
use comanda_application::Orders;
use comanda_domain::ports::AdvanceOrderError;

use super::invalid_transition;
use crate::http::{
    extract::{Json, OrderIdPath, Service, Staff},
    problem::{Problem, ProblemDocument},
    wire::{AdvanceOrderRequest, OrderResponse},
};

/// Takes an order one step on
#[utoipa::path(
    post, path = "/v1/orders/{id}/status", tag = "orders",
    params(("id" = uuid::Uuid, Path)),
    request_body = AdvanceOrderRequest,
    responses(
        (status = 200, body = OrderResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, description = "`invalid-transition`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn advance(
    orders: Service<Orders>,
    Staff(staff): Staff,
    OrderIdPath(id): OrderIdPath,
    Json(request): Json<AdvanceOrderRequest>,
) -> Result<HttpResponse, Problem> {
    let order = orders.advance(staff, id, request.validate()?).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(OrderResponse::with_lines(&order)))
}

fn problem(error: AdvanceOrderError) -> Problem {
    match error {
        AdvanceOrderError::NotFound => Problem::not_found("order"),
        AdvanceOrderError::InvalidTransition { from, to } => invalid_transition(from, to),
        AdvanceOrderError::Unavailable(cause) => Problem::unavailable("order.update", &cause),
    }
}
