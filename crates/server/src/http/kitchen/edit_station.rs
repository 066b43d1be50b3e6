use actix_web::HttpResponse;
use comanda_application::Kitchen;
use comanda_domain::{
    StaffMember, StationEdit, StationId, StationName, StationPlace,
    ports::{EditStationError, Unavailable},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{category_taken, read_categories, station_response::StationResponse};
use crate::http::{
    extract::{IfMatchGiven, Json, Path, Service, Staff, etag},
    problem::{Failure, Problem, problems},
    validation::Violations,
    wire::{Patched, WireInteger, names},
};

/// Changes a station; tickets that are written stay where they are
///
/// `If-Match` may be left out, but if it is there it must be the current revision.
#[utoipa::path(
    patch, path = "/v1/kitchen/stations/{id}", operation_id = "edit_station",
    request_body = PatchStationRequest,
    responses((status = 200, description = "The station", body = StationResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn edit_station(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Path(id): Path<StationId>,
    if_match: IfMatchGiven,
    Json(request): Json<PatchStationRequest>,
) -> Result<HttpResponse, Failure<EditStationError>> {
    let edit = request.validate()?;
    let revision = revision_seen(&kitchen, staff, id, &if_match, EditStationError::NotFound).await?;
    let station = kitchen.edit_station(staff, id, revision, edit).await?;
    Ok(HttpResponse::Ok().insert_header(etag(station.revision)).json(StationResponse::from(&station)))
}

/// The one revision that `If-Match` asks for, if it does, or `absent` if there is no such station.
pub(super) async fn revision_seen<E: From<Unavailable>>(
    kitchen: &Kitchen,
    staff: StaffMember,
    id: StationId,
    if_match: &IfMatchGiven,
    absent: E,
) -> Result<Option<u32>, E> {
    let current = async { Ok(kitchen.find_station(staff, id).await?.map(|station| station.revision)) };
    if_match.revision_seen(current, absent).await
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchStationRequest {
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60)]
    name: Patched<String>,
    /// All categories of the menu that go to it from now on. None of them goes to another station.
    #[serde(default)]
    #[schema(value_type = Vec<names::CategoryName>, max_items = 100)]
    categories: Patched<Vec<String>>,
    #[serde(default)]
    #[schema(value_type = i64, minimum = 0, maximum = 10_000)]
    position: Patched<WireInteger>,
}

impl PatchStationRequest {
    fn validate(self) -> Result<StationEdit, Problem> {
        let mut violations = Violations::default();
        let name = self.name.given("/name", &mut violations);
        let categories = self.categories.given("/categories", &mut violations);
        let place = self.position.given("/position", &mut violations);
        let edit = StationEdit {
            name: violations.check_optional("/name", name.as_deref().map(StationName::new)),
            categories: categories.and_then(|written| read_categories(&written, &mut violations)),
            place: violations.check_optional("/position", place.map(|place| StationPlace::new(place.0))),
        };
        violations.finish(Some(edit))
    }
}

impl From<EditStationError> for Problem {
    fn from(error: EditStationError) -> Self {
        match error {
            EditStationError::NotFound => Self::not_found("station"),
            EditStationError::Stale { current } => Self::stale(current),
            EditStationError::CategoriesTaken(positions) => category_taken(&positions),
            EditStationError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    EditStationError: [NotFound, PreconditionFailed, CategoryTaken, Unavailable];
    NotFound,
    Stale { current: 2 },
    CategoriesTaken(vec![0]),
    Unavailable(Unavailable::new("test")),
}
