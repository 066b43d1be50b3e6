use actix_web::HttpResponse;
use comanda_application::Supplies;
use comanda_domain::{SupplyId, ports::ArchiveSupplyError};

use super::edit::revision_seen;
use crate::http::{
    extract::{IfMatch, Path, Service, Staff},
    problem::{Failure, Problem, problems},
};

/// Puts a supply away for good; its ledger stays
///
/// Needs `If-Match`. While recipes have it, or options take of it, the problem lists them.
#[utoipa::path(
    delete, path = "/v1/supplies/{id}", operation_id = "archive_supply",
    responses((status = 204, description = "The supply is put away"))
)]
pub async fn archive(
    supplies: Service<Supplies>,
    Staff(staff): Staff,
    Path(id): Path<SupplyId>,
    if_match: IfMatch,
) -> Result<HttpResponse, Failure<ArchiveSupplyError>> {
    let revision = revision_seen(&supplies, staff, id, &if_match, ArchiveSupplyError::NotFound).await?;
    supplies.archive(staff, id, revision).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ArchiveSupplyError> for Problem {
    fn from(error: ArchiveSupplyError) -> Self {
        match error {
            ArchiveSupplyError::NotFound => Self::not_found("supply"),
            ArchiveSupplyError::Stale { current } => Self::stale(current),
            ArchiveSupplyError::InUse(used_by) => Self::in_use("Recipes or options use the supply.", used_by),
            ArchiveSupplyError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ArchiveSupplyError: [NotFound, PreconditionFailed, InUse, Unavailable];
    NotFound,
    Stale { current: 2 },
    InUse(vec![comanda_domain::ports::UsedBy::Option {
        id: comanda_domain::OptionId::new(uuid::Uuid::nil()),
        name: comanda_domain::OptionName::stored("Guacamole")
    }]),
    Unavailable(Unavailable::new("test")),
}
