//! The one rule for idempotency keys: what a key stands for, who may use it, and for how long.
//!
//! The key of a placement stands in its order's own row, since a row of its own would cost a third of the orders per
//! second. All other keys stand in `idempotency_keys`, with what the request came to, in the transaction of its write.
//! Only successes are kept: a refusal rolls back, and so the key stays free. A payment for which the gateway has to be
//! asked has its key from its beginning, without an outcome: whoever repeats the request goes on with that payment.
//! Until it has its outcome, it stands under the key with a space before it, which no key has. Servers of the release
//! before do not find it there: they would take it for an outcome, and respond without the client's secret.
//!
//! An outcome is the serialized row that the response is written from. It is read again up to a day later, by servers
//! of the next release: a field that is added to one of these structs is `#[serde(default)]`, and none is renamed. What
//! is secret is left out, and read from its own table again.
//!
//! Whoever is about to use a key holds an advisory lock on it until the end of the transaction: placements share it, as
//! the unique index on `orders` lets only one of them pass; everybody else holds it alone. So one key cannot be used
//! twice at the same time, though it could be in either table. It is the first lock of a transaction (see "Locks" in
//! ARCHITECTURE.md). Nobody waits for it: whoever finds it taken, and nothing under the key, is told that the first
//! request is in progress. Waiting would take a connection for writes per repetition, from those who could go on.

