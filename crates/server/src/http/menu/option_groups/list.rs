use actix_web::HttpResponse;
use comanda_application::Menu;
use comanda_domain::{OptionGroupId, OptionGroupName, OptionGroupPosition, ports::Unavailable};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;
use uuid::Uuid;

use super::{super::shown_to, group_response::OptionGroupResponse};
use crate::http::{
    extract::{Filter, MaybeSignedIn, Paged, Service, pages},
    problem::{Failure, Problem},
    validation::Violations,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OptionGroupFilter {}

impl Filter for OptionGroupFilter {
    const LIST: &'static str = "option-groups";
    type Criteria = ();
    type Position = Position;

    fn criteria(self, _: &mut Violations) -> Result<(), Problem> {
        Ok(())
    }
}

#[derive(Serialize, Deserialize)]
pub struct Position {
    name: String,
    id: Uuid,
}

pages! {
    OptionGroupPage of OptionGroupResponse;
}

/// Lists option groups by name; staff also see what their options take of supplies
///
/// What is put away is not among them.
#[utoipa::path(
    get, path = "/v1/menu/option-groups", operation_id = "list_option_groups",
    responses((status = 200, description = "A page of the list", body = OptionGroupPage))
)]
pub async fn list_option_groups(
    menu: Service<Menu>,
    MaybeSignedIn(reader): MaybeSignedIn,
    Paged { criteria: (), limit, after, pages }: Paged<OptionGroupFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    // The cursor is signed: this is the name of a group that the list has shown.
    let shown = |end: Position| OptionGroupPosition {
        name: OptionGroupName::stored(&end.name),
        id: OptionGroupId::new(end.id),
    };
    let found = menu.list_option_groups(reader, after.map(shown), limit).await?;
    let position = |end: OptionGroupPosition| Position { name: end.name.into(), id: end.id.as_uuid() };
    let response = |group| OptionGroupResponse::new(&group, shown_to(reader));
    Ok(pages.respond::<OptionGroupPage, _, _>(found, position, response))
}
