use std::{iter, sync::Arc, time::Duration};

use anyhow::Context;
use comanda_application::payments::{Gateway, Reconciliation};
use comanda_domain::{
    AcceptOrders, ChargeableAmounts, Currency,
    ports::{Checkout, Clock, GatewayEvents, PaymentGateway},
};
use comanda_postgres::{Database, PostgresPayments};
use comanda_resilience::{Breaker, BreakerSettings, GuardedCheckout, GuardedGateway};
use comanda_stripe::{OfflineGateway, Stripe};

use super::database;
use crate::{
    config::{self, BreakerConfig, Config, PaymentSettings, PaymentsConfig, Secret},
    system::{SystemClock, UuidV7},
};

pub(super) fn stored(database: &Database, accept: AcceptOrders) -> Arc<PostgresPayments> {
    Arc::new(PostgresPayments::new(database.clone()).accepting(accept))
}

pub(super) fn guarded(checkout: Arc<dyn Checkout>, breakers: &BreakerConfig) -> Arc<dyn Checkout> {
    Arc::new(GuardedCheckout { checkout, create: Breaker::new("payment.create", breakers.payment_create) })
}

/// What takes cards.
#[derive(Default)]
pub(super) struct Gateways {
    /// `None`: cards are not taken.
    pub(super) gateway: Option<Gateway>,
    /// For test cards, where payments are simulated.
    pub(super) offline: Option<Arc<OfflineGateway>>,
}

pub(super) fn gateways(config: &Config, clock: &Arc<dyn Clock>) -> anyhow::Result<Gateways> {
    let (settings, breaker) = (&config.payments, config.breakers.stripe);
    match settings.gateway {
        config::Gateway::None => Ok(Gateways::default()),
        config::Gateway::Offline => {
            let of = |key: &Secret| format!("offline {}", key.expose());
            let accepted = config.http.verification_secret_keys.iter().map(of);
            let own = iter::once(of(&config.http.secret_key)).chain(accepted);
            let secrets = own.chain(settings.webhook_secrets()).collect::<Vec<_>>();
            let offline = Arc::new(OfflineGateway::new(secrets, clock.clone()));
            let chargeable = ChargeableAmounts::all(config.currency);
            Ok(Gateways { gateway: Some(gateway(offline.clone(), chargeable, breaker)), offline: Some(offline) })
        }
        config::Gateway::Stripe => {
            let stripe = stripe(settings, config.currency)?;
            let chargeable = stripe.chargeable();
            Ok(Gateways { gateway: Some(gateway(Arc::new(stripe), chargeable, breaker)), offline: None })
        }
    }
}

fn gateway<G: PaymentGateway + GatewayEvents + 'static>(
    gateway: Arc<G>,
    chargeable: ChargeableAmounts,
    breaker: BreakerSettings,
) -> Gateway {
    let breaker = Breaker::new("stripe", breaker);
    Gateway { calls: Arc::new(GuardedGateway::new(gateway.clone(), breaker)), events: gateway, chargeable }
}

fn stripe(settings: &PaymentSettings, currency: Currency) -> anyhow::Result<Stripe> {
    Stripe::new(settings.stripe(currency)?).context("cannot talk to Stripe")
}

/// What compares payments with the gateway, for a command. `None`: there is none to compare with.
pub async fn reconcile_payments(config: &PaymentsConfig) -> anyhow::Result<Option<Reconciliation>> {
    if config.payments.gateway != config::Gateway::Stripe {
        return Ok(None);
    }
    let database = database::connect(&config.database, config.currency, Duration::from_secs(10)).await?;
    let payments = Arc::new(PostgresPayments::new(database).accepting(config.placement.accept));
    let gateway = Arc::new(stripe(&config.payments, config.currency)?);
    Ok(Some(Reconciliation {
        payments: payments.clone(),
        intents: payments.clone(),
        refunds: payments,
        gateway,
        ids: Arc::new(UuidV7),
        clock: Arc::new(SystemClock),
    }))
}
