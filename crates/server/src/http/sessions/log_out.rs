use actix_web::HttpResponse;
use comanda_application::Sessions;

use crate::http::{
    extract::{Authenticator, Service, SignedIn},
    problem::{Problem, ProblemDocument},
};

/// Signs out: the session's tokens stop working at once
#[utoipa::path(
    delete, path = "/v1/sessions/current", tag = "accounts",
    responses((status = 204), (status = 401, description = "`unauthenticated`", body = ProblemDocument, content_type = "application/problem+json"))
)]
pub async fn log_out(sessions: Service<Sessions>, SignedIn(actor): SignedIn) -> Result<HttpResponse, Problem> {
    sessions.sign_out(actor).await.map_err(|cause| Problem::unavailable("auth.lookup", &cause))?;
    Ok(HttpResponse::NoContent().finish())
}

/// Signs a browser out
#[utoipa::path(
    delete, path = "/v1/web/sessions/current", tag = "accounts", security(("cookie" = [])),
    params(("X-CSRF-Token" = String, Header, description = "The `csrf_token` of the session")),
    responses(
        (status = 204, headers(("Set-Cookie" = String, description = "Both cookies, cleared"))),
        (status = 403, description = "`invalid-origin`, `invalid-csrf-token`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn log_out_browser(
    sessions: Service<Sessions>,
    authenticator: Service<Authenticator>,
    SignedIn(actor): SignedIn,
) -> Result<HttpResponse, Problem> {
    sessions.sign_out(actor).await.map_err(|cause| Problem::unavailable("auth.lookup", &cause))?;
    let mut response = HttpResponse::NoContent();
    for cookie in authenticator.cookies.cleared() {
        response.cookie(cookie);
    }
    Ok(response.finish())
}
