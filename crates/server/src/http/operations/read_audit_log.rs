use std::convert::identity;

use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{
    AccountId, AuditAction, AuditEntry, Reason,
    ports::{AuditQuery, Unavailable},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::http::{
    extract::{Admin, Filter, Paged, Service, pages},
    problem::{Failure, Problem},
    validation::{ViolationCode, Violations},
    wire::{WireTime, names},
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditFilter {
    /// Only records of this kind.
    #[param(value_type = Option<names::AuditedAction>, inline)]
    action: Option<String>,
    /// Only records of what this account did.
    actor_id: Option<Uuid>,
    /// Only records of what was done to this id or address.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 300)]
    target: Option<String>,
}

pub struct Criteria {
    action: Option<AuditAction>,
    actor: Option<AccountId>,
    target: Option<String>,
}

impl Filter for AuditFilter {
    const LIST: &'static str = "audit-log";
    type Criteria = Criteria;
    type Position = i64;

    fn criteria(self, violations: &mut Violations) -> Result<Self::Criteria, Problem> {
        let action = self.action.and_then(|action| violations.read("/action", &action, ViolationCode::UnknownAction));
        let target = violations.check_optional("/target", self.target.as_deref().map(Reason::new));
        let target = target.map(|target| target.as_str().to_owned());
        Ok(Criteria { action, actor: self.actor_id.map(AccountId::new), target })
    }
}

pages! {
    AuditPage of AuditEntryResponse;
}

/// Shows who did what to whom, when and why, the newest first
///
/// Entries can be narrowed by what was done, by who did it, and to whom or to what.
#[utoipa::path(
    get, path = "/v1/admin/audit-log", operation_id = "read_audit_log",
    responses((status = 200, description = "A page of the log", body = AuditPage))
)]
pub async fn read_audit_log(
    operations: Service<Operations>,
    Admin(admin): Admin,
    Paged { criteria: Criteria { action, actor, target }, limit, after: before, pages }: Paged<AuditFilter>,
) -> Result<HttpResponse, Failure<Unavailable>> {
    let found =
        operations.read_audit_log(admin, AuditQuery { action, actor, target, before, after: None, limit }).await?;
    Ok(pages.respond::<AuditPage, _, _>(found, identity, AuditEntryResponse::from))
}

/// Who did what to whom, when and why.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryResponse {
    id: i64,
    /// Null: the server's operator, on the command line.
    #[schema(required)]
    actor_id: Option<Uuid>,
    #[schema(value_type = names::AuditedAction)]
    action: &'static str,
    /// An id, or an e-mail address.
    target: String,
    #[schema(required)]
    reason: Option<String>,
    created_at: WireTime,
}

impl From<AuditEntry> for AuditEntryResponse {
    fn from(AuditEntry { id, record }: AuditEntry) -> Self {
        Self {
            id,
            actor_id: record.actor.map(comanda_domain::AccountId::as_uuid),
            action: record.action.as_str(),
            target: record.target,
            reason: record.reason.map(|reason| reason.as_str().to_owned()),
            created_at: WireTime(record.at),
        }
    }
}
