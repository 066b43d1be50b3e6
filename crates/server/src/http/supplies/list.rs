use actix_web::HttpResponse;
use comanda_application::Supplies;
use comanda_domain::{SupplyId, SupplyName, SupplyPosition, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::supply_response::SupplyResponse;
use crate::http::{
    extract::{Filter, Paged, Service, Staff, pages},
    problem::{Failure, Problem},
    validation::Violations,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SupplyFilter {
    /// Only supplies whose name contains this, or a word much like it, whatever the case and the accents.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", max_length = 120)]
    q: Option<String>,
}

impl Filter for SupplyFilter {
    const LIST: &'static str = "supplies";
    type Criteria = Option<String>;
    type Position = Position;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        // Matched, not stored: only what could not even be compared is refused.
        let name = self.q.filter(|q| !q.is_empty()).map(|q| SupplyName::new(&q));
        Ok(violations.check_optional("/q", name).map(Into::into))
    }
}

#[derive(Serialize, Deserialize)]
pub struct Position {
    name: String,
    id: Uuid,
}

pages! {
    SupplyPage of SupplyResponse;
}

/// Lists supplies by name
///
/// What is put away is not among them.
#[utoipa::path(
    get, path = "/v1/supplies", operation_id = "list_supplies",
    responses((status = 200, description = "A page of the list", body = SupplyPage))
)]
pub async fn list(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Paged { criteria: name, limit, after, pages }: Paged<SupplyFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    // The cursor is signed: this is the name of a supply that the list has shown.
    let shown = |end: Position| SupplyPosition { name: SupplyName::stored(&end.name), id: SupplyId::new(end.id) };
    let found = supplies.list(staff, name, after.map(shown), limit).await?;
    let position = |end: SupplyPosition| Position { name: end.name.into(), id: end.id.as_uuid() };
    Ok(pages.respond::<SupplyPage, _, _>(found, position, |supply| SupplyResponse::from(&supply)))
}
