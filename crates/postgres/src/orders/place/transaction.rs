//! Placing a batch of orders in one transaction of three round trips.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
};

use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, Availability, Currency, Filled, Idempotency, IdempotencyKey, MenuItemId, MenuItemName, NewOrder, Note,
    Order, OrderNumber, OrderStatus, OrderWithLines, Price, Refusal, StockOnHand, StockedItem, UnpaidOrders,
    allocate_within_limits,
    ports::{Idempotent, PlaceOrderError, Readable, Unavailable, UnreadableRecord},
};
use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{future::OptionFuture, join};
use uuid::Uuid;

use super::{
    replays::{InUse, KnownKey, Replays},
    statements::{
        CountUnpaidOrders, FindKeys, ForgetKeys, InsertLines, InsertOrders, InsertPlacedEvents, InsertSoldOutEvents,
        LockCustomersAndKeys,
    },
    turn,
};
use crate::{
    database::{Failures, MayCollide, Named, NamedRows, RowOf},
    idempotency::fingerprint_of,
    menu::raise_menu_version,
    orders::stock::{ChangeStock, ReadAndLockStock, StockRow},
};

pub(super) type Decision = Result<Idempotent<OrderWithLines>, PlaceOrderError>;

/// The outcome of a batch.
pub(super) struct Decided {
    /// One per order.
    pub(super) decisions: Vec<Decision>,
    /// Whether the availability of a menu item, as customers see it, has changed.
    pub(super) menu_changed: bool,
    /// Whether any order was placed.
    pub(super) is_committed: bool,
    /// Whether another server was placing orders; never so in a turn.
    pub(super) met_another: bool,
}

/// Whether the transaction of a batch has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begun {
    No,
    /// With a turn.
    InTurn,
}

/// Why no order of the batch was decided.
pub(super) enum BatchError {
    /// A row had changed although it was locked: another program broke the rules. Nothing was committed.
    Conflict,
    /// Idempotency keys of the batch had expired and were deleted. Nothing else was committed.
    KeysForgotten,
    /// PostgreSQL ended the transaction for the sake of another one. Nothing was committed.
    Collision,
    /// An order violates a constraint. Nothing was committed.
    Rejected(DieselError),
    /// The database failed. Nothing was committed.
    Broken(Unavailable),
    /// The database failed during the commit.
    CommitUnknown(Unavailable),
}

impl From<DieselError> for BatchError {
    fn from(error: DieselError) -> Self {
        match error {
            DieselError::DatabaseError(
                DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation,
                _,
            ) => Self::Rejected(error),
            error if error.is_collision() => Self::Collision,
            error => Self::Broken(Unavailable::new(error)),
        }
    }
}

impl From<Unavailable> for BatchError {
    fn from(error: Unavailable) -> Self {
        Self::Broken(error)
    }
}

/// Prepares the statements that not every batch needs. A statement is sent once it is prepared, so that one which is
/// prepared in the middle of a batch would run after those behind it: customers would be locked after menu items.
pub(super) async fn prepare(connection: &AsyncPgConnection) -> QueryResult<()> {
    let mut connection = connection;
    let locked = LockCustomersAndKeys { customers: &[], callers: &[], keys: &[] }.load::<InUse>(&mut connection);
    locked.rows("order.place.lock_customers").await?;
    let counted = CountUnpaidOrders { customers: &[] }.load::<UnpaidRow>(&mut connection);
    counted.rows("order.place.count_unpaid").await?;
    turn::prepare(connection).await
}

