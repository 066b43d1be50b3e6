use actix_web::HttpResponse;
use comanda_application::Orders;
use comanda_domain::{
    Quote,
    ports::{PlaceOrderError, QuoteOrderError},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::place::{PlaceOrderRequest, shortage};
use crate::http::{
    extract::{Json, OrderAttempts, Service, SignedIn},
    problem::{Failure, Problem, ShortageDocument, SupplyShortageDocument, problems},
    wire::{MoneyResponse, OrderLineResponse, order_lines},
};

/// Says what an order would cost, and what would be short
///
/// Nothing is taken, and nothing is guaranteed: others order meanwhile.
#[utoipa::path(
    post, path = "/v1/orders/quote", operation_id = "quote_order",
    request_body = PlaceOrderRequest,
    responses((status = 200, description = "The quote", body = QuoteResponse))
)]
pub async fn quote(
    orders: Service<Orders>,
    attempts: OrderAttempts,
    SignedIn(customer): SignedIn,
    Json(request): Json<PlaceOrderRequest>,
) -> Result<HttpResponse, Failure<QuoteOrderError>> {
    let (basket, _) = request.validate()?;
    attempts.admit_quote(customer).await?;
    let quote = orders.quote(&basket).await?;
    Ok(HttpResponse::Ok().json(QuoteResponse::from(quote)))
}

#[derive(Serialize, ToSchema)]
#[schema(as = Quote)]
struct QuoteResponse {
    items: Vec<OrderLineResponse>,
    total: MoneyResponse,
    /// Everything there is not enough of; empty lists if the order could be placed.
    shortages: ShortagesResponse,
}

#[derive(Serialize, ToSchema)]
#[schema(as = Shortages)]
struct ShortagesResponse {
    items: Vec<ShortageDocument>,
    supplies: Vec<SupplyShortageDocument>,
}

impl From<Quote> for QuoteResponse {
    fn from(Quote { lines, total, shortages }: Quote) -> Self {
        Self {
            items: order_lines(&lines),
            total: total.into(),
            shortages: ShortagesResponse {
                items: shortages.items.into_iter().map(shortage).collect(),
                supplies: shortages.supplies.into_iter().map(SupplyShortageDocument::from).collect(),
            },
        }
    }
}

impl From<QuoteOrderError> for Problem {
    fn from(error: QuoteOrderError) -> Self {
        match error {
            QuoteOrderError::UnknownItems(lines) => PlaceOrderError::UnknownItems(lines).into(),
            QuoteOrderError::InvalidSelections(faults) => PlaceOrderError::InvalidSelections(faults).into(),
            QuoteOrderError::TotalTooLarge => PlaceOrderError::TotalTooLarge.into(),
            QuoteOrderError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    QuoteOrderError: [UnknownItem, InvalidSelection, ValidationFailed, Unavailable];
    UnknownItems(vec![0]),
    InvalidSelections(vec![comanda_domain::SelectionFault {
        line: 0, selection: Some(2), misfit: comanda_domain::SelectionMisfit::UnknownOption
    }]),
    TotalTooLarge,
    Unavailable(Unavailable::new("test")),
}
