use actix_web::HttpResponse;
use comanda_application::Sessions;
use comanda_domain::ports::Unavailable;

use crate::http::{
    extract::{Authenticator, Service, SignedIn},
    middleware::run_to_completion,
    problem::Failure,
};

/// Signs a browser out
///
/// The session ends at every server, and the cookies are cleared.
#[utoipa::path(
    delete, path = "/v1/web/sessions/current", operation_id = "sign_out_browser",
    responses((status = 204, description = "The session has ended",
        headers(("Set-Cookie" = String, description = "Both cookies, cleared"))))
)]
pub async fn sign_out_browser(
    sessions: Service<Sessions>,
    authenticator: Service<Authenticator>,
    SignedIn(actor): SignedIn,
) -> Result<HttpResponse, Failure<Unavailable>> {
    run_to_completion(async move { sessions.sign_out(actor).await }).await??;
    let mut response = HttpResponse::NoContent();
    for cookie in authenticator.cookies.cleared() {
        response.cookie(cookie);
    }
    Ok(response.finish())
}
