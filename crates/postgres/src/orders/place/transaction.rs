//! Placing a batch of orders in one transaction of two round trips.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use comanda_domain::{
    AcceptOrders, AccountId, Currency, Filled, Idempotency, IdempotencyKey, NewOrder, Order, OrderNumber, OrderStatus,
    OrderWithLines, Refusal, UnpaidOrders, allocate_within_limits,
    ports::{Idempotent, PlaceOrderError, Unavailable},
};
use diesel::{
    QueryResult,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{future::OptionFuture, join};
use uuid::Uuid;

use super::{
    definitions::Definitions,
    locked_stock::LockedStock,
    replays::{InUse, KnownKey, Replays},
    statements::{CountUnpaidOrders, FindKeys, ForgetKeys, LockCustomersAndKeys},
    turn,
    write::{self, Written, write_and_commit},
};
use crate::{
    database::{Failures, MayCollide, Named, NamedRows, flush_log},
    orders::stock::{ReadAndLockCounted, ReadAndLockSupplies, StockRow, SupplyRow},
};

pub(super) type Decision = Result<Idempotent<OrderWithLines>, PlaceOrderError>;

/// The outcome of a batch.
pub(super) struct Decided {
    /// One per order.
    pub(super) decisions: Vec<Decision>,
    /// Whether the availability of a menu item, as customers see it, has changed.
    pub(super) menu_changed: bool,
    /// By which commit orders were placed; `None` if none was. What a crash can still undo MUST be flushed before
    /// anybody is told.
    pub(super) placed_by: Option<Commit>,
    /// Whether another server was placing orders; never so in a turn.
    pub(super) met_another: bool,
    /// How long the commit waited for the disk, if it did.
    pub(super) flush_took: Option<Duration>,
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commit {
    /// For the disk, with all locks held.
    Flushed,
    /// For nothing.
    Unflushed,
}

/// What is the same for every batch.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) currency: Currency,
    pub(super) accept: AcceptOrders,
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
    /// The definitions of these menu items are not those of the copy. Nothing was committed.
    Outdated(Vec<Uuid>),
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
            DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, ref information)
                if information.constraint_name() == Some("all_rows") =>
            {
                Self::Conflict
            }
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

/// Prepares every statement. A statement is sent once it is prepared: one that is prepared in the middle of a batch
/// runs after those behind it, and could lock customers after menu items, or write after the commit.
pub(super) async fn prepare(connection: &AsyncPgConnection, accept: AcceptOrders) -> QueryResult<()> {
    let mut connection = connection;
    let locked = LockCustomersAndKeys { customers: &[], callers: &[], keys: &[] }.load::<InUse>(&mut connection);
    locked.rows("order.place.lock_customers").await?;
    let counted = CountUnpaidOrders { customers: &[] }.load::<UnpaidRow>(&mut connection);
    counted.rows("order.place.count_unpaid").await?;
    let stock = ReadAndLockCounted { items: &[] }.load::<StockRow>(&mut connection);
    stock.rows("order.place.lock_stock").await?;
    let supplies = ReadAndLockSupplies { supplies: &[] }.load::<SupplyRow>(&mut connection);
    supplies.rows("order.place.lock_supplies").await?;
    let known = FindKeys { callers: &[], keys: &[], forgotten_before: &[] }.load::<KnownKey>(&mut connection);
    known.rows("order.place.find_keys").await?;
    write::prepare(connection, accept).await?;
    turn::prepare(connection).await
}

/// Decides every order, in order of arrival. When this fails before the commit, the caller rolls back. `committing` is
/// set once it is unknown whether the orders are placed, until this returns.
pub(super) async fn place(
    connection: &AsyncPgConnection,
    terms: Terms,
    definitions: &Definitions,
    orders: &[&NewOrder],
    begun: Begun,
    commit: Commit,
    committing: &AtomicBool,
) -> Result<Decided, BatchError> {
    let Terms { currency, accept } = terms;
    let Read { stock, in_use, known, unpaid, met_another } =
        read(connection, currency, definitions, orders, begun).await?;
    let mut replays = Replays::read(connection, currency, orders, &in_use, known).await?;
    if !replays.forgotten.is_empty() {
        return Err(forget(connection, &replays.forgotten).await);
    }
    replays.refuse_unreadable(&stock, orders);

    let fresh: Vec<&NewOrder> =
        orders.iter().zip(&replays.decisions).filter(|(_, replay)| replay.is_none()).map(|(order, _)| *order).collect();
    let allocation = allocate_within_limits(&stock.on_hand, currency, fresh.iter().copied(), unpaid);
    let filled: Vec<(&NewOrder, &Filled)> = fresh
        .iter()
        .zip(&allocation.decisions)
        .filter_map(|(order, decision)| decision.as_ref().ok().map(|filled| (*order, filled)))
        .collect();

    let Written { numbers, menu_changed, flush_took } = if filled.is_empty() {
        // There is nothing to commit, and a rollback does not wait for the disk. What another server has placed does,
        // as it may not be there yet.
        (&mut &*connection).batch_execute("ROLLBACK").await?;
        if replays.decisions.iter().flatten().any(Result::is_ok) {
            flush_log(connection).await?;
        }
        Written::default()
    } else {
        // Until it is known that nothing was sent, or what became of it.
        committing.store(true, Ordering::Relaxed);
        let written = write_and_commit(connection, &stock, &allocation.taken, &filled, commit, accept).await;
        if !matches!(written, Err(BatchError::CommitUnknown(_))) {
            committing.store(false, Ordering::Relaxed);
        }
        written?
    };

    let placed_by = (!filled.is_empty()).then_some(commit);
    let mut fresh_decisions = fresh.iter().zip(allocation.decisions).map(|(order, decision)| match decision {
        Ok(filled) => Ok(placed(order, filled, accept.first_status(), &numbers)),
        Err(refusal) => Err(refuse(refusal)),
    });
    let missing = || Err(PlaceOrderError::Unavailable(Unavailable::new("the order was not decided")));
    let replays = replays.decisions.into_iter();
    let decisions = replays.map(|replay| replay.unwrap_or_else(|| fresh_decisions.next().unwrap_or_else(missing)));
    Ok(Decided { decisions: decisions.collect(), menu_changed, placed_by, met_another, flush_took })
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
    definitions: &Definitions,
    orders: &[&NewOrder],
    begun: Begun,
) -> Result<Read, BatchError> {
    let items: BTreeSet<Uuid> =
        orders.iter().flat_map(|order| order.basket.lines()).map(|line| line.menu_item_id.as_uuid()).collect();
    let items: Vec<Uuid> = items.into_iter().collect();
    let supplies = definitions.supplies_of(orders.iter().flat_map(|order| order.basket.lines()));
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
    let (mut fourth, mut fifth, mut sixth) = (connection, connection, connection);
    // Idempotency keys are looked up once the locks are held: if another server is placing an order with the same key,
    // it names the same menu items, so its order is committed by then.
    //
    // Customers are locked, and their orders counted, before menu items are locked, so that whoever waits for a
    // customer does not keep others from the stock, and nor does the count. It is a statement of its own, which sees
    // what was committed while the lock was waited for.
    let (begun, is_free, locked, counted, rows, of_supplies, known) = join!(
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
        ReadAndLockCounted { items: &items }.load::<StockRow>(&mut second).rows("order.place.lock_stock"),
        OptionFuture::from((!supplies.is_empty()).then(|| {
            ReadAndLockSupplies { supplies: &supplies }.load::<SupplyRow>(&mut sixth).rows("order.place.lock_supplies")
        })),
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
    let of_supplies = failures.take(of_supplies.transpose()).flatten().unwrap_or_default();
    let known = failures.take(known.transpose()).flatten().unwrap_or_default();
    if let Some(error) = failures.first() {
        return Err(error.into());
    }

    let stock = LockedStock::new(rows, of_supplies, definitions, currency).map_err(BatchError::Outdated)?;
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

fn placed(
    order: &NewOrder,
    filled: Filled,
    status: OrderStatus,
    numbers: &HashMap<Uuid, i64>,
) -> Idempotent<OrderWithLines> {
    let number = numbers.get(&order.id.as_uuid()).copied().unwrap_or_default();
    let outcome = OrderWithLines {
        order: Order {
            id: order.id,
            number: OrderNumber::new(u64::try_from(number).unwrap_or_default()),
            status,
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
        Refusal::InvalidSelections(faults) => PlaceOrderError::InvalidSelections(faults),
        Refusal::InsufficientStock(shortages) => PlaceOrderError::InsufficientStock(shortages),
        Refusal::Total(_) => PlaceOrderError::TotalTooLarge,
        Refusal::Limit(reached) => PlaceOrderError::LimitReached(reached),
    }
}
