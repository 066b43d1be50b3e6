use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use comanda_application::Supplies;
use comanda_domain::{Stock, SupplyDetails, SupplyName, SupplyUnit, ports::AddSupplyError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::supply_response::SupplyResponse;
use crate::http::{
    extract::{Idempotent, Json, Service, Staff, etag, replayable},
    problem::{Failure, Problem, problems},
    validation::{ViolationCode, Violations, name_taken},
    wire::{WireInteger, names},
};

/// Begins to count a supply
///
/// Whatever is counted besides menu items: in pieces, grams or millilitres. The unit never changes.
#[utoipa::path(
    post, path = "/v1/supplies", operation_id = "add_supply",
    request_body = NewSupplyRequest,
    responses((status = 201, description = "The supply", body = SupplyResponse, headers(
        ("Location" = String, description = "Where the supply is"), ("ETag" = String, description = "The revision")
    )))
)]
pub async fn add(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Idempotent(Json(request), key): Idempotent<Json<NewSupplyRequest>>,
) -> Result<HttpResponse, Failure<AddSupplyError>> {
    let (details, unit, stock) = request.validate()?;
    let added = supplies.add(staff, details, unit, stock, key).await?;
    let supply = added.outcome;
    Ok(replayable(StatusCode::CREATED, added.replayed)
        .insert_header((header::LOCATION, format!("/v1/supplies/{}", supply.id)))
        .insert_header(etag(supply.revision))
        .json(SupplyResponse::from(&supply)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSupplyRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120, example = "Mozzarella")]
    name: String,
    /// What its quantities count. It never changes.
    #[schema(value_type = names::SupplyUnit, example = "g")]
    unit: String,
    /// Quantity on hand.
    #[schema(value_type = i64, minimum = 0, maximum = 1_000_000, example = 8000)]
    stock: WireInteger,
    /// At or below this quantity it is `low`; 5 unless given.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000, example = 1500)]
    low_stock_at: Option<WireInteger>,
}

impl NewSupplyRequest {
    fn validate(self) -> Result<(SupplyDetails, SupplyUnit, Stock), Problem> {
        let mut violations = Violations::default();
        let name = violations.check("/name", SupplyName::new(&self.name));
        let unit = violations.read("/unit", &self.unit, ViolationCode::UnknownUnit);
        let stock = violations.check("/stock", Stock::new(self.stock.0));
        let low = self.low_stock_at.map_or(Ok(Stock::LOW), |low| Stock::new(low.0));
        let low_stock_at = violations.check("/low_stock_at", low);
        let details = name.zip(low_stock_at).map(|(name, low_stock_at)| SupplyDetails { name, low_stock_at });
        violations.finish((|| Some((details?, unit?, stock?)))())
    }
}

impl From<AddSupplyError> for Problem {
    fn from(error: AddSupplyError) -> Self {
        match error {
            AddSupplyError::NameTaken => name_taken("/name", &error),
            AddSupplyError::Key(refusal) => refusal.into(),
            AddSupplyError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AddSupplyError: [ValidationFailed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    NameTaken,
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
