use actix_web::HttpResponse;
use comanda_application::Events;
use comanda_domain::ports::ResendError;

use crate::http::{
    extract::{Admin, CursorSigner, LetterPath, Query, Service},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::{DeadLetterPage, DeadLetterResponse, PageQuery},
};

const LIST: &str = "dead-letters";

/// Lists what could not be told to somebody, oldest first
#[utoipa::path(
    get, path = "/v1/admin/dead-letters", tag = "admin", params(PageQuery),
    responses((status = 200, body = DeadLetterPage), (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn dead_letters(
    events: Service<Events>,
    cursors: Service<CursorSigner>,
    Admin(admin): Admin,
    Query(page): Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let mut violations = Violations::default();
    let limit = page.limit(&mut violations);
    let limit = violations.finish(limit)?;
    let after = page.after::<i64>(LIST, &cursors)?;
    let found = events
        .list_dead_letters(admin, after, limit)
        .await
        .map_err(|cause| Problem::unavailable("dead_letter.read", &cause))?;
    let next_cursor = found.entries.last().filter(|_| found.has_more).map(|last| cursors.sign(LIST, &last.id));
    let data = found.entries.into_iter().map(DeadLetterResponse::from).collect();
    Ok(HttpResponse::Ok().json(DeadLetterPage { data, next_cursor }))
}

/// Has a dead letter tried again
#[utoipa::path(
    post, path = "/v1/admin/dead-letters/{id}/resend", tag = "admin", params(("id" = i64, Path)),
    responses(
        (status = 204),
        (status = 403, description = "`forbidden`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, description = "`not-found`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn resend(
    events: Service<Events>,
    Admin(admin): Admin,
    LetterPath(id): LetterPath,
) -> Result<HttpResponse, Problem> {
    events.resend(admin, id).await.map_err(|error| match error {
        ResendError::NotFound => Problem::not_found("dead letter"),
        ResendError::Unavailable(cause) => Problem::unavailable("dead_letter.update", &cause),
    })?;
    Ok(HttpResponse::NoContent().finish())
}
