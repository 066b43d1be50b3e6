use actix_web::{HttpResponse, web};
use comanda_application::payments::ReceiveGatewayEvent;
use comanda_domain::payment::IntentId;
use comanda_stripe::{OfflineGateway, TestCard};

use super::stripe_webhook;
use crate::http::{
    extract::{Json, Service},
    problem::{Problem, ProblemDocument},
    validation::Violations,
    wire::OfflinePayRequest,
};

/// Pays with a test card, as a browser would tell Stripe; only where payments are played offline
#[utoipa::path(
    post, path = "/v1/offline-gateway/intents/{intent}/pay", tag = "payments", security(()),
    params(("intent" = String, Path, description = "What stands before `_secret` in a `client_secret`")),
    request_body = OfflinePayRequest,
    responses(
        (status = 202, description = "The gateway's event is on its way"),
        (status = 404, description = "`not-found`: no such intent, or a gateway that is not offline", body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, description = "`validation-failed`", body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn offline_pay(
    gateway: Service<Option<OfflineGateway>>,
    receive: Service<ReceiveGatewayEvent>,
    intent: web::Path<String>,
    Json(request): Json<OfflinePayRequest>,
) -> Result<HttpResponse, Problem> {
    let mut violations = Violations::default();
    let card = violations.read::<TestCard>("/payment_method", &request.payment_method, "unknown-card");
    let card = violations.finish(card)?;
    let paid =
        gateway.as_ref().and_then(|gateway| gateway.pay(&IntentId(intent.into_inner()), card, chrono::Utc::now()));
    let (signature, body) = paid.ok_or_else(|| Problem::not_found("intent"))?;
    receive.execute(&signature, body.as_bytes()).await.map_err(stripe_webhook::problem)?;
    Ok(HttpResponse::Accepted().finish())
}
