//! The one rule for idempotency keys: what a key stands for, who may use it, and for how long.
//!
//! The key of a placement stands in its order's own row, since a row of its own would cost a third of the orders per
//! second. All other keys stand in `idempotency_keys`, with what the request came to, in the transaction of its write.
//! Only successes are kept: a refusal rolls back, and so the key stays free.
//!
//! Whoever is about to use a key holds an advisory lock on it until the end of the transaction: placements share it, as
//! the unique index on `orders` lets only one of them pass; everybody else holds it alone. So one key cannot be used
//! twice at the same time, though it could be in either table. It is the first lock of a transaction (see "Locks" in
//! ARCHITECTURE.md). Nobody waits for it: whoever finds it taken, and nothing under the key, is told that the first
//! request is in progress. Waiting would take a connection for writes per repetition, from those who could go on.

use comanda_domain::{Idempotency, IdempotencyKey, KeyRefusal, OrderId, Payment, Timestamp, ports::Unavailable};
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
    /// The same request succeeded before; `None` if a server of the release before carried it out, which kept no
    /// outcome.
    Repeats(Option<R>),
}

impl<R> Claim<R> {
    /// For requests that servers of the release before carry out without a key. `Err`: the outcome of the first.
    pub(crate) fn first<E: From<KeyRefusal>>(self) -> Result<Result<Kept, R>, Failure<E>> {
        match self {
            Self::First(kept) => Ok(Ok(kept)),
            Self::Repeats(Some(outcome)) => Ok(Err(outcome)),
            Self::Repeats(None) => Err(Failure(KeyRefusal::InProgress.into())),
        }
    }
}

/// The place for the outcome of a request, which may have no key.
#[must_use = "the outcome is to be kept"]
pub(crate) struct Kept(Option<Place>);

struct Place {
    request: Idempotency,
    at: Timestamp,
}

/// What servers of the release before read of a row.
#[derive(Default)]
pub(crate) struct ForOldServers<'a> {
    pub(crate) order: Option<OrderId>,
    pub(crate) payment: Option<&'a Payment>,
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
    #[diesel(sql_type = Bool)]
    is_placement: bool,
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
    let Some(known) = find(connection, request, at).await? else {
        let first = || Claim::First(Kept(Some(Place { request: request.clone(), at })));
        return is_locked.then(first).ok_or(Failure(KeyRefusal::InProgress.into()));
    };
    if known.is_placement || known.request_fingerprint != fingerprint_of(request) {
        return Err(Failure(KeyRefusal::Reused.into()));
    }
    let row = RowOf { table: "idempotency_keys", id: request.key.as_str() };
    let parsed = |outcome: String| {
        // Without the error's text, which may repeat a secret.
        let outcome = serde_json::from_str(&outcome).map_err(|error| format!("is no outcome: {:?}", error.classify()));
        row.read("outcome", outcome)
    };
    Ok(Claim::Repeats(known.outcome.map(parsed).transpose()?))
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
        "SELECT request_fingerprint, outcome, false AS is_placement FROM idempotency_keys \
         WHERE caller_id = $1 AND key = $2 AND recorded_at >= $3 \
         UNION ALL \
         SELECT request_fingerprint, NULL, true FROM orders \
         WHERE customer_id = $1 AND idempotency_key = $2 AND created_at >= $3",
    )
    .bind::<SqlUuid, _>(request.caller.as_uuid())
    .bind::<Text, _>(request.key.as_str())
    .bind::<Timestamptz, _>(IdempotencyKey::forgotten_before(at))
    .load(connection)
    .rows("idempotency.find")
    .await?;
    Ok(known.into_iter().next())
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
        old: ForOldServers<'_>,
    ) -> Result<(), Failure<E>>
    where
        E: From<KeyRefusal> + From<Unavailable>,
    {
        let Some(Place { request, at }) = self.0 else { return Ok(()) };
        let outcome = serde_json::to_string(outcome).map_err(Unavailable::new)?;
        // A row that has expired gives way.
        let kept = sql_query(
            "INSERT INTO idempotency_keys AS k \
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
        .bind::<Text, _>(outcome)
        .bind::<Nullable<SqlUuid>, _>(old.order.map(OrderId::as_uuid))
        .bind::<Nullable<SqlUuid>, _>(old.payment.map(|payment| payment.id.as_uuid()))
        .bind::<Nullable<Text>, _>(old.payment.map(|payment| payment.status.as_str()))
        .bind::<Timestamptz, _>(IdempotencyKey::forgotten_before(at))
        .execute(connection)
        .changes("idempotency.keep")
        .await?;
        // Servers of the release before take no lock: one of them was faster.
        if kept == 1 { Ok(()) } else { Err(Failure(KeyRefusal::InProgress.into())) }
    }
}
