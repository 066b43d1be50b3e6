//! Cancelling an order.

use std::{collections::BTreeMap, sync::Arc};

use comanda_domain::{
    Availability, Currency, IdempotencyKey, Order, OrderId, OrderStatus, OrderWithLines,
    ports::{CancelOrderError, Cancellation, Idempotent, MenuObserver, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    advance::{Transition, write_transition},
    load::load,
    stock::{ChangeStock, ReadAndLockStock, StockRow},
};
use crate::{
    Database,
    database::{
        Failure, Named, NamedRows,
        schema::{idempotency_keys, orders},
        spawn_transaction,
    },
    menu::raise_menu_version,
    operations::write_record,
    order_row::lock_order,
    payments::cancel_with_order,
};

pub(super) type CancelFailure = Failure<CancelOrderError>;

pub(super) async fn cancel(
    database: &Database,
    cancellation: Cancellation,
    observer: Arc<dyn MenuObserver>,
) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
    let own = database.clone();
    spawn_transaction(database, async move {
        let (currency, id) = (own.currency(), cancellation.order_id);
        let mut connection = own.connection().await?;
        let (replayed, menu_changed) = connection
            .transaction::<_, CancelFailure, _>(async |connection| {
                if claim_key(connection, &cancellation).await? == Key::AlreadyUsedForThis {
                    return Ok((true, false));
                }
                Ok((false, cancel_locked(connection, currency, &cancellation).await?))
            })
            .await
            .map_err(|failure| failure.0)?;
        if menu_changed {
            observer.menu_changed();
        }
        // A cancelled order does not change any more, so that a repeated request reads what the first one was answered
        // with.
        let outcome = load(&connection, currency, &[id]).await?.remove(&id).ok_or(CancelOrderError::NotFound)?;
        let outcome = outcome.map_err(Unavailable::from)?;
        Ok(Idempotent { outcome, replayed })
    })
    .await
}

#[derive(PartialEq, Eq)]
enum Key {
    Claimed,
    AlreadyUsedForThis,
}

/// Records the request's idempotency key. While another request with the same key is running, this one waits for it.
async fn claim_key(connection: &mut AsyncPgConnection, cancellation: &Cancellation) -> Result<Key, CancelFailure> {
    let Some(request) = &cancellation.idempotency else { return Ok(Key::Claimed) };
    let (caller, key) = (request.caller.as_uuid(), request.key.as_str());
    let fingerprint = Uuid::from_bytes(*request.fingerprint.as_bytes());
    let forgotten_before = IdempotencyKey::forgotten_before(cancellation.cancelled_at);

    let places_an_order = orders::table
        .filter(orders::customer_id.eq(caller).and(orders::idempotency_key.eq(key)))
        .filter(orders::created_at.ge(forgotten_before));
    if diesel::select(diesel::dsl::exists(places_an_order))
        .get_result::<bool>(connection)
        .one("order.cancel.find_placement")
        .await?
    {
        return Err(Failure(CancelOrderError::KeyReused));
    }
    diesel::delete(idempotency_keys::table)
        .filter(idempotency_keys::caller_id.eq(caller).and(idempotency_keys::recorded_at.lt(forgotten_before)))
        .execute(connection)
        .changes("order.cancel.forget_keys")
        .await?;
    let claimed = diesel::insert_into(idempotency_keys::table)
        .values((
            idempotency_keys::caller_id.eq(caller),
            idempotency_keys::order_id.eq(cancellation.order_id.as_uuid()),
            idempotency_keys::request_fingerprint.eq(fingerprint),
            idempotency_keys::recorded_at.eq(cancellation.cancelled_at),
            idempotency_keys::key.eq(key),
        ))
        .on_conflict_do_nothing()
        .execute(connection)
        .changes("order.cancel.insert_key")
        .await;
    match claimed {
        Ok(1) => return Ok(Key::Claimed),
        Ok(_) => {}
        // The order does not exist.
        Err(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::ForeignKeyViolation, _)) => {
            return Err(Failure(CancelOrderError::NotFound));
        }
        Err(error) => return Err(error.into()),
    }
    let first: Uuid = idempotency_keys::table
        .find((caller, key))
        .select(idempotency_keys::request_fingerprint)
        .first(connection)
        .one("order.cancel.find_key")
        .await?;
    if first == fingerprint { Ok(Key::AlreadyUsedForThis) } else { Err(Failure(CancelOrderError::KeyReused)) }
}

