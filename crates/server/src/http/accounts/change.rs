use actix_web::HttpResponse;
use comanda_application::Accounts;
use comanda_domain::{AccountChange, AccountId, ports::ChangeAccountError};
use serde::Deserialize;
use utoipa::ToSchema;

use super::AccountResponse;
use crate::http::{
    extract::{Admin, Json, Path, Service},
    middleware::run_to_completion,
    problem::{Code, Failure, Problem, problems},
    validation::{ViolationCode, Violations},
    wire::{Patched, names},
};

/// Gives an account another role, disables it, or enables it again; its sessions end
///
/// It takes effect at every server at once. The last enabled admin can be neither demoted nor disabled.
#[utoipa::path(
    patch, path = "/v1/admin/users/{id}", operation_id = "change_user",
    request_body = PatchAccountRequest,
    responses((status = 200, description = "The account", body = AccountResponse))
)]
pub async fn change(
    accounts: Service<Accounts>,
    Admin(admin): Admin,
    Path(id): Path<AccountId>,
    Json(request): Json<PatchAccountRequest>,
) -> Result<HttpResponse, Failure<ChangeAccountError>> {
    let change = request.validate()?;
    // The change and the end of the sessions: a client that hangs up must not part them.
    let account = run_to_completion(async move { accounts.change(admin, id, change).await }).await??;
    Ok(HttpResponse::Ok().json(AccountResponse::from(account)))
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchAccountRequest {
    #[serde(default)]
    #[schema(value_type = names::AccountRole)]
    role: Patched<String>,
    #[serde(default)]
    #[schema(value_type = bool)]
    disabled: Patched<bool>,
}

impl PatchAccountRequest {
    fn validate(self) -> Result<AccountChange, Problem> {
        let mut violations = Violations::default();
        let role = self.role.given("/role", &mut violations);
        let role = role.and_then(|role| violations.read("/role", &role, ViolationCode::UnknownRole));
        let disabled = self.disabled.given("/disabled", &mut violations);
        violations.finish(Some(AccountChange { role, disabled }))
    }
}

impl From<ChangeAccountError> for Problem {
    fn from(error: ChangeAccountError) -> Self {
        match error {
            ChangeAccountError::NotFound => Self::not_found("account"),
            ChangeAccountError::NotAdmin => Self::new(Code::Forbidden, "Only admins may do this."),
            ChangeAccountError::LastAdmin(last) => Self::new(Code::LastAdmin, format!("Nothing was changed: {last}.")),
            ChangeAccountError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ChangeAccountError: [NotFound, Forbidden, LastAdmin, Unavailable];
    NotFound,
    NotAdmin,
    LastAdmin(comanda_domain::LastAdmin),
    Unavailable(Unavailable::new("test")),
}
