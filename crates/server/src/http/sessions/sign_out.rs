use actix_web::HttpResponse;
use comanda_application::Sessions;
use comanda_domain::ports::Unavailable;

use crate::http::{
    extract::{Service, SignedIn},
    middleware::run_to_completion,
    problem::Failure,
};

/// Signs out: the session's tokens stop working at once
///
/// At every server.
#[utoipa::path(
    delete, path = "/v1/sessions/current", operation_id = "sign_out",
    responses((status = 204, description = "The session has ended"))
)]
pub async fn sign_out(
    sessions: Service<Sessions>,
    SignedIn(actor): SignedIn,
) -> Result<HttpResponse, Failure<Unavailable>> {
    run_to_completion(async move { sessions.sign_out(actor).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}