/// Returns whether the menu shows a menu item differently now.
async fn cancel_locked(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    cancellation: &Cancellation,
) -> Result<bool, CancelFailure> {
    // The order's row first: when two requests cancel at once, the second waits here and then finds the order
    // cancelled.
    let order = lock_order(connection, currency, cancellation.order_id)
        .await?
        .filter(|order| cancellation.scope.admits(order.customer_id))
        .ok_or(Failure(CancelOrderError::NotFound))?;
    write_cancellation(connection, &order, cancellation).await
}

/// Cancels an order that is locked, with its payments, and returns its stock. Returns whether the menu shows a menu
/// item differently now.
pub(super) async fn write_cancellation(
    connection: &mut AsyncPgConnection,
    order: &Order,
    cancellation: &Cancellation,
) -> Result<bool, CancelFailure> {
    if !order.status.can_be_cancelled_by(cancellation.by) {
        return Err(Failure(CancelOrderError::InvalidTransition { from: order.status }));
    }
    let (to, at) = (OrderStatus::Cancelled, cancellation.cancelled_at);
    write_transition(connection, &Transition { order, to, at }).await?;
    if let Some(reason) = &cancellation.reason {
        diesel::update(orders::table.find(order.id.as_uuid()))
            .set(orders::cancel_reason.eq(reason.as_str()))
            .execute(connection)
            .changes("order.cancel")
            .await?;
    }
    if let Some(record) = cancellation.audit_record(order) {
        write_record(connection, &record).await?;
    }
    let currency = order.total.currency();
    cancel_with_order(connection, currency, order.id, cancellation.refund_id, at).await?;
    return_stock(connection, currency, order.id).await
}

/// Says whether the availability of a menu item, as customers see it, has changed.
async fn return_stock(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    id: OrderId,
) -> Result<bool, CancelFailure> {
    let lines = load(connection, currency, &[id]).await?.remove(&id).transpose()?;
    let lines = lines.map(|found| found.lines).unwrap_or_default();
    let mut returned: BTreeMap<Uuid, i32> = BTreeMap::new();
    for line in lines {
        // At most fifty lines with a quantity of at most a hundred.
        *returned.entry(line.menu_item_id.as_uuid()).or_default() += i32::try_from(line.quantity.get()).unwrap_or(0);
    }
    let items: Vec<Uuid> = returned.keys().copied().collect();
    let quantity: Vec<i32> = returned.values().map(|quantity| -quantity).collect();
    let locked: Vec<StockRow> =
        ReadAndLockStock { items: &items }.load(connection).rows("order.cancel.lock_stock").await?;
    let versions: Vec<i64> = locked.iter().map(|(_, version, ..)| *version).collect();
    let taken = ChangeStock { items: &items, versions: &versions, quantity: &quantity }
        .execute(connection)
        .changes("order.cancel.return_stock")
        .await?;
    if taken != items.len() {
        return Err(Unavailable::new("a locked menu item had changed").into());
    }
    let menu_changed = locked.iter().zip(returned.values()).any(|((_, _, stock, low, ..), returned)| {
        let availability = |stock: i32| Availability::of(stock.unsigned_abs(), low.unsigned_abs());
        availability(*stock) != availability(stock.saturating_add(*returned))
    });
    if menu_changed {
        raise_menu_version(connection).await?;
    }
    Ok(menu_changed)
}
