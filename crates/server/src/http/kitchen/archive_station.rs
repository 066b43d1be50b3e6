use actix_web::HttpResponse;
use comanda_application::Kitchen;
use comanda_domain::{StationId, ports::ArchiveStationError};

use super::edit_station::revision_seen;
use crate::http::{
    extract::{IfMatchGiven, Path, Service, Staff},
    problem::{Failure, Problem, problems},
};

/// Puts a station away for good; its tickets stay, and its menu items go where their categories go
///
/// Its tickets can still be finished. `If-Match` may be left out, but if it is there it must be the current revision.
#[utoipa::path(
    delete, path = "/v1/kitchen/stations/{id}", operation_id = "archive_station",
    responses((status = 204, description = "The station is put away"))
)]
pub async fn archive_station(
    kitchen: Service<Kitchen>,
    Staff(staff): Staff,
    Path(id): Path<StationId>,
    if_match: IfMatchGiven,
) -> Result<HttpResponse, Failure<ArchiveStationError>> {
    let revision = revision_seen(&kitchen, staff, id, &if_match, ArchiveStationError::NotFound).await?;
    kitchen.archive_station(staff, id, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ArchiveStationError> for Problem {
    fn from(error: ArchiveStationError) -> Self {
        match error {
            ArchiveStationError::NotFound => Self::not_found("station"),
            ArchiveStationError::Stale { current } => Self::stale(current),
            ArchiveStationError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ArchiveStationError: [NotFound, PreconditionFailed, Unavailable];
    NotFound,
    Stale { current: 2 },
    Unavailable(Unavailable::new("test")),
}
