//! Who takes the money.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use comanda_application::payments::{
    PayOrder, ProcessPayments, ReceiveGatewayEvent, ReconcilePayments, RefundPayment, SettlePayment,
};
use comanda_domain::{
    money::Currency,
    ports::{Clock, IdGenerator, Orders, PaymentGateway, Payments},
};
use comanda_postgres::PostgresPayments;
use comanda_resilience::{Breaker, GuardedGateway};
use comanda_stripe::{OfflineGateway, Stripe, StripeConfig};

use super::{Restaurant, database};
use crate::{
    config::{Config, Gateway, PaymentSettings, PaymentsConfig},
    http::PaymentsWaker,
    system::{SystemClock, UuidV7},
    traces,
};

impl Restaurant {
    pub(super) fn offer_payments(
        &mut self,
        config: &Config,
        payments: &Arc<dyn Payments>,
        orders: &Arc<dyn Orders>,
        ids: &Arc<dyn IdGenerator>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<&mut Self> {
        let settings = &config.payments;
        let gateway = match settings.gateway {
            Gateway::None => None,
            Gateway::Offline => {
                let own = vec![format!("offline {}", config.http.secret_key.expose())];
                let secrets = own.into_iter().chain(webhook_secrets(settings)).collect::<Vec<_>>();
                self.offer(OfflineGateway::new(secrets.clone()));
                Some(Arc::new(OfflineGateway::new(secrets)) as Arc<dyn PaymentGateway>)
            }
            Gateway::Stripe => Some(stripe(settings, config.currency)?),
        };
        let guarded = |gateway| GuardedGateway { gateway, breaker: Breaker::new("stripe", config.breakers.stripe) };
        let gateway = gateway.map(|gateway| Arc::new(guarded(gateway)) as Arc<dyn PaymentGateway>);
        let waker = PaymentsWaker::default();
        let (payments, clock) = (Arc::clone(payments), Arc::clone(clock));
        tend(
            ProcessPayments::new(payments.clone(), orders.clone(), gateway.clone(), ids.clone(), clock.clone()),
            waker.clone(),
        );
        let window = settings.window;
        Ok(self
            .offer(PayOrder::new(payments.clone(), gateway.clone(), ids.clone(), clock.clone(), window))
            .offer(SettlePayment::new(payments.clone(), clock.clone()))
            .offer(RefundPayment::new(payments.clone(), ids.clone(), clock.clone()))
            .offer(ReceiveGatewayEvent::new(payments, gateway, clock))
            .offer(waker))
    }
}

fn webhook_secrets(settings: &PaymentSettings) -> Vec<String> {
    let secrets = settings.webhook_secrets.expose().split(',').map(str::trim);
    secrets.filter(|secret| !secret.is_empty()).map(str::to_owned).collect()
}

fn stripe(settings: &PaymentSettings, currency: Currency) -> anyhow::Result<Arc<dyn PaymentGateway>> {
    let stripe = Stripe::new(StripeConfig {
        base_url: settings.stripe_url.clone(),
        secret_key: settings.stripe_key.expose().to_owned(),
        webhook_secrets: webhook_secrets(settings),
        timeout: settings.stripe_timeout,
        currency,
        traceparent: traces::traceparent,
    });
    Ok(Arc::new(stripe.context("cannot talk to Stripe")?))
}

/// Tends payments for as long as the runtime runs.
fn tend(payments: ProcessPayments, waker: PaymentsWaker) {
    /// What others have left to be done is found within this.
    const LOOK: Duration = Duration::from_millis(500);
    tokio::spawn(async move {
        loop {
            match payments.execute().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::debug!(%error, "payments could not be tended; trying again"),
            }
            let _ = tokio::time::timeout(LOOK, waker.woken()).await;
        }
    });
}

/// What compares payments with the gateway, for a command. `None`: there is none to compare with.
pub async fn reconcile_payments(config: &PaymentsConfig) -> anyhow::Result<Option<ReconcilePayments>> {
    if config.payments.gateway != Gateway::Stripe {
        return Ok(None);
    }
    let database = database(&config.database, Duration::from_secs(10)).await?;
    let payments = Arc::new(PostgresPayments::new(database, config.currency));
    let gateway = stripe(&config.payments, config.currency)?;
    Ok(Some(ReconcilePayments::new(payments, gateway, Arc::new(UuidV7), Arc::new(SystemClock))))
}
