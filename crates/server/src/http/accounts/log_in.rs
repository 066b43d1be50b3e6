use actix_web::{HttpResponse, web::Data};
use comanda_application::accounts::{LogIn, LogInError};

use crate::http::{
    extract::Json,
    problem::{Code, Problem, ProblemDocument},
    wire::{LogInRequest, SessionAnswer},
};

/// Signs in
#[utoipa::path(
    post, path = "/v1/sessions", tag = "accounts", security(()),
    request_body = LogInRequest,
    responses(
        (status = 200, body = SessionAnswer),
        (status = 401, description = "`invalid-credentials`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn log_in(use_case: Data<LogIn>, Json(request): Json<LogInRequest>) -> Result<HttpResponse, Problem> {
    let (email, password) = request.validate()?;
    let logged_in = use_case.execute(&email, password).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(SessionAnswer::from(logged_in)))
}

fn problem(error: LogInError) -> Problem {
    match error {
        LogInError::InvalidCredentials => {
            Problem::new(Code::InvalidCredentials, "The e-mail address or the password is wrong.")
        }
        LogInError::Busy => Problem::overloaded("password.hash"),
        LogInError::Unavailable(cause) => Problem::unavailable("auth.lookup", &cause),
    }
}
