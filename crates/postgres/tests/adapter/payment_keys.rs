//! The keys of payments, from their beginning to the gateway's response.

use std::sync::Arc;

use comanda_domain::{
    ClientSecret, Idempotency, Intent, IntentId, IntentState, KeyRefusal, NewPayment, OrderId, Payment, PaymentStatus,
    RefundId,
    ports::{
        BeginPaymentError, BegunPayment, Checkout, Idempotent, IntentReport, Orders, PaymentIntents, PaymentReceipt,
        Payments, PlaceOrderError,
    },
};
use comanda_postgres::PostgresPayments;
use uuid::Uuid;

use crate::{
    keys::{at_the_counter, other_request},
    payments::{by_card, placed},
    shop::{Shop, now},
};

fn keyed(order_id: OrderId, idempotency: Idempotency) -> NewPayment {
    NewPayment { idempotency: Some(idempotency), ..by_card(order_id) }
}

async fn begin(payments: &PostgresPayments, new: NewPayment) -> Payment {
    match payments.begin(new).await.unwrap() {
        BegunPayment::NeedsIntent(payment) => payment,
        BegunPayment::Complete(receipt) => panic!("{receipt:?}"),
    }
}

async fn complete(payments: &PostgresPayments, new: NewPayment) -> Idempotent<PaymentReceipt> {
    match payments.begin(new).await.unwrap() {
        BegunPayment::Complete(receipt) => receipt,
        BegunPayment::NeedsIntent(payment) => panic!("{payment:?}"),
    }
}

fn intent(payment: &Payment) -> Intent {
    Intent {
        id: IntentId("pi_1".to_owned()),
        client_secret: Some(ClientSecret("pi_1_secret_1".to_owned())),
        state: IntentState::Pending,
        amount: payment.amount,
        received: None,
        refunds: Vec::new(),
        payment_id: Some(payment.id),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_its_payment_while_the_gateway_is_asked() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let (one, two) = (placed(&shop).await, placed(&shop).await);
    let key = || shop.idempotency("key");
    let payment = begin(&payments, keyed(one, key())).await;

    let reused = payments.begin(keyed(two, other_request(key()))).await;
    assert!(matches!(reused, Err(BeginPaymentError::Key(KeyRefusal::Reused))), "{reused:?}");
    let item = shop.item(5).await;
    let reused = shop.orders.place(shop.keyed("key", shop.order(&[(&item, 1)]))).await;
    assert!(matches!(reused, Err(PlaceOrderError::Key(KeyRefusal::Reused))), "{reused:?}");
    assert_eq!(begin(&payments, keyed(one, key())).await, payment);

    let attach = || payments.attach(payment.id, intent(&payment), Some(key()), now());
    let (first, second) = tokio::join!(attach(), attach());
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first.replayed != second.replayed);
    assert_eq!(first.outcome, second.outcome);
    assert_eq!(first.outcome.client_secret, intent(&payment).client_secret);
    let again = complete(&payments, keyed(one, key())).await;
    assert!(again.replayed);
    assert_eq!(again.outcome, first.outcome);

    let kept = "SELECT outcome FROM idempotency_keys WHERE key = 'key'";
    let kept: String = shop.database.client().await.query_one(kept, &[]).await.unwrap().get(0);
    assert!(!kept.contains("secret"), "{kept}");
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_the_gateway_frees_the_key() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let (one, two) = (placed(&shop).await, placed(&shop).await);
    let payment = begin(&payments, keyed(one, shop.idempotency("key"))).await;
    payments.refuse(&payment, now()).await.unwrap();
    begin(&payments, keyed(two, other_request(shop.idempotency("key")))).await;
    shop.assert_sound().await;
}

/// The server died after the gateway had taken the payment, and before it could respond.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_goes_on_with_its_payment_though_it_is_paid_by_now() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let payment = begin(&payments, keyed(order, shop.idempotency("key"))).await;
    let report = IntentReport {
        intent: IntentId("pi_1".to_owned()),
        payment_id: Some(payment.id),
        state: IntentState::Succeeded,
        received: None,
        at: now(),
    };
    payments.record_intent(report, RefundId::new(Uuid::now_v7())).await.unwrap();
    let receipt = complete(&payments, keyed(order, shop.idempotency("key"))).await.outcome;
    assert_eq!((receipt.payment.id, receipt.payment.status), (payment.id, PaymentStatus::Succeeded));
    let other = payments.begin(keyed(order, other_request(shop.idempotency("other")))).await;
    assert!(matches!(other, Err(BeginPaymentError::AlreadyPaid)), "{other:?}");
    shop.assert_sound().await;
}

