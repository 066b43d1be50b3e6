use actix_web::HttpResponse;
use comanda_application::Kitchen;
use comanda_domain::{StationId, StationName, StationPlace, StationPosition, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::station_response::StationResponse;
use crate::http::{
    extract::{Filter, Paged, Service, Staff, pages},
    problem::{Failure, Problem},
    validation::Violations,
};

/// Stations are listed whole.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StationFilter {}

impl Filter for StationFilter {
    const LIST: &'static str = "stations";
    type Criteria = ();
    type Position = Position;

    fn criteria(self, _: &mut Violations) -> Result<Self::Criteria, Problem> {
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub struct Position {
    place: u32,
    name: String,
    id: Uuid,
}

pages! {
    StationPage of StationResponse;
}

/// Lists the stations of the kitchen by position
///
/// What is put away is not among them.
#[utoipa::path(
    get, path = "/v1/kitchen/stations", operation_id = "list_stations",
    responses((status = 200, description = "A page of the list", body = StationPage))
)]
pub async fn list_stations(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Paged { criteria: (), limit, after, pages }: Paged<StationFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    // The cursor is signed: this is where a station is that the list has shown.
    let shown = |end: Position| StationPosition {
        place: StationPlace::stored(end.place),
        name: StationName::stored(&end.name),
        id: StationId::new(end.id),
    };
    let found = kitchen.list_stations(staff, after.map(shown), limit).await?;
    let position =
        |end: StationPosition| Position { place: end.place.get(), name: end.name.into(), id: end.id.as_uuid() };
    Ok(pages.respond::<StationPage, _, _>(found, position, |station| StationResponse::from(&station)))
}
