use chrono::{DateTime, TimeDelta, Utc};
use comanda_domain::{
    Timestamp,
    ids::MenuItemId,
    page::PageLimit,
    ports::{TopItem, Unavailable},
    sales::{Period, QUARTER_HOUR, Sales},
    text::MenuItemName,
};
use diesel::{
    QueryDsl, QueryResult, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::{FutureExt, future::BoxFuture};
use uuid::Uuid;

use super::PostgresSalesFigures;
use crate::database::{Failure, Named, NamedRows, RowOf, schema::sales_summarized, spawn_transaction};

/// A period and the part of it that summaries of some length cover; the rest is the edges.
struct Covered {
    from: Timestamp,
    to: Timestamp,
}

impl Covered {
    /// Empty where no whole one fits between: then it lies at the period's end, and everything is the edge before it.
    fn by(length: TimeDelta, from: Timestamp, to: Timestamp) -> Self {
        let begun = |at: Timestamp| {
            let length = length.num_microseconds().unwrap_or(i64::MAX);
            at - TimeDelta::microseconds(at.timestamp_micros().rem_euclid(length))
        };
        let first = begun(from - TimeDelta::microseconds(1)) + length;
        let last = begun(to);
        if first < last { Self { from: first, to: last } } else { Self { from: to, to } }
    }
}

#[derive(QueryableByName)]
struct TopItemRow {
    #[diesel(sql_type = SqlUuid)]
    menu_item_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    quantity: i64,
    #[diesel(sql_type = BigInt)]
    revenue: i64,
}

#[derive(QueryableByName)]
struct SalesRow {
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(sql_type = BigInt)]
    orders: i64,
    #[diesel(sql_type = BigInt)]
    quantity: i64,
    #[diesel(sql_type = BigInt)]
    revenue: i64,
}

#[derive(QueryableByName)]
struct MoneyRow {
    #[diesel(sql_type = Integer)]
    position: i32,
    #[diesel(sql_type = BigInt)]
    paid: i64,
    #[diesel(sql_type = BigInt)]
    refunded: i64,
}

