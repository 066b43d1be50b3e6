use comanda_domain::{
    Actor, NewPayment, OrderId, OrderScope, PaymentId, PaymentMethod,
    ports::{BeginPaymentError, BegunPayment, GatewayError, Idempotent, PaymentReceipt, Unavailable},
};
use thiserror::Error;

use super::Payments;
use crate::IdempotentRequest;

/// Why a payment was not begun.
#[derive(Debug, Error)]
pub enum PayOrderError {
    #[error(transparent)]
    Begin(#[from] BeginPaymentError),
    /// No payment gateway is configured.
    #[error("cards are not taken here")]
    CardsNotTaken,
    /// The gateway refuses the payment for good. Nobody can pay it any more; the order can be paid in another way.
    #[error("the payment gateway refuses: {0}")]
    Refused(String),
    /// The gateway cannot be reached. The payment has begun, and a repeated request continues it.
    #[error(transparent)]
    GatewayUnavailable(Unavailable),
}

impl Payments {
    /// Begins a payment for an order of one's own: whoever pays gets the secret that the card is charged with, and
    /// another method cancels the payment before. Staff settle what is paid at the counter.
    pub async fn pay(
        &self,
        customer: Actor,
        order_id: OrderId,
        method: PaymentMethod,
        request: Option<IdempotentRequest>,
    ) -> Result<Idempotent<PaymentReceipt>, PayOrderError> {
        let chargeable = self.gateway.as_ref().map(|gateway| gateway.chargeable);
        let gateway = self.gateway.as_ref().map(|gateway| &gateway.calls);
        let now = self.clock.now();
        let idempotency = request.map(|request| request.by(customer.account_id));
        let begun = self
            .checkout
            .begin(NewPayment {
                id: PaymentId::new(self.ids.generate()),
                order_id,
                scope: OrderScope::OwnedBy(customer.account_id),
                method,
                begun_at: now,
                expires_at: now + self.terms.card,
                chargeable,
                idempotency: idempotency.clone(),
            })
            .await
            .map_err(|error| match error {
                BeginPaymentError::CardsNotTaken => PayOrderError::CardsNotTaken,
                error => PayOrderError::Begin(error),
            })?;
        let (payment, gateway) = match (begun, gateway) {
            (BegunPayment::Complete(receipt), _) => return Ok(receipt),
            (BegunPayment::NeedsIntent(_), None) => return Err(PayOrderError::CardsNotTaken),
            (BegunPayment::NeedsIntent(payment), Some(gateway)) => (payment, gateway),
        };
        // A request that is repeated after a failure, or at the same time, gets the same intent: the gateway knows it
        // by the payment's id.
        let intent = match gateway.create(&payment).await {
            Ok(intent) => intent,
            Err(GatewayError::Unavailable(cause)) => return Err(PayOrderError::GatewayUnavailable(cause)),
            // If this server dies before it has recorded the refusal, the gateway refuses the next request as well.
            Err(GatewayError::Refused(why) | GatewayError::Misconfigured(why)) => {
                let refused = self.checkout.refuse(&payment, self.clock.now()).await;
                refused.map_err(BeginPaymentError::Unavailable)?;
                return Err(PayOrderError::Refused(why));
            }
        };
        Ok(self.checkout.attach(payment.id, intent, idempotency, self.clock.now()).await?)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use comanda_domain::{
        ChargeableAmounts, ClientSecret, Currency, Intent, IntentId, IntentState, Money, Payment, PaymentStatus, Role,
        ports::{MockCheckout, MockGatewayEvents, MockPaymentGateway},
    };
    use uuid::Uuid;

    use super::*;
    use crate::{payments::Gateway, sample};

    fn payment() -> Payment {
        Payment {
            id: PaymentId::new(Uuid::from_u128(9)),
            order_id: sample::order_with_lines().order.id,
            status: PaymentStatus::Pending,
            method: PaymentMethod::Card,
            amount: Money::new(1250, Currency::EUR),
            received: Money::zero(Currency::EUR),
            refunded: Money::zero(Currency::EUR),
            expires_at: None,
        }
    }

    fn intent() -> Intent {
        Intent {
            id: IntentId("pi_1".to_owned()),
            client_secret: Some(ClientSecret("secret".to_owned())),
            state: IntentState::Pending,
            amount: payment().amount,
            received: None,
            refunds: Vec::new(),
            payment_id: Some(payment().id),
        }
    }

    fn payments(checkout: MockCheckout, gateway: Option<MockPaymentGateway>) -> Payments {
        let events = Arc::new(MockGatewayEvents::new());
        let chargeable = ChargeableAmounts::all(Currency::EUR);
        let gateway = gateway.map(|calls| Gateway { calls: Arc::new(calls), events, chargeable });
        Payments { checkout: Arc::new(checkout), gateway, ..sample::payments() }
    }

    #[tokio::test]
    async fn the_gateway_is_asked_once_the_payment_is_stored() {
        let mut checkout = MockCheckout::new();
        checkout
            .expect_begin()
            .once()
            .withf(|new| new.expires_at == sample::now() + Duration::from_mins(15))
            .returning(|_| Ok(BegunPayment::NeedsIntent(payment())));
        checkout.expect_attach().once().withf(|id, given, _, _| *id == payment().id && *given == intent()).returning(
            |_, intent, _, _| {
                let outcome = PaymentReceipt { payment: payment(), client_secret: intent.client_secret };
                Ok(Idempotent { outcome, replayed: false })
            },
        );
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_create().once().returning(|_| Ok(intent()));
        let customer = sample::actor(Role::Customer);
        let begun =
            payments(checkout, Some(gateway)).pay(customer, payment().order_id, PaymentMethod::Card, None).await;
        assert_eq!(begun.unwrap().outcome.client_secret, intent().client_secret);
    }

    #[tokio::test]
    async fn staff_pay_for_their_own_orders_alone() {
        let staff = sample::actor(Role::Staff);
        let mut checkout = MockCheckout::new();
        checkout
            .expect_begin()
            .once()
            .withf(move |new| new.scope == OrderScope::OwnedBy(staff.account_id))
            .returning(|_| Err(BeginPaymentError::NotFound));
        let begun = payments(checkout, None).pay(staff, payment().order_id, PaymentMethod::Counter, None).await;
        assert!(matches!(begun, Err(PayOrderError::Begin(BeginPaymentError::NotFound))));
    }

    #[tokio::test]
    async fn without_a_gateway_nothing_is_begun_by_card() {
        let customer = sample::actor(Role::Customer);
        let order = payment().order_id;
        let mut checkout = MockCheckout::new();
        checkout
            .expect_begin()
            .once()
            .withf(|new| new.chargeable.is_none())
            .returning(|_| Err(BeginPaymentError::CardsNotTaken));
        let begun = payments(checkout, None).pay(customer, order, PaymentMethod::Card, None).await;
        assert!(matches!(begun, Err(PayOrderError::CardsNotTaken)));
    }

    #[tokio::test]
    async fn a_payment_that_the_gateway_refuses_for_good_does_not_stay_open() {
        for refusal in [GatewayError::Refused("too small".to_owned()), GatewayError::Misconfigured("no".to_owned())] {
            let mut checkout = MockCheckout::new();
            checkout.expect_begin().returning(|_| Ok(BegunPayment::NeedsIntent(payment())));
            checkout.expect_refuse().once().withf(|refused, _| *refused == payment()).returning(|_, _| Ok(()));
            let mut gateway = MockPaymentGateway::new();
            gateway.expect_create().return_once(|_| Err(refusal));
            let (customer, order) = (sample::actor(Role::Customer), payment().order_id);
            let begun = payments(checkout, Some(gateway)).pay(customer, order, PaymentMethod::Card, None).await;
            assert!(matches!(begun, Err(PayOrderError::Refused(_))));
        }
    }

    #[tokio::test]
    async fn a_gateway_that_does_not_answer_leaves_the_payment_begun() {
        let mut checkout = MockCheckout::new();
        checkout.expect_begin().returning(|_| Ok(BegunPayment::NeedsIntent(payment())));
        let mut gateway = MockPaymentGateway::new();
        gateway.expect_create().once().returning(|_| Err(Unavailable::new("timeout").into()));
        let (customer, order) = (sample::actor(Role::Customer), payment().order_id);
        let begun = payments(checkout, Some(gateway)).pay(customer, order, PaymentMethod::Card, None).await;
        assert!(matches!(begun, Err(PayOrderError::GatewayUnavailable(_))));
    }
}
