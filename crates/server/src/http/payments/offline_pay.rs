use std::sync::Arc;

use actix_web::HttpResponse;
use comanda_application::{Payments, payments::ReceiveEventError};
use comanda_domain::IntentId;
use comanda_stripe::{OfflineGateway, TestCard};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::{
    extract::{Json, Path, Service},
    problem::{Failure, Problem},
    validation::{ViolationCode, Violations},
    wire::names,
};

/// Pays with a test card, as a browser does with Stripe; only where card payments are simulated
///
/// It works out as Stripe's test cards do, and the result arrives as an event of the gateway would, soon after the
/// response.
#[utoipa::path(
    post, path = "/v1/offline-gateway/intents/{intent}/pay", operation_id = "pay_offline_intent",
    request_body = OfflinePayRequest,
    responses((status = 202, description = "The gateway's event is on its way"))
)]
pub async fn offline_pay(
    gateway: Service<Option<Arc<OfflineGateway>>>,
    payments: Service<Payments>,
    Path(intent): Path<IntentId>,
    Json(request): Json<OfflinePayRequest>,
) -> Result<HttpResponse, Failure<ReceiveEventError>> {
    let mut violations = Violations::default();
    let card = violations.read::<TestCard>("/payment_method", &request.payment_method, ViolationCode::UnknownCard);
    let card = violations.finish(card)?;
    let paid = gateway.as_ref().and_then(|gateway| gateway.pay(&intent, card));
    let (signature, body) = paid.ok_or_else(|| Problem::not_found("intent"))?;
    payments.receive(&signature, body.as_bytes()).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// What a browser would send to Stripe.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfflinePayRequest {
    #[schema(value_type = names::TestCard)]
    payment_method: String,
}
