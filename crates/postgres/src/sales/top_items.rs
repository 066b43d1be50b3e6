use chrono::TimeDelta;
use comanda_domain::{
    MenuItemId, MenuItemName, Money, PageLimit, Period,
    ports::{TopItem, Unavailable},
};
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{besides_summaries::besides_summaries, covered::Covered, snapshot::in_one_snapshot};
use crate::database::{Database, NamedRows};

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

pub(super) async fn top_items(
    database: &Database,
    period: Period,
    limit: PageLimit,
) -> Result<Vec<TopItem>, Unavailable> {
    let hours = Covered::by(TimeDelta::hours(1), period.from(), period.to());
    let days = Covered::by(TimeDelta::days(1), hours.from, hours.to);
    let rows: Vec<TopItemRow> = in_one_snapshot(database, async move |(connection, summarized)| {
        besides_summaries!("top_items.sql", summarized, period.from(), period.to())
            .bind::<Timestamptz, _>(hours.from)
            .bind::<Timestamptz, _>(hours.to)
            .bind::<Timestamptz, _>(days.from)
            .bind::<Timestamptz, _>(days.to)
            .bind::<BigInt, _>(i64::from(limit.get()))
            .load(connection)
            .rows("sales.top_items")
            .await
    })
    .await?;
    let item = |row: TopItemRow| TopItem {
        menu_item_id: MenuItemId::new(row.menu_item_id),
        name: MenuItemName::stored(&row.name),
        quantity: row.quantity.unsigned_abs(),
        revenue: Money::new(row.revenue, database.currency()),
    };
    Ok(rows.into_iter().map(item).collect())
}