/// Decides every order, in order of arrival. When this fails before the commit, the caller rolls back. `committing` is
/// set once it is unknown whether the orders are placed, until this returns.
pub(super) async fn place(
    connection: &AsyncPgConnection,
    currency: Currency,
    orders: &[&NewOrder],
    begun: Begun,
    committing: &AtomicBool,
) -> Result<Decided, BatchError> {
    let Read { stock, in_use, known, unpaid, met_another } = read(connection, currency, orders, begun).await?;
    let mut replays = Replays::read(connection, currency, orders, &in_use, known).await?;
    if !replays.forgotten.is_empty() {
        return Err(forget(connection, &replays.forgotten).await);
    }
    replays.refuse_unreadable(&stock, orders);

    let fresh: Vec<&NewOrder> =
        orders.iter().zip(&replays.decisions).filter(|(_, replay)| replay.is_none()).map(|(order, _)| *order).collect();
    let allocation = allocate_within_limits(&stock.items, currency, fresh.iter().copied(), unpaid);
    let taken: Vec<(MenuItemId, u32)> = allocation.taken.into_iter().collect();
    let filled: Vec<(&NewOrder, &Filled)> = fresh
        .iter()
        .zip(&allocation.decisions)
        .filter_map(|(order, decision)| decision.as_ref().ok().map(|filled| (*order, filled)))
        .collect();

    let sold_out = stock.sold_out_by(&taken);
    let menu_changed = taken.iter().any(|(id, quantity)| stock.changes_availability(*id, *quantity));
    let is_committed = !filled.is_empty();
    let numbers = if filled.is_empty() {
        // There is nothing to commit, and a rollback does not wait for the disk.
        (&mut &*connection).batch_execute("ROLLBACK").await?;
        HashMap::new()
    } else {
        let numbers = write(connection, &stock, &taken, &filled, menu_changed, &sold_out).await?;
        // Awaited alone: a commit that is sent along with statements that still have to be prepared overtakes them, and
        // they run outside the transaction.
        committing.store(true, Ordering::Relaxed);
        (&mut &*connection)
            .batch_execute("COMMIT")
            .one("order.place.commit")
            .await
            .map_err(|error| BatchError::CommitUnknown(Unavailable::new(error)))?;
        numbers
    };

    let mut fresh_decisions = fresh.iter().zip(allocation.decisions).map(|(order, decision)| match decision {
        Ok(filled) => Ok(placed(order, filled, &numbers)),
        Err(refusal) => Err(refuse(refusal)),
    });
    let missing = || Err(PlaceOrderError::Unavailable(Unavailable::new("the order was not decided")));
    let replays = replays.decisions.into_iter();
    let decisions = replays.map(|replay| replay.unwrap_or_else(|| fresh_decisions.next().unwrap_or_else(missing)));
    Ok(Decided { decisions: decisions.collect(), menu_changed, is_committed, met_another })
}

/// The menu items of a batch as they were when their rows were locked.
pub(super) struct LockedStock {
    items: StockOnHand,
    versions: HashMap<MenuItemId, i64>,
    low_stock_thresholds: HashMap<MenuItemId, u32>,
    /// They concern the orders that name them, and no others.
    pub(super) unreadable: HashMap<MenuItemId, UnreadableRecord>,
}

/// A menu item and its low-stock threshold.
fn stocked(
    (id, _, on_hand, low_stock_at, price, name, on_sale): &StockRow,
    currency: Currency,
) -> Readable<(StockedItem, u32)> {
    let row = RowOf { table: "menu_items", id };
    let item = StockedItem {
        name: MenuItemName::stored(name),
        price: row.read("price", Price::new(*price, currency))?,
        stock: row.read("stock", u32::try_from(*on_hand))?,
        on_sale: *on_sale,
    };
    Ok((item, row.read("low_stock_at", u32::try_from(*low_stock_at))?))
}

impl LockedStock {
    /// Whether taking this quantity changes the item's availability as customers see it.
    fn changes_availability(&self, id: MenuItemId, quantity: u32) -> bool {
        let (Some(item), Some(low)) = (self.items.get(&id), self.low_stock_thresholds.get(&id)) else { return false };
        Availability::of(item.stock, *low) != Availability::of(item.stock.saturating_sub(quantity), *low)
    }

    /// The menu items that sell out when these quantities are taken.
    fn sold_out_by(&self, taken: &[(MenuItemId, u32)]) -> Vec<Uuid> {
        let last = |(id, quantity): &&(MenuItemId, u32)| self.items.get(id).is_some_and(|item| item.stock == *quantity);
        taken.iter().filter(last).map(|(id, _)| id.as_uuid()).collect()
    }
}

