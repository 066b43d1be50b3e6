//! A page of orders, the newest first.

use std::ops::ControlFlow;

use comanda_domain::{
    CalledNumber, Order, OrderId, OrderScope, Page,
    ports::{OrderCriteria, OrdersQuery, Unavailable},
};
use diesel::{
    dsl::{AsSelect, SqlTypeOf, exists, select, sql},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bool, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    Database,
    database::{Named, NamedRows, PageOfRows, schema::orders},
    order_row::OrderRow,
};

/// The highest running count that is looked for by the number that is called: no shop gets so far, and should one order
/// have a higher count by mistake, there are not as many numbers to try.
const HIGHEST_COUNT: u64 = CalledNumber::ROUND * 4000;

pub(super) async fn list(database: &Database, query: OrdersQuery) -> Result<Option<Page<Order, OrderId>>, Unavailable> {
    if let Some(mut replica) = database.replica_connection().await? {
        // Where the last page ended may be newer than what the replica has.
        if let Some(page) = page(database, &mut replica, &query, Source::Replica).await? {
            return Ok(Some(page));
        }
    }
    page(database, &mut *database.read_connection().await?, &query, Source::Primary).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Primary,
    Replica,
}

/// `None` if it begins behind an order that the source does not have. The primary must have it only where orders are
/// sorted by time; a replica in any case, or it would not have all of those before it either.
async fn page(
    database: &Database,
    connection: &mut AsyncPgConnection,
    query: &OrdersQuery,
    source: Source,
) -> Result<Option<Page<Order, OrderId>>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let by_time = query.criteria.created_from.is_some() || query.criteria.created_to.is_some();
    let mut after = query.after.map(OrderId::as_uuid);
    loop {
        let mut select = orders::table.limit(page.rows()).select(OrderRow::as_select()).into_boxed();
        if let OrderScope::OwnedBy(owner) = query.scope {
            select = select.filter(orders::customer_id.eq(owner.as_uuid()));
        }
        let select = older_than(after, by_time, source, matching(query.criteria, select));
        let rows = select.load(connection).rows("order.list").await.map_err(Unavailable::new)?;
        if let Some(id) = after.filter(|_| rows.is_empty())
            && (source == Source::Replica || by_time && !is_there(connection, id).await?)
        {
            return Ok(None);
        }
        after = rows.last().map(|row| row.id).or(after);
        let rows = rows.into_iter().map(|row| (OrderId::new(row.id), row.into_order(database.currency())));
        page = match page.add(rows) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(Some(page)),
        };
    }
}

type Boxed<'a> = orders::BoxedQuery<'a, Pg, SqlTypeOf<AsSelect<OrderRow, Pg>>>;

fn matching(criteria: OrderCriteria, mut select: Boxed<'_>) -> Boxed<'_> {
    let OrderCriteria { status, number, created_from, created_to } = criteria;
    if let Some(status) = status {
        select = select.filter(orders::status.eq(status.as_str()));
    }
    if let Some(number) = number {
        let position = i64::try_from(number.position()).unwrap_or_default();
        let round = CalledNumber::ROUND;
        // Each count with this number is looked up by itself: an index on the counts grows at one end, while one on the
        // numbers that are called would be written all over.
        let counts = sql::<Bool>("orders.number = ANY (ARRAY(SELECT generate_series(").bind::<BigInt, _>(position);
        let until = format!(", least(coalesce((SELECT max(number) FROM orders), -1), {HIGHEST_COUNT}), {round})))");
        select = select.filter(counts.sql(&until));
    }
    if let Some(from) = created_from {
        select = select.filter(orders::created_at.ge(from));
    }
    if let Some(to) = created_to {
        select = select.filter(orders::created_at.lt(to));
    }
    select
}

/// The newest first. Ids follow the time too, but a list of a time long ago, sorted by them, would have to pass over
/// all orders since.
fn older_than(after: Option<Uuid>, by_time: bool, source: Source, select: Boxed<'_>) -> Boxed<'_> {
    let select = match by_time {
        true => select.order((orders::created_at.desc(), orders::id.desc())),
        false => select.order(orders::id.desc()),
    };
    match after {
        None => select,
        // PostgreSQL compares the times: it knows some that nothing else can hold. Nothing is older than an order that
        // is not there.
        Some(id) if by_time => {
            let position = sql::<Bool>("(orders.created_at, orders.id) < ")
                .sql("(SELECT last.created_at, last.id FROM orders last WHERE last.id = ");
            select.filter(position.bind::<SqlUuid, _>(id).sql(")"))
        }
        Some(id) if source == Source::Replica => {
            let there = sql::<Bool>("EXISTS (SELECT FROM orders last WHERE last.id = ").bind::<SqlUuid, _>(id).sql(")");
            select.filter(orders::id.lt(id)).filter(there)
        }
        Some(id) => select.filter(orders::id.lt(id)),
    }
}

async fn is_there(connection: &mut AsyncPgConnection, id: Uuid) -> Result<bool, Unavailable> {
    let found = select(exists(orders::table.find(id))).get_result(connection).one("order.list.position").await;
    found.map_err(Unavailable::new)
}
