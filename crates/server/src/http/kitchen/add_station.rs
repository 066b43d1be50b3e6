use actix_web::{HttpResponse, http::StatusCode};
use comanda_application::Kitchen;
use comanda_domain::{StationCategories, StationName, StationPlace, ports::AddStationError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{category_taken, read_categories, station_response::StationResponse};
use crate::http::{
    extract::{Idempotent, Json, Service, Staff, etag, replayable},
    problem::{Failure, Problem, problems},
    validation::Violations,
    wire::{WireInteger, names},
};

/// Adds a station to the kitchen
///
/// From then on tickets of its categories go to it. A category goes to one station at most.
#[utoipa::path(
    post, path = "/v1/kitchen/stations", operation_id = "add_station",
    request_body = NewStationRequest,
    responses((status = 201, description = "The station", body = StationResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn add_station(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Idempotent(Json(request), key): Idempotent<Json<NewStationRequest>>,
) -> Result<HttpResponse, Failure<AddStationError>> {
    let (name, categories, place) = request.validate()?;
    let added = kitchen.add_station(staff, name, categories, place, key).await?;
    let station = added.outcome;
    Ok(replayable(StatusCode::CREATED, added.replayed)
        .insert_header(etag(station.revision))
        .json(StationResponse::from(&station)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStationRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 60, example = "Grill")]
    name: String,
    /// The categories of the menu that go to it. None of them goes to another station.
    #[schema(value_type = Vec<names::CategoryName>, max_items = 100)]
    categories: Vec<String>,
    /// Stations are listed by this number; behind the last one unless given.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 10_000)]
    position: Option<WireInteger>,
}

impl NewStationRequest {
    fn validate(self) -> Result<(StationName, StationCategories, Option<StationPlace>), Problem> {
        let mut violations = Violations::default();
        let name = violations.check("/name", StationName::new(&self.name));
        let categories = read_categories(&self.categories, &mut violations);
        let place = self.position.map(|position| StationPlace::new(position.0));
        let place = violations.check_optional("/position", place);
        violations.finish((|| Some((name?, categories?, place)))())
    }
}

impl From<AddStationError> for Problem {
    fn from(error: AddStationError) -> Self {
        match error {
            AddStationError::CategoriesTaken(positions) => category_taken(&positions),
            AddStationError::Key(refusal) => refusal.into(),
            AddStationError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AddStationError: [CategoryTaken, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    CategoriesTaken(vec![1]),
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
