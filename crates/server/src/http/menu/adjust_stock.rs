use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Menu;
use comanda_domain::{MenuItemId, Reason, StockDelta, ports::AdjustStockError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::etag;
use crate::http::{
    extract::{Idempotent, Json, Path, Service, Staff, replayable},
    problem::{Code, Failure, Problem, Problems, ShortageDocument},
    validation::{Violations, out_of_range},
    wire::{MenuItemResponse, Shown, WireInteger},
};

/// Enters a delivery, a breakage or a correction of what is counted
///
/// The ledger keeps it with its reason. The stock cannot go below zero.
#[utoipa::path(
    post, path = "/v1/menu/items/{id}/stock", operation_id = "adjust_stock",
    request_body = AdjustStockRequest,
    responses((status = 200, description = "The menu item", body = MenuItemResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn adjust_stock(
    menu: Service<Menu>,
    Staff(staff): Staff,
    Path(id): Path<MenuItemId>,
    Idempotent(Json(request), key): Idempotent<Json<AdjustStockRequest>>,
) -> Result<HttpResponse, Failure<Refused>> {
    let (delta, reason) = request.validate()?;
    let adjusted = menu.adjust_stock(staff, id, delta, reason, key).await;
    let adjusted = adjusted.map_err(|error| Refused { error, id, delta })?;
    let item = adjusted.outcome;
    Ok(replayable(StatusCode::OK, adjusted.replayed)
        .insert_header(etag(&item))
        .json(MenuItemResponse::new(&item, Shown::ToStaff)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStockRequest {
    /// How much more there is or, below zero, less. Not zero.
    #[schema(value_type = i64, minimum = -1_000_000, maximum = 1_000_000, example = 12)]
    delta: WireInteger,
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "delivery"
    )]
    reason: String,
}

impl AdjustStockRequest {
    fn validate(self) -> Result<(StockDelta, Reason), Problem> {
        let mut violations = Violations::default();
        let delta = violations.check("/delta", StockDelta::new(self.delta.0));
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(delta.zip(reason))
    }
}

/// What was refused, and why.
pub struct Refused {
    error: AdjustStockError,
    id: MenuItemId,
    delta: StockDelta,
}

impl From<Refused> for Problem {
    fn from(Refused { error, id, delta }: Refused) -> Self {
        match error {
            AdjustStockError::NotFound => Self::not_found("menu item"),
            AdjustStockError::InsufficientStock { available } => {
                let requested = delta.get().unsigned_abs();
                let shortage = ShortageDocument { menu_item_id: id.as_uuid(), requested, available };
                Self::short(format!("Only {available} are left."), &[shortage], &[])
            }
            AdjustStockError::TooMuch => out_of_range("/delta", &error),
            AdjustStockError::NotCounted(refusal) => Violations::only("/delta", &refusal),
            AdjustStockError::Key(refusal) => refusal.into(),
            AdjustStockError::Unavailable(cause) => cause.into(),
        }
    }
}

impl Problems for Refused {
    const CODES: &'static [Code] = &[
        Code::NotFound,
        Code::InsufficientStock,
        Code::ValidationFailed,
        Code::IdempotencyKeyReused,
        Code::IdempotencyInProgress,
        Code::Unavailable,
    ];
}

#[cfg(test)]
mod tests {
    use comanda_domain::{KeyRefusal, NotCounted, ports::Unavailable};
    use uuid::Uuid;

    use super::*;
    use crate::http::problem::documents;

    #[test]
    fn every_refusal_becomes_a_problem_that_is_stated() {
        let errors = [
            AdjustStockError::NotFound,
            AdjustStockError::InsufficientStock { available: 1 },
            AdjustStockError::TooMuch,
            AdjustStockError::NotCounted(NotCounted),
            AdjustStockError::Key(KeyRefusal::Reused),
            AdjustStockError::Key(KeyRefusal::InProgress),
            AdjustStockError::Unavailable(Unavailable::new("test")),
        ];
        let refused = |error| Refused { error, id: MenuItemId::new(Uuid::nil()), delta: StockDelta::new(-2).unwrap() };
        let documents = documents(errors.map(refused), |refused| match refused.error {
            AdjustStockError::NotFound
            | AdjustStockError::InsufficientStock { .. }
            | AdjustStockError::TooMuch
            | AdjustStockError::NotCounted(_)
            | AdjustStockError::Key(_)
            | AdjustStockError::Unavailable(_) => {}
        });
        insta::assert_snapshot!("AdjustStockError", documents);
    }
}
