//! Cancelling an order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use comanda_domain::{
    Availability, CancelledBy, Currency, Order, OrderLine, OrderStatus, OrderWithLines, Timestamp,
    ports::{CancelOrderError, Cancellation, Idempotent, MenuObserver},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::{
    advance::{Transition, move_order},
    lines_of::{OrderLineRow, grouped, line_rows},
    load::{load, with_lines},
    stock::{ChangeStock, ChangeSupplies, ReadAndLockStock, ReadAndLockSupplies, StockRow, SupplyRow, supply_change},
};
use crate::{
    Database,
    database::{Failure, Named, NamedRows, schema::orders, written},
    idempotency::{Claim, ForOldServers, claim},
    menu::{SupplyChange, raise_menu_version, raise_menu_version_for_supplies},
    operations::write_record,
    order_row::{OrderRow, lock_order},
    payments::{cancel_with_order, lock_payments},
    stocked::LedgerEntry,
};

/// What a server of the release before does not say, which would keep what orders took of supplies, and give back what
/// was not counted: a trigger, `supplies_are_given_back`, lets such an order be cancelled by nobody else.
const GIVES_SUPPLIES_BACK: &str = "SELECT set_config('comanda.gives_supplies_back', 'on', true)";

pub(super) type CancelFailure = Failure<CancelOrderError>;

pub(super) async fn cancel(
    database: &Database,
    cancellation: Cancellation,
    observer: Arc<dyn MenuObserver>,
) -> Result<Idempotent<OrderWithLines>, CancelOrderError> {
    let currency = database.currency();
    let (cancelled, menu_changed) =
        database.transaction(async move |connection| cancel_once(connection, currency, &cancellation).await).await?;
    if menu_changed {
        observer.menu_changed();
    }
    Ok(cancelled)
}

/// Returns also whether the menu shows a menu item or an option differently now.
async fn cancel_once(
    connection: &mut AsyncPgConnection,
    currency: Currency,
    cancellation: &Cancellation,
) -> Result<(Idempotent<OrderWithLines>, bool), CancelFailure> {
    let (request, id) = (cancellation.idempotency.as_ref(), cancellation.order_id);
    let kept = match claim::<OrderRow, _>(connection, request, cancellation.cancelled_at).await? {
        Claim::First(kept) => kept,
        Claim::Repeats(row) => {
            let outcome = with_lines(connection, currency, row).await?;
            return Ok((Idempotent { outcome, replayed: true }, false));
        }
        // By a server of the release before. A cancelled order does not change any more.
        Claim::WithoutOutcome(_) => {
            let found = load(connection, currency, &[id]).await?.remove(&id);
            let outcome = found.ok_or(Failure(CancelOrderError::NotFound))??;
            return Ok((Idempotent { outcome, replayed: true }, false));
        }
    };
    // The order's row before anything is written: when two requests cancel at once, the second waits here and then
    // finds the order cancelled.
    let order = lock_order(connection, currency, id)
        .await?
        .filter(|order| cancellation.scope.admits(order.customer_id))
        .ok_or(Failure(CancelOrderError::NotFound))?;
    let Cancelled { row, lines, menu_changed } = write_cancellation(connection, &order, cancellation).await?;
    let old = ForOldServers { order: Some(id), ..ForOldServers::default() };
    kept.keep_for_all(connection, &row, old).await?;
    let outcome = OrderWithLines { order: row.into_order(currency)?, lines };
    Ok((Idempotent { outcome, replayed: false }, menu_changed))
}

/// A cancelled order.
pub(super) struct Cancelled {
    row: OrderRow,
    lines: Vec<OrderLine>,
    /// Whether the menu shows a menu item or an option differently now.
    pub(super) menu_changed: bool,
}

/// Cancels an order that is locked, with its payments, and returns what it took.
pub(super) async fn write_cancellation(
    connection: &mut AsyncPgConnection,
    order: &Order,
    cancellation: &Cancellation,
) -> Result<Cancelled, CancelFailure> {
    let too_late = || Failure(CancelOrderError::InvalidTransition { from: order.status });
    if !order.status.can_be_cancelled_by(cancellation.by) {
        return Err(too_late());
    }
    if let CancelledBy::Operator(which) = cancellation.by {
        let payments = lock_payments(connection, order.total.currency(), order.id).await?;
        if !which.includes(order.status, &payments) {
            return Err(too_late());
        }
    }
    let currency = order.total.currency();
    let rows = line_rows(connection, &[order.id]).await?;
    let items = items_taken_by(&rows);
    let takes_no_stock = rows.iter().any(|line| !line.counted);
    let lines = grouped(rows, currency).remove(&order.id).transpose()?.unwrap_or_default();
    let supplies = supplies_taken_by(&lines);
    if takes_no_stock || !supplies.is_empty() {
        connection.batch_execute(GIVES_SUPPLIES_BACK).one("order.cancel.promise").await?;
    }
    let (to, at) = (OrderStatus::Cancelled, cancellation.cancelled_at);
    let row = move_order(connection, &Transition { order, to, at }).await?;
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
    cancel_with_order(connection, currency, order.id, cancellation.refund_id, at).await?;
    let items_changed = return_stock(connection, &items, at).await?;
    let supplies = return_supplies(connection, &supplies).await?;
    let menu_changed = match items_changed {
        true => raise_menu_version(connection).await.map(|()| true)?,
        false => raise_menu_version_for_supplies(connection, supplies).await?,
    };
    Ok(Cancelled { row, lines, menu_changed })
}

