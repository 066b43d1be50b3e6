use actix_web::HttpResponse;
use comanda_application::Sessions;
use comanda_domain::ports::Unavailable;

use crate::http::{
    extract::{Service, SignedIn},
    middleware::run_to_completion,
    problem::Failure,
};

/// Ends all of the caller's sessions but the one that asks for it
///
/// For whoever fears that somebody else is signed in.
#[utoipa::path(
    delete, path = "/v1/me/sessions", operation_id = "end_other_sessions",
    responses((status = 204, description = "The other sessions have ended"))
)]
pub async fn end_others(
    sessions: Service<Sessions>,
    SignedIn(actor): SignedIn,
) -> Result<HttpResponse, Failure<Unavailable>> {
    run_to_completion(async move { sessions.end_others(actor).await }).await??;
    Ok(HttpResponse::NoContent().finish())
}
