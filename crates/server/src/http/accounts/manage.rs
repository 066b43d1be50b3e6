use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{
    ids::AccountId,
    ports::{AccountsQuery, ChangeAccountError},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::http::{
    extract::{AccountIdPath, Admin, CursorSigner, Json, Query, Service},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{AccountPage, AccountResponse, PageQuery, PatchAccountRequest, QueryInteger},
};

const LIST: &str = "accounts";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only accounts with this role.
    #[param(pattern = "^(customer|staff|admin)$", example = "staff")]
    role: Option<String>,
    /// Only accounts that are shut, or those that are not.
    disabled: Option<bool>,
    // Described by `PageQuery`; a struct within a struct cannot be read from a query string and refuse unknown parameters.
    #[param(ignore)]
    limit: Option<QueryInteger>,
    #[param(ignore)]
    cursor: Option<String>,
}

/// Lists accounts in order of registration
#[utoipa::path(
    get, path = "/v1/admin/users", tag = "admin", params(Filter, PageQuery),
    responses((status = 200, body = AccountPage), (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn accounts(
    accounts: Service<Accounts>,
    cursors: Service<CursorSigner>,
    Admin(admin): Admin,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let role = filter.role.and_then(|role| violations.read("/role", &role, "unknown-role"));
    let limit = violations.finish(limit)?;
    let after = page.after::<Uuid>(LIST, &cursors)?.map(AccountId::new);
    let query = AccountsQuery { role, disabled: filter.disabled, after, limit };
    let found = accounts.list(admin, query).await.map_err(|cause| Problem::unavailable("user.lookup", &cause))?;
    let last = found.entries.last().filter(|_| found.has_more);
    let next_cursor = last.map(|last| cursors.sign(LIST, &last.id.as_uuid()));
    let data = found.entries.into_iter().map(AccountResponse::from).collect();
    Ok(HttpResponse::Ok().json(AccountPage { data, next_cursor }))
}

/// Gives an account another role, shuts it, or opens it again; its sessions end
#[utoipa::path(
    patch, path = "/v1/admin/users/{id}", tag = "admin", params(("id" = Uuid, Path)),
    request_body = PatchAccountRequest,
    responses(
        (status = 200, body = AccountResponse),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn change_account(
    accounts: Service<Accounts>,
    Admin(admin): Admin,
    AccountIdPath(id): AccountIdPath,
    Json(request): Json<PatchAccountRequest>,
) -> Result<HttpResponse, Problem> {
    let account = accounts.change(admin, id, request.validate()?).await.map_err(|error| match error {
        ChangeAccountError::NotFound => Problem::not_found("account"),
        ChangeAccountError::Unavailable(cause) => Problem::unavailable("user.update", &cause),
    })?;
    Ok(HttpResponse::Ok().json(AccountResponse::from(account)))
}
