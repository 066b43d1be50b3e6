use actix_web::{HttpRequest, HttpResponse};
use comanda_application::{Payments, payments::ReceiveEventError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{RawBody, Service},
    problem::{Code, Failure, Problem, problems},
};

#[derive(Serialize, ToSchema)]
#[schema(as = ReceivedEvent)]
pub struct ReceivedEventResponse {
    #[schema(example = true)]
    received: bool,
}

/// Receives an event from the payment gateway; Stripe calls it
///
/// Signed with one of `STRIPE_WEBHOOK_SECRETS`, at most five minutes ago. An event that comes twice has one effect; one
/// about something else is taken and ignored.
#[utoipa::path(
    post, path = "/v1/webhooks/stripe", operation_id = "receive_stripe_event",
    params(("Stripe-Signature" = String, Header,
        description = "`t=<seconds>,v1=<HMAC-SHA-256>`, not older than five minutes")),
    request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "The event was recorded, or had been before", body = ReceivedEventResponse))
)]
pub async fn stripe_webhook(
    payments: Service<Payments>,
    request: HttpRequest,
    RawBody(body): RawBody,
) -> Result<HttpResponse, Failure<ReceiveEventError>> {
    let signature = request.headers().get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    payments.receive(signature, &body).await?;
    Ok(HttpResponse::Ok().json(ReceivedEventResponse { received: true }))
}

impl From<ReceiveEventError> for Problem {
    fn from(error: ReceiveEventError) -> Self {
        match error {
            ReceiveEventError::Bad(error) => Self::new(Code::InvalidRequest, format!("Not taken: {error}.")),
            ReceiveEventError::Unavailable(cause) => cause.into(),
        }
    }
}

problems! {
    ReceiveEventError: [InvalidRequest, Unavailable];
    Bad(comanda_domain::ports::BadEvent::Signature),
    Unavailable(Unavailable::new("test")),
}
