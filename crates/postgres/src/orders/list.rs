//! A page of orders, the newest first.

use std::ops::ControlFlow;

use comanda_domain::{
    CalledNumber, Order, OrderId, OrderScope, Page, Timestamp,
    ports::{OrderCriteria, OrdersQuery, Unavailable},
};
use diesel::{
    dsl::{AsSelect, SqlTypeOf, sql},
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    Database,
    database::{Named, NamedRows, PageOfRows, schema::orders},
    order_row::OrderRow,
};

pub(super) async fn list(database: &Database, query: OrdersQuery) -> Result<Page<Order, OrderId>, Unavailable> {
    let mut page = PageOfRows::new(query.limit);
    let mut connection = database.list_connection().await?;
    let by_time = query.criteria.created_from.is_some() || query.criteria.created_to.is_some();
    let mut after = match query.after.map(OrderId::as_uuid) {
        Some(id) if by_time => match created_at(&mut connection, id).await? {
            Some(created_at) => Some(Position { id, created_at: Some(created_at) }),
            // It is not there any more, and nobody knows where it stood.
            None => return Ok(page.into_page(false)),
        },
        id => id.map(|id| Position { id, created_at: None }),
    };
    loop {
        let mut select = orders::table.limit(page.rows()).select(OrderRow::as_select()).into_boxed();
        if let OrderScope::OwnedBy(owner) = query.scope {
            select = select.filter(orders::customer_id.eq(owner.as_uuid()));
        }
        let select = older_than(after, by_time, matching(query.criteria, select));
        let rows = select.load(&mut *connection).rows("order.list").await.map_err(Unavailable::new)?;
        let last = rows.last().map(|row| Position { id: row.id, created_at: by_time.then_some(row.created_at) });
        after = last.or(after);
        let rows = rows.into_iter().map(|row| (OrderId::new(row.id), row.into_order(database.currency())));
        page = match page.add(rows) {
            ControlFlow::Continue(page) => page,
            ControlFlow::Break(page) => return Ok(page),
        };
    }
}

/// Where a page begins.
#[derive(Clone, Copy)]
struct Position {
    id: Uuid,
    /// Only where orders are sorted by it.
    created_at: Option<Timestamp>,
}

type Boxed<'a> = orders::BoxedQuery<'a, Pg, SqlTypeOf<AsSelect<OrderRow, Pg>>>;

fn matching(criteria: OrderCriteria, mut select: Boxed<'_>) -> Boxed<'_> {
    let OrderCriteria { status, number, created_from, created_to } = criteria;
    if let Some(status) = status {
        select = select.filter(orders::status.eq(status.as_str()));
    }
    if let Some(number) = number {
        // As the index has it.
        let position = i64::try_from(number.position()).unwrap_or_default();
        let round = CalledNumber::ROUND;
        select = select.filter(sql::<Bool>(&format!("orders.number % {round} = ")).bind::<BigInt, _>(position));
    }
    if let Some(from) = created_from {
        select = select.filter(orders::created_at.ge(from));
    }
    if let Some(to) = created_to {
        select = select.filter(orders::created_at.lt(to));
    }
    select
}

/// The newest first. Ids follow the time too, but a list of a time long ago, sorted by them, would have to pass over all
/// orders since.
fn older_than(position: Option<Position>, by_time: bool, select: Boxed<'_>) -> Boxed<'_> {
    let mut select = match by_time {
        true => select.order((orders::created_at.desc(), orders::id.desc())),
        false => select.order(orders::id.desc()),
    };
    match position {
        None => {}
        Some(Position { id, created_at: None }) => select = select.filter(orders::id.lt(id)),
        Some(Position { id, created_at: Some(at) }) => {
            let before = orders::created_at.lt(at).or(orders::id.lt(id));
            select = select.filter(orders::created_at.le(at)).filter(before);
        }
    }
    select
}

async fn created_at(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Option<Timestamp>, Unavailable> {
    let select = orders::table.find(id).select(orders::created_at);
    let found = select.first(connection).one("order.list.position").await.optional();
    found.map_err(Unavailable::new)
}
