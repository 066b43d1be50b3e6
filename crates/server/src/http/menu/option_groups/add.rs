use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use comanda_application::Menu;
use comanda_domain::{Currency, OptionGroupName, WrittenOptions, ports::AddOptionGroupError};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    group_response::OptionGroupResponse,
    written::{OptionRequest, unknown_supplies, validate_options},
};
use crate::http::{
    extract::{Idempotent, Json, Service, Staff, etag, replayable},
    problem::{Failure, Problem, problems},
    validation::Violations,
    wire::Shown,
};

/// Adds an option group, which menu items can offer from then on
///
/// An option can take of a supply, or take away from what the menu item takes of it.
#[utoipa::path(
    post, path = "/v1/menu/option-groups", operation_id = "add_option_group",
    request_body = NewOptionGroupRequest,
    responses((status = 201, description = "The option group", body = OptionGroupResponse, headers(
        ("Location" = String, description = "Where the option group is"),
        ("ETag" = String, description = "The revision")
    )))
)]
pub async fn add_option_group(
    menu: Service<Menu>,
    currency: Service<Currency>,
    Staff(staff): Staff,
    Idempotent(Json(request), key): Idempotent<Json<NewOptionGroupRequest>>,
) -> Result<HttpResponse, Failure<AddOptionGroupError>> {
    let (name, options) = request.validate(*currency)?;
    let added = menu.add_option_group(staff, name, options, key).await?;
    let group = added.outcome;
    Ok(replayable(StatusCode::CREATED, added.replayed)
        .insert_header((header::LOCATION, format!("/v1/menu/option-groups/{}", group.id)))
        .insert_header(etag(group.revision))
        .json(OptionGroupResponse::new(&group, Shown::ToStaff)))
}

#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOptionGroupRequest {
    #[schema(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 120, example = "Extra toppings")]
    name: String,
    /// In the order in which the menu is to show them.
    #[schema(max_items = 50)]
    options: Vec<OptionRequest>,
}

impl NewOptionGroupRequest {
    fn validate(self, currency: Currency) -> Result<(OptionGroupName, WrittenOptions), Problem> {
        let mut violations = Violations::default();
        let name = violations.check("/name", OptionGroupName::new(&self.name));
        let options = validate_options(&self.options, false, currency, &mut violations);
        violations.finish(name.zip(options))
    }
}

impl From<AddOptionGroupError> for Problem {
    fn from(error: AddOptionGroupError) -> Self {
        match error {
            AddOptionGroupError::UnknownSupplies(options) => unknown_supplies(options),
            AddOptionGroupError::Key(refusal) => refusal.into(),
            AddOptionGroupError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    AddOptionGroupError: [ValidationFailed, IdempotencyKeyReused, IdempotencyInProgress, Unavailable];
    UnknownSupplies(vec![1]),
    Key(comanda_domain::KeyRefusal::Reused) and (comanda_domain::KeyRefusal::InProgress),
    Unavailable(Unavailable::new("test")),
}
