//! Who takes the money.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use comanda_application::payments::{
    Gateway, PayOrder, ProcessPayments, ReceiveGatewayEvent, ReconcilePayments, RefundPayment, SettlePayment,
};
use comanda_domain::{
    money::Currency,
    ports::{Checkout, Clock, GatewayEvents, IdGenerator, OverdueOrders, PaymentGateway},
};
use comanda_postgres::PostgresPayments;
use comanda_resilience::{Breaker, BreakerSettings, GuardedGateway};
use comanda_stripe::{OfflineGateway, Stripe, StripeConfig};

use super::{Restaurant, database};
use crate::{
    config::{self, Config, PaymentSettings, PaymentsConfig},
    http::PaymentsWaker,
    system::{SystemClock, UuidV7},
    traces,
};

impl Restaurant {
    pub(super) fn offer_payments(
        &mut self,
        config: &Config,
        payments: &Arc<PostgresPayments>,
        checkout: Arc<dyn Checkout>,
        overdue: Arc<dyn OverdueOrders>,
        ids: &Arc<dyn IdGenerator>,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<&mut Self> {
        let settings = &config.payments;
        let gateway = match settings.gateway {
            config::Gateway::None => None,
            config::Gateway::Offline => {
                let own = vec![format!("offline {}", config.http.secret_key.expose())];
                let secrets = own.into_iter().chain(webhook_secrets(settings)).collect::<Vec<_>>();
                self.offer(OfflineGateway::new(secrets.clone()));
                Some(guarded(OfflineGateway::new(secrets), config.breakers.stripe))
            }
            config::Gateway::Stripe => Some(guarded(stripe(settings, config.currency)?, config.breakers.stripe)),
        };
        let waker = PaymentsWaker::default();
        let process = ProcessPayments {
            overdue,
            checkout: checkout.clone(),
            intents: payments.clone(),
            refunds: payments.clone(),
            inbox: payments.clone(),
            gateway: gateway.clone(),
            ids: ids.clone(),
            clock: clock.clone(),
        };
        tend(process, waker.clone());
        let (calls, events) = gateway.map(|gateway| (gateway.calls, gateway.events)).unzip();
        Ok(self
            .offer(PayOrder::new(checkout, calls, ids.clone(), clock.clone(), settings.window))
            .offer(SettlePayment::new(payments.clone(), clock.clone()))
            .offer(RefundPayment::new(payments.clone(), ids.clone(), clock.clone()))
            .offer(ReceiveGatewayEvent::new(payments.clone(), events, clock.clone()))
            .offer(waker))
    }
}

fn guarded(gateway: impl PaymentGateway + GatewayEvents + 'static, breaker: BreakerSettings) -> Gateway {
    let gateway = Arc::new(gateway);
    let breaker = Breaker::new("stripe", breaker);
    Gateway { calls: Arc::new(GuardedGateway { gateway: gateway.clone(), breaker }), events: gateway }
}

fn webhook_secrets(settings: &PaymentSettings) -> Vec<String> {
    let secrets = settings.webhook_secrets.expose().split(',').map(str::trim);
    secrets.filter(|secret| !secret.is_empty()).map(str::to_owned).collect()
}

fn stripe(settings: &PaymentSettings, currency: Currency) -> anyhow::Result<Stripe> {
    let stripe = Stripe::new(StripeConfig {
        base_url: settings.stripe_url.clone(),
        secret_key: settings.stripe_key.expose().to_owned(),
        webhook_secrets: webhook_secrets(settings),
        timeout: settings.stripe_timeout,
        currency,
        traceparent: traces::traceparent,
    });
    stripe.context("cannot talk to Stripe")
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
    if config.payments.gateway != config::Gateway::Stripe {
        return Ok(None);
    }
    let database = database(&config.database, config.currency, Duration::from_secs(10)).await?;
    let payments = Arc::new(PostgresPayments::new(database));
    let gateway = Arc::new(stripe(&config.payments, config.currency)?);
    Ok(Some(ReconcilePayments::new(payments.clone(), payments, gateway, Arc::new(UuidV7), Arc::new(SystemClock))))
}
