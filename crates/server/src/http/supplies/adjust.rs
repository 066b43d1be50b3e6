use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Supplies;
use comanda_domain::{Reason, Stock, StockChange, StockDelta, SupplyId, ports::AdjustSupplyError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::supply_response::SupplyResponse;
use crate::http::{
    extract::{Idempotent, Json, Path, Service, Staff, etag, replayable},
    problem::{Failure, Problem, SupplyShortageDocument, problems},
    validation::{ViolationCode, Violations, out_of_range},
    wire::WireInteger,
};

/// Enters a delivery, a breakage or a correction, or what was counted
///
/// The ledger keeps it with its reason. With `counted` the difference is entered, whatever is taken meanwhile.
#[utoipa::path(
    post, path = "/v1/supplies/{id}/stock", operation_id = "adjust_supply",
    request_body = AdjustSupplyRequest,
    responses((status = 200, description = "The supply", body = SupplyResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn adjust(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Path(id): Path<SupplyId>,
    Idempotent(Json(request), key): Idempotent<Json<AdjustSupplyRequest>>,
) -> Result<HttpResponse, Failure<AdjustSupplyError>> {
    let (change, reason) = request.validate()?;
    let adjusted = supplies.adjust(staff, id, change, reason, key).await?;
    let supply = adjusted.outcome;
    Ok(replayable(StatusCode::OK, adjusted.replayed)
        .insert_header(etag(supply.revision))
        .json(SupplyResponse::from(&supply)))
}

/// Either `delta` or `counted`.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustSupplyRequest {
    /// How much more there is or, below zero, less. Not zero.
    #[schema(value_type = Option<i64>, minimum = -1_000_000, maximum = 1_000_000, example = 500)]
    delta: Option<WireInteger>,
    /// How much there is. The difference to what was on record is entered, whatever is taken at the same time; if there
    /// is none, nothing changes.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000)]
    counted: Option<WireInteger>,
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "delivery"
    )]
    reason: String,
}

impl AdjustSupplyRequest {
    fn validate(self) -> Result<(StockChange, Reason), Problem> {
        let mut violations = Violations::default();
        let change = match (self.delta, self.counted) {
            (Some(delta), None) => violations.check("/delta", StockDelta::new(delta.0)).map(StockChange::By),
            (None, Some(counted)) => violations.check("/counted", Stock::new(counted.0)).map(StockChange::To),
            (None, None) => {
                violations.add("/delta", ViolationCode::Missing, "either delta or counted must be given");
                None
            }
            (Some(_), Some(_)) => {
                violations.add("/counted", ViolationCode::Contradiction, "cannot be given together with delta");
                None
            }
        };
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(change.zip(reason))
    }
}

impl From<AdjustSupplyError> for Problem {
    fn from(error: AdjustSupplyError) -> Self {
        match error {
            AdjustSupplyError::NotFound => Self::not_found("supply"),
            AdjustSupplyError::InsufficientStock(short) => {
                let detail = format!("Only {} are left.", short.available);
                Self::short(detail, &[], &[SupplyShortageDocument::from(short)])
            }
            // What was counted is in its range, or else it is no count.
            AdjustSupplyError::TooMuch => out_of_range("/delta", &error),
            AdjustSupplyError::Key(refusal) => refusal.into(),
            AdjustSupplyError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AdjustSupplyError: [
        NotFound, InsufficientStock, ValidationFailed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable
    ];
    NotFound,
    InsufficientStock(comanda_domain::SupplyShortage {
        supply_id: SupplyId::new(uuid::Uuid::nil()),
        name: comanda_domain::SupplyName::stored("Dough"),
        requested: 2,
        available: 1,
    }),
    TooMuch,
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
