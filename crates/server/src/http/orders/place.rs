use actix_web::{HttpResponse, http::header};
use comanda_application::Orders;
use comanda_domain::{allocation::Shortage, ports::PlaceOrderError};

use super::{REPLAYED, key_reused};
use crate::http::{
    extract::{IdempotencyHeader, Json, Service, SignedIn},
    problem::{Code, Problem, ProblemDocument, ShortageDocument},
    validation::Violation,
    wire::{OrderResponse, PlaceOrderRequest},
};

/// Places an order
///
/// All of it or nothing: where a menu item is short, nothing is taken and every shortage is listed.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders",
    params(("Idempotency-Key" = Option<String>, Header, pattern = r"^[\x21-\x7E]+$", min_length = 1, max_length = 255,
        description = "Makes the request repeatable: within 24 h the same key gives the same answer, and one order")),
    request_body = PlaceOrderRequest,
    responses(
        (status = 201, body = OrderResponse, headers(("Location" = String), ("Idempotency-Replayed" = Option<String>))),
        (status = 409, description = "`insufficient-stock`, `stock-changed`, `idempotency-in-progress`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`, `unknown-item`, `idempotency-key-reused`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn place(
    orders: Service<Orders>,
    SignedIn(customer): SignedIn,
    key: IdempotencyHeader,
    Json(request): Json<PlaceOrderRequest>,
) -> Result<HttpResponse, Problem> {
    let (basket, note) = request.validate()?;
    let placed = orders.place(customer, basket, note, key.with_body(&request)).await.map_err(problem)?;
    let mut response = HttpResponse::Created();
    response.insert_header((header::LOCATION, format!("/v1/orders/{}", placed.outcome.order.id)));
    if placed.replayed {
        response.insert_header(REPLAYED);
    }
    Ok(response.json(OrderResponse::with_lines(&placed.outcome)))
}

fn problem(error: PlaceOrderError) -> Problem {
    match error {
        PlaceOrderError::UnknownItems(lines) => {
            let violation = |line| Violation {
                pointer: format!("/items/{line}/menu_item_id"),
                code: "unknown-item",
                detail: "is not on the menu".to_owned(),
            };
            Problem::new(Code::UnknownItem, "The order names menu items that are not on the menu.")
                .errors(lines.into_iter().map(violation).collect())
        }
        PlaceOrderError::InsufficientStock(shortages) => {
            let items: Vec<ShortageDocument> = shortages.into_iter().map(shortage).collect();
            Problem::new(Code::InsufficientStock, "There is not enough left of what the order asks for.")
                .with("items", serde_json::json!(items))
        }
        PlaceOrderError::TotalTooLarge => {
            let violation = Violation { pointer: "/items".to_owned(), code: "out-of-range", detail: error.to_string() };
            Problem::new(Code::ValidationFailed, "The total is too large.").errors(vec![violation])
        }
        PlaceOrderError::KeyReused => key_reused(),
        PlaceOrderError::KeyInProgress => {
            Problem::new(Code::IdempotencyInProgress, "The first request with this Idempotency-Key has not ended yet.")
        }
        PlaceOrderError::StockChanged => {
            Problem::new(Code::StockChanged, "The stock kept changing until the deadline; please try again.")
        }
        PlaceOrderError::Unavailable(cause) => Problem::unavailable("order.create", &cause),
    }
}

fn shortage(shortage: Shortage) -> ShortageDocument {
    ShortageDocument {
        menu_item_id: shortage.menu_item_id.as_uuid(),
        requested: shortage.requested,
        available: shortage.available,
    }
}
