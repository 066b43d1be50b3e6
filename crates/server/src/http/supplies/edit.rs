use actix_web::HttpResponse;
use comanda_application::Supplies;
use comanda_domain::{
    StaffMember, Stock, SupplyEdit, SupplyId, SupplyName,
    ports::{EditSupplyError, Unavailable},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::supply_response::SupplyResponse;
use crate::http::{
    extract::{IfMatch, Json, Path, Service, Staff, etag},
    problem::{Failure, Problem, problems},
    validation::{Violations, name_taken},
    wire::{Patched, WireInteger},
};

/// Changes a supply, but neither its stock nor its unit
///
/// What is left out stays as it is. Needs `If-Match`, so that nobody's change is overwritten unseen.
#[utoipa::path(
    patch, path = "/v1/supplies/{id}", operation_id = "edit_supply",
    request_body = PatchSupplyRequest,
    responses((status = 200, description = "The supply", body = SupplyResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn edit(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Path(id): Path<SupplyId>,
    if_match: IfMatch,
    Json(request): Json<PatchSupplyRequest>,
) -> Result<HttpResponse, Failure<EditSupplyError>> {
    let edit = request.validate()?;
    let revision = revision_seen(&supplies, staff, id, &if_match, EditSupplyError::NotFound).await?;
    let supply = supplies.edit(staff, id, revision, edit).await?;
    Ok(HttpResponse::Ok().insert_header(etag(supply.revision)).json(SupplyResponse::from(&supply)))
}

/// The one revision that `If-Match` asks for, or `absent` if there is no such supply.
pub(super) async fn revision_seen<E: From<Unavailable>>(
    supplies: &Supplies,
    staff: StaffMember,
    id: SupplyId,
    if_match: &IfMatch,
    absent: E,
) -> Result<u32, E> {
    let current = async { Ok(supplies.find(staff, id).await?.map(|supply| supply.revision)) };
    if_match.revision_seen(current, absent).await
}

/// What is left out stays as it is. The stock is changed by adjustments only, and the unit never: the ledger, and
/// whatever takes of the supply, count in it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchSupplyRequest {
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120)]
    name: Patched<String>,
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 1_000_000)]
    low_stock_at: Patched<WireInteger>,
}

impl PatchSupplyRequest {
    fn validate(self) -> Result<SupplyEdit, Problem> {
        let mut violations = Violations::default();
        let name = self.name.given("/name", &mut violations);
        let low = self.low_stock_at.given("/low_stock_at", &mut violations);
        let edit = SupplyEdit {
            name: violations.check_optional("/name", name.as_deref().map(SupplyName::new)),
            low_stock_at: violations.check_optional("/low_stock_at", low.map(|low| Stock::new(low.0))),
        };
        violations.finish(Some(edit))
    }
}

impl From<EditSupplyError> for Problem {
    fn from(error: EditSupplyError) -> Self {
        match error {
            EditSupplyError::NotFound => Self::not_found("supply"),
            EditSupplyError::Stale { current } => Self::stale(current),
            EditSupplyError::NameTaken => name_taken("/name", &error),
            EditSupplyError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    EditSupplyError: [NotFound, PreconditionFailed, ValidationFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    NameTaken,
    Unavailable(Unavailable::new("test")),
}