/// The gateway is slow, so the customer chooses the counter before the first request is answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_payment_was_replaced_meanwhile_replaces_nothing() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let (key, other) = (|| shop.idempotency("key"), other_request(shop.idempotency("other")));
    let payment = begin(&payments, keyed(order, key())).await;
    let counter = complete(&payments, at_the_counter(order, other)).await.outcome.payment;

    let repeated = complete(&payments, keyed(order, key())).await.outcome;
    assert_eq!((repeated.payment.id, repeated.payment.status), (payment.id, PaymentStatus::Cancelled));
    let first = payments.attach(payment.id, intent(&payment), Some(key()), now()).await.unwrap();
    assert_eq!((first.outcome, first.replayed), (repeated, true));
    let all = payments.of_orders(&[order]).await.unwrap().remove(&order).unwrap().unwrap();
    let open: Vec<_> = all.iter().map(|one| &one.payment).filter(|payment| payment.status.is_open()).collect();
    assert_eq!((all.len(), open), (2, vec![&counter]));
    let due = payments.take_cancellations(10).await.unwrap();
    assert_eq!(due.into_iter().map(|due| due.intent).collect::<Vec<_>>(), [Some(intent(&payment).id)]);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_is_kept_for_the_payment_that_the_key_stands_for() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let payment = begin(&payments, keyed(order, shop.idempotency("key"))).await;
    let other = complete(&payments, at_the_counter(order, other_request(shop.idempotency("other")))).await;
    let begun_anew = "UPDATE idempotency_keys SET payment_id = $1 WHERE outcome IS NULL";
    let tables = shop.database.client().await;
    assert_eq!(tables.execute(begun_anew, &[&other.outcome.payment.id.as_uuid()]).await.unwrap(), 1);
    let late = payments.attach(payment.id, intent(&payment), Some(shop.idempotency("key")), now()).await.unwrap();
    assert_eq!((late.outcome.payment.id, late.replayed), (payment.id, false));
    let begun = "SELECT count(*) FROM idempotency_keys WHERE outcome IS NULL AND key = ' key'";
    assert_eq!(shop.database.number(begun).await, 1);
    let repeated = complete(&payments, keyed(order, shop.idempotency("key"))).await.outcome.payment;
    assert_eq!(repeated.id, other.outcome.payment.id);
    shop.assert_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_the_release_before_has_answered_is_answered_again() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let payment = begin(&payments, by_card(order)).await;
    payments.attach(payment.id, intent(&payment), None, now()).await.unwrap();
    let tables = shop.database.client().await;
    let paid = "UPDATE payments SET status = 'succeeded', paid_at = now(), version = version + 1";
    tables.batch_execute(paid).await.unwrap();
    let fingerprint = Uuid::from_bytes(*shop.idempotency("key").fingerprint.as_bytes());
    let kept = "INSERT INTO idempotency_keys \
        (caller_id, order_id, request_fingerprint, recorded_at, key, payment_id, answered_status) \
        VALUES ($1, $2, $3, now(), 'key', $4, 'pending')";
    let caller = shop.customer.id.as_uuid();
    tables.execute(kept, &[&caller, &order.as_uuid(), &fingerprint, &payment.id.as_uuid()]).await.unwrap();

    let again = complete(&payments, keyed(order, shop.idempotency("key"))).await;
    assert!(again.replayed);
    let answered = (again.outcome.payment.id, again.outcome.payment.status);
    assert_eq!(answered, (payment.id, PaymentStatus::Pending));
    assert_eq!(again.outcome.client_secret, intent(&payment).client_secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_gateway_a_payment_by_card_is_repeated_and_not_begun() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let payment = begin(&payments, keyed(order, shop.idempotency("key"))).await;
    let first = payments.attach(payment.id, intent(&payment), Some(shop.idempotency("key")), now()).await.unwrap();
    let without = |key| NewPayment { chargeable: None, ..keyed(order, shop.idempotency(key)) };
    assert_eq!(complete(&payments, without("key")).await.outcome, first.outcome);
    let other = payments.begin(without("other")).await;
    assert!(matches!(other, Err(BeginPaymentError::CardsNotTaken)), "{other:?}");
}

/// It takes whatever it finds under the key for its response, and has no client's secret to give.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_the_release_before_goes_on_with_a_payment_that_was_begun() {
    let shop = Shop::open().await;
    let payments = PostgresPayments::new(shop.pool.clone());
    let order = placed(&shop).await;
    let payment = begin(&payments, keyed(order, shop.idempotency("key"))).await;
    let found = "SELECT count(*) FROM idempotency_keys WHERE key = 'key'";
    assert_eq!(shop.database.number(found).await, 0);

    // It asks the gateway, and keeps its response.
    payments.attach(payment.id, intent(&payment), None, now()).await.unwrap();
    let fingerprint = Uuid::from_bytes(*shop.idempotency("key").fingerprint.as_bytes());
    let kept = "INSERT INTO idempotency_keys \
        (caller_id, order_id, request_fingerprint, recorded_at, key, payment_id, answered_status) \
        VALUES ($1, $2, $3, now(), 'key', $4, 'pending')";
    let (tables, caller) = (shop.database.client().await, shop.customer.id.as_uuid());
    tables.execute(kept, &[&caller, &order.as_uuid(), &fingerprint, &payment.id.as_uuid()]).await.unwrap();
    let again = complete(&payments, keyed(order, shop.idempotency("key"))).await;
    assert!(again.replayed);
    assert_eq!(again.outcome.client_secret, intent(&payment).client_secret);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_finds_the_response_that_was_given_while_it_waited() {
    let shop = Shop::open().await;
    let payments = Arc::new(PostgresPayments::new(shop.pool.clone()));
    let order = placed(&shop).await;
    let key = || shop.idempotency("key");
    let payment = begin(&payments, keyed(order, key())).await;
    let held = shop.database.client().await;
    held.batch_execute("BEGIN; SELECT FROM orders FOR NO KEY UPDATE").await.unwrap();
    let waiting = tokio::spawn({
        let (payments, new) = (Arc::clone(&payments), keyed(order, key()));
        async move { complete(&payments, new).await }
    });
    shop.until_waiting(1).await;
    let first = payments.attach(payment.id, intent(&payment), Some(key()), now()).await.unwrap();
    held.batch_execute("COMMIT").await.unwrap();
    let repeated = waiting.await.unwrap();
    assert!(repeated.replayed);
    assert_eq!(repeated.outcome, first.outcome);
    let begun = "SELECT count(*) FROM idempotency_keys WHERE outcome IS NULL";
    assert_eq!(shop.database.number(begun).await, 0);
    shop.assert_sound().await;
}