impl PostgresSalesFigures {
    /// Runs a report in one snapshot with how far the summaries go, which it is given: as a value, of which the planner knows that
    /// hardly anything comes after it. Compiling or sharing out so small a plan would take longer than running it.
    async fn in_one_snapshot<T: Send + 'static>(
        &self,
        report: impl for<'c> FnOnce(&'c mut AsyncPgConnection, (i64, i64)) -> BoxFuture<'c, QueryResult<T>> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (place, database) = (self.database.place_for_report()?, self.database.clone());
        spawn_transaction(&self.database, async move {
            let _place = place;
            let mut connection = database.list_connection().await?;
            let limit = database.report_limit().as_millis();
            connection
                .build_transaction()
                .read_only()
                .repeatable_read()
                .run::<_, Failure<Unavailable>, _>(async |connection| {
                    let settings = format!(
                        "SET LOCAL statement_timeout = {limit}; SET LOCAL jit = off; \
                         SET LOCAL max_parallel_workers_per_gather = 0"
                    );
                    connection.batch_execute(&settings).await?;
                    let summarized = sales_summarized::table
                        .select((sales_summarized::transaction_id, sales_summarized::event_id))
                        .first(connection)
                        .one("sales.find_progress")
                        .await?;
                    Ok(report(connection, summarized).await?)
                })
                .await
                .map_err(|failure| failure.0)
        })
        .await
    }

    pub(super) async fn report_top_items(&self, period: Period, limit: PageLimit) -> Result<Vec<TopItem>, Unavailable> {
        let hours = Covered::by(TimeDelta::hours(1), period.from(), period.to());
        let days = Covered::by(TimeDelta::days(1), hours.from, hours.to);
        let query = sql_query(include_str!("top_items.sql"))
            .bind::<Timestamptz, _>(period.from())
            .bind::<Timestamptz, _>(period.to())
            .bind::<Timestamptz, _>(hours.from)
            .bind::<Timestamptz, _>(hours.to)
            .bind::<Timestamptz, _>(days.from)
            .bind::<Timestamptz, _>(days.to)
            .bind::<BigInt, _>(i64::from(limit.get()));
        let rows: Vec<TopItemRow> = self
            .in_one_snapshot(move |connection, (transaction, event)| {
                query
                    .bind::<BigInt, _>(transaction)
                    .bind::<BigInt, _>(event)
                    .load(connection)
                    .rows("sales.top_items")
                    .boxed()
            })
            .await?;
        rows.into_iter()
            .map(|row| {
                let name =
                    RowOf { table: "menu_items", id: row.menu_item_id }.read("name", MenuItemName::new(&row.name))?;
                Ok(TopItem {
                    menu_item_id: MenuItemId::new(row.menu_item_id),
                    name,
                    quantity: row.quantity.unsigned_abs(),
                    revenue: self.money(row.revenue),
                })
            })
            .collect()
    }

    pub(super) async fn report_sales(&self, periods: &[Period]) -> Result<Vec<Sales>, Unavailable> {
        let (Some(first), Some(last)) = (periods.first(), periods.last()) else { return Ok(Vec::new()) };
        let slots = Covered::by(QUARTER_HOUR, first.from(), last.to());
        let bounds: Vec<DateTime<Utc>> = periods.iter().map(|period| period.from()).collect();
        let query = sql_query(include_str!("sales.sql"))
            .bind::<Timestamptz, _>(first.from())
            .bind::<Timestamptz, _>(last.to())
            .bind::<Timestamptz, _>(slots.from)
            .bind::<Timestamptz, _>(slots.to)
            .bind::<Array<Timestamptz>, _>(bounds.clone());
        let moved = sql_query(include_str!("money.sql"))
            .bind::<Timestamptz, _>(first.from())
            .bind::<Timestamptz, _>(last.to())
            .bind::<Array<Timestamptz>, _>(bounds);
        let (rows, moved): (Vec<SalesRow>, Vec<MoneyRow>) = self
            .in_one_snapshot(move |connection, (transaction, event)| {
                async move {
                    let query = query.bind::<BigInt, _>(transaction).bind::<BigInt, _>(event);
                    let rows = query.load(connection).rows("sales.by_interval").await?;
                    Ok((rows, moved.load(connection).rows("sales.money").await?))
                }
                .boxed()
            })
            .await?;
        let zero = self.money(0);
        let nothing = |period| Sales { period, orders: 0, quantity: 0, revenue: zero, paid: zero, refunded: zero };
        let mut sales: Vec<Sales> = periods.iter().copied().map(nothing).collect();
        for row in rows {
            // Positions are counted from 1.
            let position = usize::try_from(row.position - 1).map_err(Unavailable::new)?;
            if let Some(sold) = sales.get_mut(position) {
                sold.orders = row.orders.unsigned_abs();
                sold.quantity = row.quantity.unsigned_abs();
                sold.revenue = self.money(row.revenue);
            }
        }
        for row in moved {
            let position = usize::try_from(row.position - 1).map_err(Unavailable::new)?;
            if let Some(sold) = sales.get_mut(position) {
                (sold.paid, sold.refunded) = (self.money(row.paid), self.money(row.refunded));
            }
        }
        Ok(sales)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_whole_summaries_are_covered() {
        let covered = |from, to| {
            let hours = Covered::by(TimeDelta::hours(1), at(from), at(to));
            (hours.from, hours.to)
        };
        for (from, to, first, last) in [
            ("2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z", "2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z"),
            (
                "2026-03-01T10:00:00.001Z",
                "2026-03-01T11:59:59.999Z",
                "2026-03-01T11:59:59.999Z",
                "2026-03-01T11:59:59.999Z",
            ),
            ("2026-03-01T09:59:59.999Z", "2026-03-01T11:00:00.001Z", "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"),
            ("2026-03-01T10:10:00Z", "2026-03-01T10:20:00Z", "2026-03-01T10:20:00Z", "2026-03-01T10:20:00Z"),
            ("1969-12-31T23:30:00Z", "1970-01-01T01:30:00Z", "1970-01-01T00:00:00Z", "1970-01-01T01:00:00Z"),
        ] {
            assert_eq!(covered(from, to), (at(first), at(last)), "{from} to {to}");
        }
    }
}
