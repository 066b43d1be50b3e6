//! What has to be done with the gateway. Taken for half a minute by one server, so that nobody holds a transaction while the gateway thinks.

use comanda_domain::{
    Timestamp,
    ids::{PaymentId, RefundId},
    money::Money,
    payment::IntentId,
    ports::{CardPayment, DueRefund, InboxEvent, PendingCancellation, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    PostgresPayments,
    row::{COLUMNS, PaymentRow},
};
use crate::database::{Named, NamedRows};

#[derive(QueryableByName)]
struct RefundToMake {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = Text)]
    intent: String,
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    body: String,
}

fn at_most(limit: u32) -> i32 {
    i32::try_from(limit).unwrap_or(i32::MAX)
}

impl PostgresPayments {
    pub(super) async fn pending_cancellations(&self, limit: u32) -> Result<Vec<PendingCancellation>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<PaymentRow> = sql_query(format!(
            "UPDATE payments SET taken_until = now() + interval '30 seconds' WHERE id IN (\
             SELECT id FROM payments WHERE call_off AND (taken_until IS NULL OR taken_until < now()) \
             ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING {COLUMNS}"
        ))
        .bind::<Integer, _>(at_most(limit))
        .load(&mut *connection)
        .rows("payment.take_call_offs")
        .await
        .map_err(Unavailable::new)?;
        let cancellation =
            |row: PaymentRow| Ok(PendingCancellation { intent: row.intent(), payment: row.payment(self.currency)? });
        rows.into_iter().filter(|row| row.call_off).map(cancellation).collect()
    }

    pub(super) async fn mark_cancelled(&self, id: PaymentId) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        sql_query("UPDATE payments SET call_off = false, taken_until = NULL WHERE id = $1")
            .bind::<SqlUuid, _>(id.as_uuid())
            .execute(&mut *connection)
            .changes("payment.called_off")
            .await
            .map(|_| ())
            .map_err(Unavailable::new)
    }

    pub(super) async fn due_refunds(&self, limit: u32) -> Result<Vec<DueRefund>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<RefundToMake> = sql_query(
            "UPDATE refunds r SET taken_until = now() + interval '30 seconds' FROM payments p \
             WHERE p.id = r.payment_id AND p.intent IS NOT NULL AND r.id IN (\
             SELECT id FROM refunds WHERE status = 'pending' AND (taken_until IS NULL OR taken_until < now()) \
             ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING r.id, r.amount, p.intent",
        )
        .bind::<Integer, _>(at_most(limit))
        .load(&mut *connection)
        .rows("refund.take")
        .await
        .map_err(Unavailable::new)?;
        let due = |row: RefundToMake| DueRefund {
            id: RefundId::new(row.id),
            intent: IntentId(row.intent),
            amount: Money::new(row.amount, self.currency),
        };
        Ok(rows.into_iter().map(due).collect())
    }

    pub(super) async fn receive_event(&self, event: InboxEvent, at: Timestamp) -> Result<bool, Unavailable> {
        let mut connection = self.database.connection().await?;
        let received = sql_query(
            "INSERT INTO gateway_events (id, received_at, body) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING",
        )
        .bind::<Text, _>(&event.id)
        .bind::<Timestamptz, _>(at)
        .bind::<Text, _>(&event.body)
        .execute(&mut *connection)
        .changes("gateway_event.insert")
        .await
        .map_err(Unavailable::new)?;
        Ok(received == 1)
    }

    pub(super) async fn waiting_events(&self, limit: u32) -> Result<Vec<InboxEvent>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let rows: Vec<EventRow> = sql_query(
            "UPDATE gateway_events SET taken_until = now() + interval '30 seconds' WHERE id IN (\
             SELECT id FROM gateway_events WHERE handled_at IS NULL AND (taken_until IS NULL OR taken_until < now()) \
             ORDER BY received_at LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id, body",
        )
        .bind::<Integer, _>(at_most(limit))
        .load(&mut *connection)
        .rows("gateway_event.take")
        .await
        .map_err(Unavailable::new)?;
        Ok(rows.into_iter().map(|row| InboxEvent { id: row.id, body: row.body }).collect())
    }

    pub(super) async fn event_handled(&self, id: &str, at: Timestamp) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        sql_query("UPDATE gateway_events SET handled_at = $2 WHERE id = $1")
            .bind::<Text, _>(id)
            .bind::<Timestamptz, _>(at)
            .execute(&mut *connection)
            .changes("gateway_event.handled")
            .await
            .map(|_| ())
            .map_err(Unavailable::new)
    }

    pub(super) async fn payments_by_card(
        &self,
        since: Timestamp,
        after: Option<PaymentId>,
        limit: u32,
    ) -> Result<Vec<CardPayment>, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        let rows: Vec<PaymentRow> = sql_query(format!(
            "SELECT {COLUMNS} FROM payments WHERE method = 'card' AND begun_at >= $1 AND ($2::uuid IS NULL OR id > $2) \
             ORDER BY id LIMIT $3"
        ))
        .bind::<Timestamptz, _>(since)
        .bind::<Nullable<SqlUuid>, _>(after.map(PaymentId::as_uuid))
        .bind::<Integer, _>(at_most(limit))
        .load(&mut *connection)
        .rows("payment.list")
        .await
        .map_err(Unavailable::new)?;
        let card = |row: PaymentRow| Ok(CardPayment { intent: row.intent(), payment: row.payment(self.currency)? });
        rows.into_iter().map(card).collect()
    }
}
