use actix_web::{HttpResponse, web::Data};
use comanda_application::admin::ReadAuditLog;

use crate::http::{
    cursor::CursorSigner,
    extract::{Admin, Query},
    problem::{Problem, ProblemDocument},
    wire::{AuditPage, PageQuery},
};

const LIST: &str = "audit-log";

/// Shows who did what to whom, when and why, the newest first
#[utoipa::path(
    get, path = "/v1/admin/audit-log", tag = "admin", params(PageQuery),
    responses((status = 200, body = AuditPage), (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn audit_log(
    use_case: Data<ReadAuditLog>,
    cursors: Data<CursorSigner>,
    Admin(admin): Admin,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page.only_limit()?;
    let before = page.after::<i64>(LIST, &cursors)?;
    let found =
        use_case.execute(admin, before, limit).await.map_err(|cause| Problem::unavailable("audit.read", &cause))?;
    let next_cursor = found.entries.last().filter(|_| found.has_more).map(|last| cursors.sign(LIST, &last.id));
    let data = found.entries.into_iter().map(Into::into).collect();
    Ok(HttpResponse::Ok().json(AuditPage { data, next_cursor }))
}
