use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{OptionGroupId, ports::Unavailable};

use super::{super::shown_to, group_response::OptionGroupResponse};
use crate::http::{
    extract::{MaybeSignedIn, Path, Service, etag},
    problem::{Failure, Problem},
};

/// Shows an option group; staff also see what its options take of supplies
///
/// The `ETag` is the revision, which `If-Match` of a change names.
#[utoipa::path(
    get, path = "/v1/menu/option-groups/{id}", operation_id = "get_option_group",
    responses((status = 200, description = "The option group", body = OptionGroupResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn find_option_group(
    menu: Service<Menu>,
    MaybeSignedIn(reader): MaybeSignedIn,
    Path(id): Path<OptionGroupId>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let group = menu.find_option_group(id).await?.ok_or_else(|| Problem::not_found("option group"))?;
    let shown = OptionGroupResponse::new(&group, shown_to(reader));
    Ok(HttpResponse::Ok().insert_header(etag(group.revision)).json(shown))
}
