use actix_web::HttpResponse;
use comanda_application::Operations;
use comanda_domain::{ids::AccountId, ports::AuditQuery, text::Reason};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::http::{
    extract::{Admin, CursorSigner, Query, Service},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{AuditPage, PageQuery, QueryInteger},
};

const LIST: &str = "audit-log";

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only records of this kind.
    #[param(example = "account.unlocked")]
    action: Option<String>,
    /// Only records of this account.
    actor_id: Option<Uuid>,
    /// Only records done to this id or address.
    #[param(pattern = r"^[^\x00-\x1F\x7F-\x9F]*$", min_length = 1, max_length = 300)]
    target: Option<String>,
    // Described by `PageQuery`; a struct within a struct cannot be read from a query string and refuse unknown parameters.
    #[param(ignore)]
    limit: Option<QueryInteger>,
    #[param(ignore)]
    cursor: Option<String>,
}

/// Shows who did what to whom, when and why, the newest first
#[utoipa::path(
    get, path = "/v1/admin/audit-log", tag = "admin", params(Filter, PageQuery),
    responses((status = 200, body = AuditPage), (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn audit_log(
    operations: Service<Operations>,
    cursors: Service<CursorSigner>,
    Admin(admin): Admin,
    Query(filter): Query<Filter>,
) -> Result<HttpResponse, Problem> {
    let page = PageQuery { limit: filter.limit, cursor: filter.cursor };
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let action = filter.action.and_then(|action| violations.read("/action", &action, "unknown-action"));
    let target = violations.check_optional("/target", filter.target.as_deref().map(Reason::new));
    let limit = violations.finish(limit)?;
    let query = AuditQuery {
        action,
        actor: filter.actor_id.map(AccountId::new),
        target: target.map(|target| target.as_str().to_owned()),
        before: page.after::<i64>(LIST, &cursors)?,
        limit,
    };
    let found =
        operations.read_audit_log(admin, query).await.map_err(|cause| Problem::unavailable("audit.read", &cause))?;
    let next_cursor = found.entries.last().filter(|_| found.has_more).map(|last| cursors.sign(LIST, &last.id));
    let data = found.entries.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(AuditPage { data, next_cursor }))
}