/// What an order took of each menu item: that of lines whose menu item was counted then.
fn items_taken_by(lines: &[OrderLineRow]) -> BTreeMap<Uuid, i32> {
    let mut taken: BTreeMap<Uuid, i32> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.counted) {
        // At most fifty lines with a quantity of at most a hundred.
        let of_item = taken.entry(line.menu_item_id).or_default();
        *of_item = of_item.saturating_add(line.quantity);
    }
    taken
}

/// What an order took of each supply, by its lines: recipes and options may be others by now.
fn supplies_taken_by(lines: &[OrderLine]) -> BTreeMap<Uuid, i32> {
    let mut taken: BTreeMap<Uuid, i32> = BTreeMap::new();
    for (id, amount) in lines.iter().flat_map(|line| &line.taken) {
        // No more than a stock was, which is a 32-bit column.
        let of_supply = taken.entry(id.as_uuid()).or_default();
        *of_supply = of_supply.saturating_add(i32::try_from(*amount).unwrap_or(i32::MAX));
    }
    taken
}

/// Says whether the availability of a menu item, as customers see it, has changed.
async fn return_stock(
    connection: &mut AsyncPgConnection,
    taken: &BTreeMap<Uuid, i32>,
    at: Timestamp,
) -> Result<bool, CancelFailure> {
    if taken.is_empty() {
        return Ok(false);
    }
    let items: Vec<Uuid> = taken.keys().copied().collect();
    let locked: Vec<StockRow> =
        ReadAndLockStock { items: &items }.load(connection).rows("order.cancel.lock_stock").await?;
    let locked: HashMap<Uuid, StockRow> = locked.into_iter().map(|row| (row.0, row)).collect();
    let is_counted = |id: &Uuid| locked.get(id).is_none_or(|(.., is_counted)| *is_counted);
    for (id, quantity) in taken.iter().filter(|(id, _)| !is_counted(id)) {
        // There is nothing to put it back to, and the ledger is to say so.
        LedgerEntry::new(*id, None, at, -quantity, "cancelled order; not counted any more").write(connection).await?;
    }

    let returned: Vec<(Uuid, i32)> = taken.iter().filter(|(id, _)| is_counted(id)).map(|(id, n)| (*id, *n)).collect();
    if returned.is_empty() {
        return Ok(false);
    }
    let items: Vec<Uuid> = returned.iter().map(|(id, _)| *id).collect();
    let quantity: Vec<i32> = returned.iter().map(|(_, quantity)| -quantity).collect();
    // One that is missing has no version, and the statement fails.
    let versions: Vec<i64> = items.iter().map(|id| locked.get(id).map_or(0, |(_, version, ..)| *version)).collect();
    let change = ChangeStock { items: &items, versions: &versions, quantity: &quantity };
    written(change.get_result(connection)).changes("order.cancel.return_stock").await?;
    Ok(returned.iter().filter_map(|(id, n)| Some((locked.get(id)?, n))).any(|(row, returned)| {
        let (_, _, stock, low, ..) = row;
        let availability = |stock: i32| Availability::of(stock.unsigned_abs(), low.unsigned_abs());
        availability(*stock) != availability(stock.saturating_add(*returned))
    }))
}

/// Returns what it has changed. Comes after the menu items. A supply that was archived since gets back what is its own,
/// too.
async fn return_supplies(
    connection: &mut AsyncPgConnection,
    taken: &BTreeMap<Uuid, i32>,
) -> Result<Vec<SupplyChange>, CancelFailure> {
    if taken.is_empty() {
        return Ok(Vec::new());
    }
    let supplies: Vec<Uuid> = taken.keys().copied().collect();
    let locked: Vec<SupplyRow> =
        ReadAndLockSupplies { supplies: &supplies }.load(connection).rows("order.cancel.lock_supplies").await?;
    let locked: HashMap<Uuid, SupplyRow> = locked.into_iter().map(|row| (row.0, row)).collect();
    let amounts: Vec<i32> = taken.values().map(|amount| -amount).collect();
    // As with menu items.
    let versions: Vec<i64> = supplies.iter().map(|id| locked.get(id).map_or(0, |(_, version, ..)| *version)).collect();
    let change = ChangeSupplies { supplies: &supplies, versions: &versions, amounts: &amounts };
    written(change.get_result(connection)).changes("order.cancel.return_supplies").await?;
    Ok(taken.iter().filter_map(|(id, returned)| Some(supply_change(locked.get(id)?, -returned))).collect())
}
