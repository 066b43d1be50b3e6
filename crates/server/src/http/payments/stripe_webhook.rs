use actix_web::{HttpRequest, HttpResponse};
use comanda_application::payments::{ReceiveEventError, ReceiveGatewayEvent};

use crate::http::{
    extract::{RawBody, Service},
    problem::{Code, Problem, ProblemDocument},
};

/// Takes an event of the payment gateway's; Stripe calls it
#[utoipa::path(
    post, path = "/v1/webhooks/stripe", tag = "payments", security(()),
    params(("Stripe-Signature" = String, Header, description = "`t=<seconds>,v1=<HMAC-SHA-256>`, not older than five minutes")),
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 200, description = "It was taken, or had been before"),
        (status = 400, description = "`invalid-request`: not signed by a secret of ours, or too old", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn stripe_webhook(
    receive: Service<ReceiveGatewayEvent>,
    request: HttpRequest,
    RawBody(body): RawBody,
) -> Result<HttpResponse, Problem> {
    let signature = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    receive.execute(signature, &body).await.map_err(problem)?;
    Ok(HttpResponse::Ok().json(serde_json::json!({ "received": true })))
}

pub(super) fn problem(error: ReceiveEventError) -> Problem {
    match error {
        ReceiveEventError::Bad(error) => Problem::new(Code::InvalidRequest, format!("Not taken: {error}.")),
        ReceiveEventError::Unavailable(cause) => Problem::unavailable("payment.update", &cause),
    }
}