/// A customer, the number of their open unpaid orders, and the quantity in those.
type UnpaidRow = (Uuid, i64, i64);

/// What the decisions are made from.
struct Read {
    stock: LockedStock,
    /// Keys under which another request is being carried out.
    in_use: HashSet<InUse>,
    known: Vec<KnownKey>,
    /// Of those customers who have limits.
    unpaid: HashMap<AccountId, UnpaidOrders>,
    met_another: bool,
}

/// The first round trip, or the one after the turn.
async fn read(
    connection: &AsyncPgConnection,
    currency: Currency,
    orders: &[&NewOrder],
    begun: Begun,
) -> Result<Read, BatchError> {
    let items: BTreeSet<Uuid> =
        orders.iter().flat_map(|order| order.basket.lines()).map(|line| line.menu_item_id.as_uuid()).collect();
    let items: Vec<Uuid> = items.into_iter().collect();
    let requests: Vec<&Idempotency> = orders.iter().filter_map(|order| order.idempotency.as_ref()).collect();
    let callers: Vec<Uuid> = requests.iter().map(|request| request.caller.as_uuid()).collect();
    let keys: Vec<&str> = requests.iter().map(|request| request.key.as_str()).collect();
    let keyed = orders.iter().filter(|order| order.idempotency.is_some());
    let forgotten_before: Vec<DateTime<Utc>> =
        keyed.map(|order| IdempotencyKey::forgotten_before(order.placed_at)).collect();

    let limited: BTreeSet<Uuid> =
        orders.iter().filter(|order| !order.limits.is_none()).map(|order| order.customer_id.as_uuid()).collect();
    let limited: Vec<Uuid> = limited.into_iter().collect();

    let (mut first, mut second, mut third) = (connection, connection, connection);
    let (mut fourth, mut fifth) = (connection, connection);
    // Idempotency keys are looked up once the locks are held: if another server is placing an order with the same key,
    // it names the same menu items, so its order is committed by then.
    //
    // Customers are locked, and their orders counted, before menu items are locked, so that whoever waits for a
    // customer does not keep others from the stock, and nor does the count. It is a statement of its own, which sees
    // what was committed while the lock was waited for.
    let (begun, is_free, locked, counted, rows, known) = join!(
        OptionFuture::from((begun == Begun::No).then(|| first.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED"))),
        OptionFuture::from((begun == Begun::No).then(|| turn::take_if_free(connection))),
        OptionFuture::from((!limited.is_empty() || !keys.is_empty()).then(|| {
            LockCustomersAndKeys { customers: &limited, callers: &callers, keys: &keys }
                .load::<InUse>(&mut fourth)
                .rows("order.place.lock_customers")
        })),
        OptionFuture::from((!limited.is_empty()).then(|| {
            CountUnpaidOrders { customers: &limited }.load::<UnpaidRow>(&mut fifth).rows("order.place.count_unpaid")
        })),
        ReadAndLockStock { items: &items }.load::<StockRow>(&mut second).rows("order.place.lock_stock"),
        OptionFuture::from((!keys.is_empty()).then(|| {
            FindKeys { callers: &callers, keys: &keys, forgotten_before: &forgotten_before }
                .load::<KnownKey>(&mut third)
                .rows("order.place.find_keys")
        })),
    );
    let mut failures = Failures::default();
    failures.take(begun.transpose());
    let is_free = failures.take(is_free.transpose()).flatten();
    let in_use = failures.take(locked.transpose()).flatten().unwrap_or_default().into_iter().collect();
    let counted = failures.take(counted.transpose()).flatten().unwrap_or_default();
    let rows = failures.take(rows).unwrap_or_default();
    let known = failures.take(known.transpose()).flatten().unwrap_or_default();
    if let Some(error) = failures.first() {
        return Err(error.into());
    }

    let mut stock = LockedStock {
        items: StockOnHand::new(),
        versions: HashMap::new(),
        low_stock_thresholds: HashMap::new(),
        unreadable: HashMap::new(),
    };
    for row in rows {
        let (id, version) = (MenuItemId::new(row.0), row.1);
        match stocked(&row, currency) {
            Ok((item, low_stock_at)) => {
                stock.items.insert(id, item);
                stock.versions.insert(id, version);
                stock.low_stock_thresholds.insert(id, low_stock_at);
            }
            Err(record) => {
                stock.unreadable.insert(id, record);
            }
        }
    }
    // Beyond the limits, the exact numbers make no difference.
    let capped = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
    let unpaid = counted.into_iter().map(|(customer, orders, quantity)| {
        (AccountId::new(customer), UnpaidOrders { orders: capped(orders), quantity: capped(quantity) })
    });
    Ok(Read { stock, in_use, known, unpaid: unpaid.collect(), met_another: is_free == Some(false) })
}

/// Deletes expired keys in a transaction of its own. Cancelling locks the rows of orders before those of menu items, so
/// locking orders here, after the menu items, could end in a deadlock.
async fn forget(connection: &AsyncPgConnection, orders: &[Uuid]) -> BatchError {
    let mut connection = connection;
    let freed = async {
        connection.batch_execute("ROLLBACK").await?;
        ForgetKeys { orders }.execute(&mut connection).changes("order.place.forget_keys").await
    };
    freed.await.map_or_else(BatchError::from, |_| BatchError::KeysForgotten)
}

/// The second round trip. Returns the orders' numbers.
async fn write(
    connection: &AsyncPgConnection,
    stock: &LockedStock,
    taken: &[(MenuItemId, u32)],
    filled: &[(&NewOrder, &Filled)],
    menu_changed: bool,
    sold_out: &[Uuid],
) -> Result<HashMap<Uuid, i64>, BatchError> {
    let items: Vec<Uuid> = taken.iter().map(|(id, _)| id.as_uuid()).collect();
    let versions: Vec<i64> = taken.iter().map(|(id, _)| stock.versions.get(id).copied().unwrap_or_default()).collect();
    // Never more than the stock, which is a 32-bit column.
    let quantities_taken: Vec<i32> = taken.iter().map(|(_, n)| i32::try_from(*n).unwrap_or(i32::MAX)).collect();

    let ids: Vec<Uuid> = filled.iter().map(|(order, _)| order.id.as_uuid()).collect();
    let customers: Vec<Uuid> = filled.iter().map(|(order, _)| order.customer_id.as_uuid()).collect();
    let totals: Vec<i64> = filled.iter().map(|(_, filled)| filled.total.amount()).collect();
    let line_counts: Vec<i16> = filled.iter().map(|(_, filled)| small(filled.lines.len())).collect();
    let notes: Vec<Option<&str>> = filled.iter().map(|(order, _)| order.note.as_ref().map(Note::as_str)).collect();
    let placed_at: Vec<DateTime<Utc>> = filled.iter().map(|(order, _)| order.placed_at).collect();
    let requests = || filled.iter().map(|(order, _)| order.idempotency.as_ref());
    let keys: Vec<Option<&str>> = requests().map(|request| request.map(|r| r.key.as_str())).collect();
    let fingerprints: Vec<Option<Uuid>> = requests().map(|request| request.map(fingerprint_of)).collect();

    let lines = || {
        filled.iter().flat_map(|(order, filled)| {
            filled.lines.iter().enumerate().map(|(position, line)| (order.id, small(position), line))
        })
    };
    let line_orders: Vec<Uuid> = lines().map(|(order, _, _)| order.as_uuid()).collect();
    let positions: Vec<i16> = lines().map(|(_, position, _)| position).collect();
    let line_items: Vec<Uuid> = lines().map(|(_, _, line)| line.menu_item_id.as_uuid()).collect();
    let quantities: Vec<i32> = lines().map(|(_, _, line)| i32::from(small(line.quantity.get() as usize))).collect();
    let unit_prices: Vec<i64> = lines().map(|(_, _, line)| line.unit_price.amount()).collect();
    let names: Vec<&str> = lines().map(|(_, _, line)| line.name.as_str()).collect();
    let line_notes: Vec<Option<&str>> = lines().map(|(_, _, line)| line.note.as_ref().map(Note::as_str)).collect();

    let sold_out_at = vec![placed_at.iter().max().copied().unwrap_or_default(); sold_out.len()];
    let (mut c1, mut c2, mut c3, mut c4, mut c5) = (connection, connection, connection, connection, connection);
    let (took, numbered, written, announced, raised, sold_out_announced) = join!(
        ChangeStock { items: &items, versions: &versions, quantity: &quantities_taken }
            .execute(&mut c1)
            .changes("order.place.take_stock"),
        InsertOrders {
            ids: &ids,
            customers: &customers,
            totals: &totals,
            line_counts: &line_counts,
            notes: &notes,
            placed_at: &placed_at,
            keys: &keys,
            fingerprints: &fingerprints,
        }
        .load::<(Uuid, i64)>(&mut c2)
        .rows("order.place.insert_orders"),
        InsertLines {
            orders: &line_orders,
            positions: &positions,
            items: &line_items,
            quantities: &quantities,
            unit_prices: &unit_prices,
            names: &names,
            notes: &line_notes,
        }
        .execute(&mut c3)
        .changes("order.place.insert_lines"),
        InsertPlacedEvents { orders: &ids, placed_at: &placed_at }
            .execute(&mut c4)
            .changes("order.place.insert_events"),
        OptionFuture::from(menu_changed.then(|| raise_menu_version(connection))),
        OptionFuture::from((!sold_out.is_empty()).then(|| {
            InsertSoldOutEvents { items: sold_out, sold_out_at: &sold_out_at }
                .execute(&mut c5)
                .changes("order.place.insert_sold_out")
        })),
    );
    let mut failures = Failures::default();
    let took = failures.take(took);
    if took.is_some_and(|took| took != items.len()) {
        return Err(BatchError::Conflict);
    }
    let numbers = failures.take(numbered).unwrap_or_default();
    let written = (failures.take(written), failures.take(announced));
    failures.take(raised.transpose());
    failures.take(sold_out_announced.transpose());
    match failures.first() {
        Some(error) => Err(error.into()),
        None if written != (Some(line_orders.len()), Some(ids.len())) => Err(BatchError::Conflict),
        None => Ok(numbers.into_iter().collect()),
    }
}

/// Line numbers, line counts and quantities are at most a hundred.
fn small(number: usize) -> i16 {
    i16::try_from(number).unwrap_or(i16::MAX)
}

fn placed(order: &NewOrder, filled: Filled, numbers: &HashMap<Uuid, i64>) -> Idempotent<OrderWithLines> {
    let number = numbers.get(&order.id.as_uuid()).copied().unwrap_or_default();
    let outcome = OrderWithLines {
        order: Order {
            id: order.id,
            number: OrderNumber::new(u64::try_from(number).unwrap_or_default()),
            status: OrderStatus::Pending,
            total: filled.total,
            line_count: u32::try_from(filled.lines.len()).unwrap_or(u32::MAX),
            note: order.note.clone(),
            customer_id: order.customer_id,
            created_at: order.placed_at,
            updated_at: order.placed_at,
            version: 1,
        },
        lines: filled.lines,
    };
    Idempotent { outcome, replayed: false }
}

fn refuse(refusal: Refusal) -> PlaceOrderError {
    match refusal {
        Refusal::UnknownItems(lines) => PlaceOrderError::UnknownItems(lines),
        Refusal::InsufficientStock(shortages) => PlaceOrderError::InsufficientStock(shortages),
        Refusal::Total(_) => PlaceOrderError::TotalTooLarge,
        Refusal::Limit(reached) => PlaceOrderError::LimitReached(reached),
    }
}