use comanda_domain::{
    Idempotency, IdempotencyKey, KeyRefusal, OrderId, Payment, PaymentId, Timestamp, ports::Unavailable,
};
use diesel::{
    QueryResult, QueryableByName, sql_query,
    sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::database::{Failure, Named, NamedRows, RowOf};

/// The number of a key's advisory lock, in SQL, of the expressions that stand for its caller and itself.
macro_rules! key_lock {
    ($caller:literal, $key:literal) => {
        concat!("hashtextextended('idempotency key ' || ", $caller, " || ' ' || ", $key, ", 0)")
    };
}

pub(crate) use key_lock;

/// What a request finds under its key.
pub(crate) enum Claim<R> {
    /// Nothing: it is the first, and its outcome is to be kept.
    First(Kept),
    /// The same request succeeded before.
    Repeats(R),
    /// The same request was made before, and no outcome of it is kept.
    WithoutOutcome(WithoutOutcome),
}

/// A request that has begun a payment for which the gateway is asked, or that was carried out by a server of the
/// release before.
pub(crate) struct WithoutOutcome {
    /// The payment that the request has begun.
    pub(crate) payment: Option<PaymentId>,
    /// The payment's status in the response of a server of the release before.
    pub(crate) answered_status: Option<String>,
    /// Whether nobody else is carrying out the request.
    is_locked: bool,
    kept: Kept,
}

impl WithoutOutcome {
    /// For whoever goes on with the request from its beginning.
    pub(crate) fn go_on<E: From<KeyRefusal>>(self) -> Result<Kept, Failure<E>> {
        if self.is_locked { Ok(self.kept) } else { Err(Failure(KeyRefusal::InProgress.into())) }
    }

    /// For whoever has carried out the request, and holds a lock by which nobody else ends it at the same time.
    pub(crate) fn end(self) -> Kept {
        self.kept
    }
}

impl<R> Claim<R> {
    /// For requests that servers of the release before carry out without a key. `Err`: the outcome of the first.
    pub(crate) fn first<E: From<KeyRefusal>>(self) -> Result<Result<Kept, R>, Failure<E>> {
        match self {
            Self::First(kept) => Ok(Ok(kept)),
            Self::Repeats(outcome) => Ok(Err(outcome)),
            Self::WithoutOutcome(_) => Err(Failure(KeyRefusal::InProgress.into())),
        }
    }
}

/// The place for the outcome of a request, which may have no key.
#[must_use = "the outcome is to be kept"]
pub(crate) struct Kept(Option<Place>);

#[derive(Clone)]
struct Place {
    request: Idempotency,
    at: Timestamp,
}

/// What servers of the release before read of a row.
#[derive(Default)]
pub(crate) struct ForOldServers {
    pub(crate) order: Option<OrderId>,
    pub(crate) payment: Option<PaymentId>,
    pub(crate) answered_status: Option<&'static str>,
}

#[derive(QueryableByName)]
struct LockRow {
    #[diesel(sql_type = Bool)]
    is_locked: bool,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    request_fingerprint: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    payment_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    answered_status: Option<String>,
    #[diesel(sql_type = Bool)]
    is_placement: bool,
    #[diesel(sql_type = Bool)]
    is_begun: bool,
}

/// A request's fingerprint as its column.
pub(crate) fn fingerprint_of(request: &Idempotency) -> Uuid {
    Uuid::from_bytes(*request.fingerprint.as_bytes())
}

/// Locks the key of a request until the end of the transaction, and finds out what it stands for. This comes first in
/// the transaction. While another request under the key is being carried out, it is [`KeyRefusal::InProgress`]. An
/// outcome that cannot be read is an unreadable record: the request was carried out, and must not be carried out again.
pub(crate) async fn claim<R, E>(
    connection: &mut AsyncPgConnection,
    request: Option<&Idempotency>,
    at: Timestamp,
) -> Result<Claim<R>, Failure<E>>
where
    R: DeserializeOwned,
    E: From<KeyRefusal> + From<Unavailable>,
{
    let Some(request) = request else { return Ok(Claim::First(Kept(None))) };
    // A statement of its own: the next one sees what was committed by those who held the lock before.
    let is_locked = try_to_lock(connection, request).await?;
    // What is committed is found without the lock, too: another repetition may hold it.
    let known = find(connection, request, at).await?;
    let kept = Kept(Some(Place { request: request.clone(), at }));
    let Some(known) = known else {
        return is_locked.then_some(Claim::First(kept)).ok_or(Failure(KeyRefusal::InProgress.into()));
    };
    if !known.is_of(request) {
        return Err(Failure(KeyRefusal::Reused.into()));
    }
    let Some(outcome) = known.outcome else {
        let (payment, answered_status) = (known.payment_id.map(PaymentId::new), known.answered_status);
        return Ok(Claim::WithoutOutcome(WithoutOutcome { payment, answered_status, is_locked, kept }));
    };
    let row = RowOf { table: "idempotency_keys", id: request.key.as_str() };
    // Without the error's text, which may repeat what a customer has written.
    let outcome = serde_json::from_str(&outcome).map_err(|error| format!("is no outcome: {:?}", error.classify()));
    Ok(Claim::Repeats(row.read("outcome", outcome)?))
}

/// Whether the same request, which is not a placement, has succeeded before. Locks nothing.
pub(crate) async fn is_repeated(
    connection: &mut AsyncPgConnection,
    request: &Idempotency,
    at: Timestamp,
) -> QueryResult<bool> {
    Ok(find(connection, request, at).await?.is_some_and(|known| known.is_of(request) && known.outcome.is_some()))
}

impl KeyRow {
    fn is_of(&self, request: &Idempotency) -> bool {
        !self.is_placement && self.request_fingerprint == fingerprint_of(request)
    }
}

/// Returns whether nobody else holds the lock.
async fn try_to_lock(connection: &mut AsyncPgConnection, request: &Idempotency) -> QueryResult<bool> {
    let lock = concat!("SELECT pg_try_advisory_xact_lock(", key_lock!("$1::text", "$2"), ") AS is_locked");
    let locked: LockRow = sql_query(lock)
        .bind::<SqlUuid, _>(request.caller.as_uuid())
        .bind::<Text, _>(request.key.as_str())
        .get_result(connection)
        .one("idempotency.lock")
        .await?;
    Ok(locked.is_locked)
}

async fn find(connection: &mut AsyncPgConnection, request: &Idempotency, at: Timestamp) -> QueryResult<Option<KeyRow>> {
    let known: Vec<KeyRow> = sql_query(
        "SELECT request_fingerprint, outcome, payment_id, answered_status, false AS is_placement, \
           key <> $2 AS is_begun \
         FROM (SELECT * FROM idempotency_keys WHERE caller_id = $1 AND key IN ($2, ' ' || $2) OFFSET 0) k \
         WHERE recorded_at >= $3 \
         UNION ALL \
         SELECT request_fingerprint, NULL, NULL, NULL, true, false FROM orders \
         WHERE customer_id = $1 AND idempotency_key = $2 AND created_at >= $3",
    )
    .bind::<SqlUuid, _>(request.caller.as_uuid())
    .bind::<Text, _>(request.key.as_str())
    .bind::<Timestamptz, _>(IdempotencyKey::forgotten_before(at))
    .load(connection)
    .rows("idempotency.find")
    .await?;
    // A server of the release before may have gone on with what was begun: then its response counts.
    Ok(known.into_iter().min_by_key(|known| known.is_begun))
}

impl Kept {
    /// Keeps the outcome for repetitions of the request. This comes last in the transaction.
    pub(crate) async fn keep<E>(
        self,
        connection: &mut AsyncPgConnection,
        outcome: &impl Serialize,
    ) -> Result<(), Failure<E>>
    where
        E: From<KeyRefusal> + From<Unavailable>,
    {
        self.keep_for_all(connection, outcome, ForOldServers::default()).await
    }

    /// The same, where a server of the release before may get the repetition.
    pub(crate) async fn keep_for_all<E>(
        self,
        connection: &mut AsyncPgConnection,
        outcome: &impl Serialize,
        old: ForOldServers,
    ) -> Result<(), Failure<E>>
    where
        E: From<KeyRefusal> + From<Unavailable>,
    {
        let outcome = serde_json::to_string(outcome).map_err(Unavailable::new)?;
        self.write(connection, Some(outcome), old).await
    }

    /// Keeps that the request has begun a payment, whose outcome is still to come. Repetitions go on with it.
    pub(crate) async fn begin<E>(self, connection: &mut AsyncPgConnection, payment: &Payment) -> Result<(), Failure<E>>
    where
        E: From<KeyRefusal> + From<Unavailable>,
    {
        let Some(Place { request, at, .. }) = self.0 else { return Ok(()) };
        // Whoever has begun it before was this request, or its row has expired.
        sql_query(
            "INSERT INTO idempotency_keys (caller_id, key, request_fingerprint, recorded_at, payment_id) \
             VALUES ($1, ' ' || $2, $3, $4, $5) \
             ON CONFLICT (caller_id, key) DO UPDATE SET request_fingerprint = excluded.request_fingerprint, \
               recorded_at = excluded.recorded_at, payment_id = excluded.payment_id",
        )
        .bind::<SqlUuid, _>(request.caller.as_uuid())
        .bind::<Text, _>(request.key.as_str())
        .bind::<SqlUuid, _>(fingerprint_of(&request))
        .bind::<Timestamptz, _>(at)
        .bind::<SqlUuid, _>(payment.id.as_uuid())
        .execute(connection)
        .changes("idempotency.begin")
        .await?;
        Ok(())
    }

    async fn write<E>(
        self,
        connection: &mut AsyncPgConnection,
        outcome: Option<String>,
        old: ForOldServers,
    ) -> Result<(), Failure<E>>
    where
        E: From<KeyRefusal> + From<Unavailable>,
    {
        let Some(Place { request, at }) = self.0 else { return Ok(()) };
        // A row that has expired gives way, and so does that of a payment that was begun.
        let kept = sql_query(
            "WITH ended AS (DELETE FROM idempotency_keys WHERE caller_id = $1 AND key = ' ' || $2 AND $7 IS NOT NULL) \
             INSERT INTO idempotency_keys AS k \
               (caller_id, key, request_fingerprint, recorded_at, outcome, order_id, payment_id, answered_status) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (caller_id, key) DO UPDATE SET request_fingerprint = excluded.request_fingerprint, \
               recorded_at = excluded.recorded_at, outcome = excluded.outcome, order_id = excluded.order_id, \
               payment_id = excluded.payment_id, answered_status = excluded.answered_status \
             WHERE k.recorded_at < $9",
        )
        .bind::<SqlUuid, _>(request.caller.as_uuid())
        .bind::<Text, _>(request.key.as_str())
        .bind::<SqlUuid, _>(fingerprint_of(&request))
        .bind::<Timestamptz, _>(at)
        .bind::<Nullable<Text>, _>(outcome)
        .bind::<Nullable<SqlUuid>, _>(old.order.map(OrderId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(old.payment.map(PaymentId::as_uuid))
        .bind::<Nullable<Text>, _>(old.answered_status)
        .bind::<Timestamptz, _>(IdempotencyKey::forgotten_before(at))
        .execute(connection)
        .changes("idempotency.keep")
        .await?;
        // Servers of the release before take no lock: one of them was faster.
        if kept == 1 { Ok(()) } else { Err(Failure(KeyRefusal::InProgress.into())) }
    }
}
