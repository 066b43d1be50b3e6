use std::fmt;

use tokio_postgres::NoTls;
use uuid::Uuid;

use super::{customers::Customers, menu_items::MenuItems, stage::Stage};

/// What a rush has left in the tables.
pub struct Totals {
    pub orders: u64,
    pub units: u64,
    /// In minor units.
    pub revenue: i64,
    pub sold_out: u64,
    items: u64,
}

impl Totals {
    pub async fn read(stage: &Stage, customers: &Customers, items: &MenuItems) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
        let driver = tokio::spawn(connection);
        let ids = items.ids.iter().map(|id| id.parse()).collect::<Result<Vec<Uuid>, _>>()?;
        let row = client
            .query_one(
                "SELECT (SELECT count(*) FROM orders WHERE customer_id = ANY($1)), \
                        (SELECT coalesce(sum(total), 0)::bigint FROM orders WHERE customer_id = ANY($1)), \
                        (SELECT coalesce(sum(quantity), 0) FROM order_lines WHERE menu_item_id = ANY($2)), \
                        (SELECT count(*) FROM menu_items WHERE id = ANY($2) AND stock = 0)",
                &[&customers.ids(), &ids],
            )
            .await?;
        drop(client);
        driver.await??;
        Ok(Self {
            orders: row.get::<_, i64>(0).try_into()?,
            revenue: row.get(1),
            units: row.get::<_, i64>(2).try_into()?,
            sold_out: row.get::<_, i64>(3).try_into()?,
            items: ids.len().try_into()?,
        })
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, units, revenue, sold_out, items } = self;
        let (whole, cents) = (revenue / 100, revenue % 100);
        write!(
            f,
            "the tables: {orders} orders, {units} units, {whole}.{cents:02} in revenue; \
             {sold_out} of {items} menu items sold out"
        )
    }
}
