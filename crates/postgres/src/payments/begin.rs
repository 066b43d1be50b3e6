//! Beginning a payment, and what its customer is answered.

use comanda_domain::{
    Timestamp,
    idempotency::{Idempotency, IdempotencyKey},
    ids::PaymentId,
    order_status::OrderStatus,
    payment::{Intent, Payment, PaymentMethod, PaymentStatus},
    ports::{BeginPaymentError, BegunPayment, Idempotent, NewPayment, PaymentReceipt, Unavailable},
};
use diesel::{
    OptionalExtension, QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    PostgresPayments,
    row::{COLUMNS, PaymentRow},
    write::{PaymentEvent, announce, cancellation},
};
use crate::{
    database::{Failure, Named, NamedRows},
    order_row::lock_order,
};

type BeginFailure = Failure<BeginPaymentError>;

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    request_fingerprint: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    payment_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    answered_status: Option<String>,
}

impl PostgresPayments {
    pub(super) async fn begin_payment(&self, new: NewPayment) -> Result<BegunPayment, BeginPaymentError> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, BeginFailure, _>(async |connection| self.begin_locked(connection, &new).await)
            .await
            .map_err(|failure| failure.0)
    }

    async fn begin_locked(
        &self,
        connection: &mut AsyncPgConnection,
        new: &NewPayment,
    ) -> Result<BegunPayment, BeginFailure> {
        // Whoever else pays for the order, or cancels it, waits here.
        let order = lock_order(connection, self.currency, new.order_id)
            .await?
            .filter(|order| new.scope.admits(order.customer_id))
            .ok_or(Failure(BeginPaymentError::NotFound))?;
        if let Some(request) = &new.idempotency
            && let Some(answer) = self.answered_before(connection, request, new.begun_at).await?
        {
            return Ok(BegunPayment::Complete(answer));
        }
        if let Some(counts) = self.payment_that_counts(connection, new.order_id.as_uuid()).await? {
            let payment = counts.payment(self.currency)?;
            if payment.status.is_paid() {
                return Err(Failure(BeginPaymentError::AlreadyPaid));
            }
            if payment.method == new.method && order.status != OrderStatus::Cancelled {
                return self.continued(connection, &counts, payment, new).await;
            }
            cancellation(connection, &payment, new.begun_at).await?;
        }
        if order.status == OrderStatus::Cancelled {
            return Err(Failure(BeginPaymentError::NotPayable(order.status)));
        }
        let free = order.total.amount() == 0;
        let status = if free { PaymentStatus::Succeeded } else { PaymentStatus::Pending };
        let expires_at = (new.method == PaymentMethod::Card && !free).then_some(new.expires_at);
        let row: PaymentRow = sql_query(format!(
            "INSERT INTO payments (id, order_id, amount, begun_at, updated_at, expires_at, method, status) \
             VALUES ($1, $2, $3, $4, $4, $5, $6, $7) RETURNING {COLUMNS}"
        ))
        .bind::<SqlUuid, _>(new.id.as_uuid())
        .bind::<SqlUuid, _>(new.order_id.as_uuid())
        .bind::<BigInt, _>(order.total.amount())
        .bind::<Timestamptz, _>(new.begun_at)
        .bind::<Nullable<Timestamptz>, _>(expires_at)
        .bind::<Text, _>(new.method.as_str())
        .bind::<Text, _>(status.as_str())
        .get_result(connection)
        .one("payment.insert")
        .await?;
        let payment = row.payment(self.currency)?;
        if free {
            announce(connection, &payment, PaymentEvent::Succeeded, new.begun_at).await?;
        }
        self.continued(connection, &row, payment, new).await
    }

    /// Where an open payment goes from here.
    async fn continued(
        &self,
        connection: &mut AsyncPgConnection,
        row: &PaymentRow,
        payment: Payment,
        new: &NewPayment,
    ) -> Result<BegunPayment, BeginFailure> {
        if payment.method == PaymentMethod::Card && payment.status.is_open() && row.intent().is_none() {
            return Ok(BegunPayment::NeedsIntent(payment));
        }
        let receipt = row.receipt(self.currency)?;
        if let Some(request) = &new.idempotency {
            remember(connection, request, &receipt.payment, new.begun_at).await?;
        }
        Ok(BegunPayment::Complete(Idempotent { outcome: receipt, replayed: false }))
    }

    async fn payment_that_counts(
        &self,
        connection: &mut AsyncPgConnection,
        order_id: Uuid,
    ) -> Result<Option<PaymentRow>, BeginFailure> {
        let sql = format!(
            "SELECT {COLUMNS} FROM payments WHERE order_id = $1 \
             AND status IN ('pending', 'requires_action', 'failed', 'succeeded', 'partly_refunded') FOR UPDATE"
        );
        let row = sql_query(sql).bind::<SqlUuid, _>(order_id).get_result(connection).one("payment.lock").await;
        Ok(row.optional()?)
    }

    /// What the first request under this key was answered with.
    async fn answered_before(
        &self,
        connection: &mut AsyncPgConnection,
        request: &Idempotency,
        now: Timestamp,
    ) -> Result<Option<Idempotent<PaymentReceipt>>, BeginFailure> {
        let forgotten_before = IdempotencyKey::forgotten_before(now);
        sql_query("DELETE FROM idempotency_keys WHERE caller_id = $1 AND recorded_at < $2")
            .bind::<SqlUuid, _>(request.caller.as_uuid())
            .bind::<Timestamptz, _>(forgotten_before)
            .execute(connection)
            .changes("payment.forget_keys")
            .await?;
        let known: Vec<KeyRow> = sql_query(
            "SELECT request_fingerprint, payment_id, answered_status FROM idempotency_keys \
             WHERE caller_id = $1 AND key = $2 \
             UNION ALL \
             SELECT request_fingerprint, NULL, NULL FROM orders \
             WHERE customer_id = $1 AND idempotency_key = $2 AND created_at >= $3",
        )
        .bind::<SqlUuid, _>(request.caller.as_uuid())
        .bind::<Text, _>(request.key.as_str())
        .bind::<Timestamptz, _>(forgotten_before)
        .load(connection)
        .rows("payment.find_key")
        .await?;
        let Some(known) = known.into_iter().next() else { return Ok(None) };
        let (Some(payment_id), true) =
            (known.payment_id, known.request_fingerprint == Uuid::from_bytes(*request.fingerprint.as_bytes()))
        else {
            return Err(Failure(BeginPaymentError::KeyReused));
        };
        let row: PaymentRow = sql_query(format!("SELECT {COLUMNS} FROM payments WHERE id = $1"))
            .bind::<SqlUuid, _>(payment_id)
            .get_result(connection)
            .one("payment.find")
            .await?;
        let mut receipt = row.receipt(self.currency)?;
        if let Some(status) = known.answered_status.and_then(|status| status.parse().ok()) {
            receipt.payment.status = status;
        }
        Ok(Some(Idempotent { outcome: receipt, replayed: true }))
    }

    pub(super) async fn attach_intent(
        &self,
        id: PaymentId,
        intent: Intent,
        idempotency: Option<Idempotency>,
        at: Timestamp,
    ) -> Result<Idempotent<PaymentReceipt>, Unavailable> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, Failure<Unavailable>, _>(async |connection| {
                let sql = format!(
                    "UPDATE payments SET intent = $2, client_secret = $3, updated_at = $4, version = version + 1 \
                     WHERE id = $1 RETURNING {COLUMNS}"
                );
                let row: PaymentRow = sql_query(sql)
                    .bind::<SqlUuid, _>(id.as_uuid())
                    .bind::<Text, _>(&intent.id.0)
                    .bind::<Nullable<Text>, _>(intent.client_secret.as_ref().map(|secret| secret.0.as_str()))
                    .bind::<Timestamptz, _>(at)
                    .get_result(connection)
                    .one("payment.attach")
                    .await?;
                let mut receipt = row.receipt(self.currency)?;
                let mut replayed = false;
                if let Some(request) = &idempotency
                    && !remember(connection, request, &receipt.payment, at).await?
                {
                    // The same request, at the same time, was a little faster: what it was told counts.
                    let before = self.answered_before(connection, request, at).await;
                    if let Ok(Some(answer)) = before {
                        (receipt, replayed) = (answer.outcome, true);
                    }
                }
                Ok(Idempotent { outcome: receipt, replayed })
            })
            .await
            .map_err(|failure| failure.0)
    }
}

/// Says whether it was the first.
async fn remember(
    connection: &mut AsyncPgConnection,
    request: &Idempotency,
    payment: &Payment,
    at: Timestamp,
) -> diesel::QueryResult<bool> {
    let remembered = sql_query(
        "INSERT INTO idempotency_keys (caller_id, order_id, request_fingerprint, recorded_at, key, payment_id, answered_status) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(request.caller.as_uuid())
    .bind::<SqlUuid, _>(payment.order_id.as_uuid())
    .bind::<SqlUuid, _>(Uuid::from_bytes(*request.fingerprint.as_bytes()))
    .bind::<Timestamptz, _>(at)
    .bind::<Text, _>(request.key.as_str())
    .bind::<SqlUuid, _>(payment.id.as_uuid())
    .bind::<Text, _>(payment.status.as_str())
    .execute(connection)
    .changes("payment.insert_key")
    .await?;
    Ok(remembered == 1)
}
