use std::collections::HashMap;

use chrono::TimeDelta;
use comanda_domain::{
    MenuItemId, Money, OptionGroupName, OptionId, OptionName, Period,
    ports::{SoldOption, Unavailable},
};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{besides_summaries::besides_summaries, covered::Covered, snapshot::in_one_snapshot};
use crate::database::{Database, NamedRows};

#[derive(QueryableByName)]
struct SoldOptionRow {
    #[diesel(sql_type = SqlUuid)]
    menu_item_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    option_id: Uuid,
    #[diesel(sql_type = Text)]
    group_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    quantity: i64,
    #[diesel(sql_type = BigInt)]
    revenue: i64,
}

pub(super) async fn sold_options(
    database: &Database,
    period: Period,
    items: &[MenuItemId],
) -> Result<HashMap<MenuItemId, Vec<SoldOption>>, Unavailable> {
    let days = Covered::by(TimeDelta::days(1), period.from(), period.to());
    let ids: Vec<Uuid> = items.iter().map(|id| id.as_uuid()).collect();
    let rows: Vec<SoldOptionRow> = in_one_snapshot(database, async move |(connection, summarized)| {
        besides_summaries!("sold_options.sql", summarized, period.from(), period.to())
            .bind::<Timestamptz, _>(days.from)
            .bind::<Timestamptz, _>(days.to)
            .bind::<Array<SqlUuid>, _>(ids)
            .load(connection)
            .rows("sales.sold_options")
            .await
    })
    .await?;
    let mut sold: HashMap<MenuItemId, Vec<SoldOption>> = HashMap::new();
    for row in rows {
        sold.entry(MenuItemId::new(row.menu_item_id)).or_default().push(SoldOption {
            option_id: OptionId::new(row.option_id),
            group: OptionGroupName::stored(&row.group_name),
            name: OptionName::stored(&row.name),
            quantity: row.quantity.unsigned_abs(),
            revenue: Money::new(row.revenue, database.currency()),
        });
    }
    Ok(sold)
}
