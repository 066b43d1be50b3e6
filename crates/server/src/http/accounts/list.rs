use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{
    AccountId, Role,
    ports::{AccountsQuery, Unavailable},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::AccountResponse;
use crate::http::{
    extract::{Admin, Filter, Paged, Service, pages},
    problem::{Failure, Problem},
    validation::{ViolationCode, Violations},
    wire::names,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountFilter {
    /// Only accounts with this role.
    #[param(value_type = Option<names::AccountRole>, inline)]
    role: Option<String>,
    /// Only accounts that are disabled, or those that are not.
    disabled: Option<bool>,
}

impl Filter for AccountFilter {
    const LIST: &'static str = "accounts";
    type Criteria = (Option<Role>, Option<bool>);
    type Position = Uuid;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        Ok((self.role.and_then(|role| violations.read("/role", &role, ViolationCode::UnknownRole)), self.disabled))
    }
}

pages! {
    AccountPage of AccountResponse;
}

/// Lists accounts in order of registration
///
/// Customers, staff and admins, whether disabled or not.
#[utoipa::path(
    get, path = "/v1/admin/users", operation_id = "list_users",
    responses((status = 200, description = "A page of the list", body = AccountPage))
)]
pub async fn list(
    accounts: Service<Accounts>,
    Admin(admin): Admin,
    Paged { criteria: (role, disabled), limit, after, pages }: Paged<AccountFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let query = AccountsQuery { role, disabled, after: after.map(AccountId::new), limit };
    let found = accounts.list(admin, query).await?;
    Ok(pages.respond::<AccountPage, _, _>(found, AccountId::as_uuid, AccountResponse::from))
}
