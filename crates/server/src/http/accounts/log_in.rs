use actix_web::{HttpRequest, HttpResponse, web::Data};
use comanda_application::accounts::LogIn;
use comanda_domain::rate_limit::LimitedAction;

use super::checked;
use crate::http::{
    client::Doorman,
    extract::Json,
    problem::{Problem, ProblemDocument},
    retry_hints::rate_limit_headers,
    to_its_end::to_its_end,
    wire::{LogInRequest, SessionAnswer},
};

/// Signs in
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", security(()),
    request_body = LogInRequest,
    responses(
        (status = 200, body = SessionAnswer),
        (status = 401, description = "`invalid-credentials`", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, description = "`account-locked`, `rate-limited`", body = ProblemDocument, content_type = "application/problem+json", headers(("Retry-After" = u32))),
    )
)]
pub async fn log_in(
    use_case: Data<LogIn>,
    doorman: Data<Doorman>,
    http_request: HttpRequest,
    Json(request): Json<LogInRequest>,
) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    let allowance = doorman.admit(&http_request, LimitedAction::LogIn).await?;
    let logged_in = to_its_end(async move { use_case.as_client(&email, password).await }).await?;
    let mut response = HttpResponse::Ok();
    for header in rate_limit_headers(allowance) {
        response.insert_header(header);
    }
    Ok(response.json(SessionAnswer::from(checked(logged_in)?)))
}
