use chrono::{DateTime, Utc};
use comanda_domain::{Money, Period, QUARTER_HOUR, Sales, ports::Unavailable};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::{besides_summaries::besides_summaries, covered::Covered, snapshot::in_one_snapshot};
use crate::database::{Database, NamedRows};

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

pub(super) async fn sales(database: &Database, periods: &[Period]) -> Result<Vec<Sales>, Unavailable> {
    let (Some(&first), Some(&last)) = (periods.first(), periods.last()) else { return Ok(Vec::new()) };
    let slots = Covered::by(QUARTER_HOUR, first.from(), last.to());
    let bounds: Vec<DateTime<Utc>> = periods.iter().map(|period| period.from()).collect();
    let currency = database.currency();
    let (sold, moved): (Vec<SalesRow>, Vec<MoneyRow>) =
        in_one_snapshot(database, async move |(connection, summarized)| {
            let sold = besides_summaries!("by_period.sql", summarized, first.from(), last.to())
                .bind::<Timestamptz, _>(slots.from)
                .bind::<Timestamptz, _>(slots.to)
                .bind::<Array<Timestamptz>, _>(&bounds)
                .load(connection)
                .rows("sales.by_interval")
                .await?;
            let moved = sql_query(include_str!("money.sql"))
                .bind::<Timestamptz, _>(first.from())
                .bind::<Timestamptz, _>(last.to())
                .bind::<Array<Timestamptz>, _>(&bounds)
                .bind::<Text, _>(currency.code())
                .load(connection)
                .rows("sales.money")
                .await?;
            Ok((sold, moved))
        })
        .await?;

    let money = |amount| Money::new(amount, currency);
    let nothing =
        |period| Sales { period, orders: 0, quantity: 0, revenue: money(0), paid: money(0), refunded: money(0) };
    let mut sales: Vec<Sales> = periods.iter().copied().map(nothing).collect();
    for row in sold {
        if let Some(sales) = at_position(&mut sales, row.position)? {
            sales.orders = row.orders.unsigned_abs();
            sales.quantity = row.quantity.unsigned_abs();
            sales.revenue = money(row.revenue);
        }
    }
    for row in moved {
        if let Some(sales) = at_position(&mut sales, row.position)? {
            (sales.paid, sales.refunded) = (money(row.paid), money(row.refunded));
        }
    }
    Ok(sales)
}

/// PostgreSQL counts positions from 1.
fn at_position(sales: &mut [Sales], position: i32) -> Result<Option<&mut Sales>, Unavailable> {
    Ok(sales.get_mut(usize::try_from(position - 1).map_err(Unavailable::new)?))
}
