use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{
    Currency, OptionGroupEdit, OptionGroupId, OptionGroupName,
    ports::{EditOptionGroupError, Unavailable},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    group_response::OptionGroupResponse,
    written::{OptionRequest, unknown, unknown_supplies, validate_options},
};
use crate::http::{
    extract::{IfMatch, Json, Path, Service, Staff, etag},
    problem::{Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::{Patched, Shown},
};

/// Changes an option group for every menu item that offers it
///
/// `options` are all options that it is to have: those left out are archived, and those without an `id` are new.
#[utoipa::path(
    patch, path = "/v1/menu/option-groups/{id}", operation_id = "edit_option_group",
    request_body = PatchOptionGroupRequest,
    responses((status = 200, description = "The option group", body = OptionGroupResponse,
        headers(("ETag" = String, description = "The revision"))))
)]
pub async fn edit_option_group(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Path(id): Path<OptionGroupId>,
    if_match: IfMatch,
    Json(request): Json<PatchOptionGroupRequest>,
) -> Result<HttpResponse, Failure<EditOptionGroupError>> {
    let edit = request.validate(*currency)?;
    let revision = revision_seen(&menu, id, &if_match, EditOptionGroupError::NotFound).await?;
    let group = menu.edit_option_group(staff, id, revision, edit).await?;
    Ok(HttpResponse::Ok().insert_header(etag(group.revision)).json(OptionGroupResponse::new(&group, Shown::ToStaff)))
}

/// The one revision that `If-Match` asks for, or `absent` if there is no such group.
pub(super) async fn revision_seen<E: From<Unavailable>>(
    menu: &Menu,
    id: OptionGroupId,
    if_match: &IfMatch,
    absent: E,
) -> Result<u32, E> {
    if_match.revision_seen(async { Ok(menu.find_option_group(id).await?.map(|group| group.revision)) }, absent).await
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchOptionGroupRequest {
    #[serde(default)]
    #[schema(value_type = String, pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120)]
    name: Patched<String>,
    #[serde(default)]
    #[schema(value_type = Vec<OptionRequest>, max_items = 50)]
    options: Patched<Vec<OptionRequest>>,
}

impl PatchOptionGroupRequest {
    fn validate(self, currency: Currency) -> Result<OptionGroupEdit, Problem> {
        let mut violations = Violations::default();
        let name = self.name.given("/name", &mut violations);
        let name = violations.check_optional("/name", name.as_deref().map(OptionGroupName::new));
        let options = self.options.given("/options", &mut violations);
        let options = options.and_then(|options| validate_options(&options, true, currency, &mut violations));
        violations.finish(Some(OptionGroupEdit { name, options }))
    }
}

impl From<EditOptionGroupError> for Problem {
    fn from(error: EditOptionGroupError) -> Self {
        match error {
            EditOptionGroupError::NotFound => Self::not_found("option group"),
            EditOptionGroupError::Stale { current } => Self::stale(current),
            EditOptionGroupError::UnknownOptions(options) => {
                let pointers = options.into_iter().map(|at| format!("/options/{at}/id"));
                unknown(pointers, ViolationCode::UnknownOption, "option of the group")
            }
            EditOptionGroupError::UnknownSupplies(options) => unknown_supplies(options),
            EditOptionGroupError::InUse(used_by) => {
                Self::in_use("Menu items require more of its options than would be left.", used_by)
            }
            EditOptionGroupError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    EditOptionGroupError: [NotFound, PreconditionFailed, ValidationFailed, InUse, Unavailable];
    NotFound,
    Stale { current: 2 },
    UnknownOptions(vec![0, 2]),
    UnknownSupplies(vec![1]),
    InUse(vec![comanda_domain::ports::UsedBy::MenuItem {
        id: comanda_domain::MenuItemId::new(uuid::Uuid::nil()),
        name: comanda_domain::MenuItemName::stored("Burrito")
    }]),
    Unavailable(Unavailable::new("test")),
}
