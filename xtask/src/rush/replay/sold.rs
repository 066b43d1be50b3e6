//! What a replay has left in the tables.

use std::collections::BTreeMap;

use tokio_postgres::{NoTls, Row};
use uuid::Uuid;

use super::{Replay, served::Served};
use crate::rush::stage::Stage;

/// Lines by menu item, quantity, and price of one with all that is chosen, and how many there are of each.
pub type Lines = BTreeMap<(Uuid, i32, i64), i64>;

pub struct Sold {
    pub lines: Lines,
    /// In the order of the file's options.
    pub options: Vec<SoldOption>,
}

pub struct SoldOption {
    /// By what the lines of orders say.
    pub portions: usize,
    /// By what the supply says.
    pub left: usize,
}

impl Sold {
    pub async fn read(stage: &Stage, served: &Served) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(stage.database_url()?, NoTls).await?;
        let driver = tokio::spawn(connection);
        let items = ids(&served.items.ids)?;
        let lines = client
            .query(
                "SELECT menu_item_id, quantity, unit_price + extras, count(*) \
                 FROM order_lines WHERE menu_item_id = ANY($1) GROUP BY 1, 2, 3",
                &[&items],
            )
            .await?;
        let portions = client
            .query(
                "SELECT (s ->> 'o')::uuid, sum(l.quantity * (s ->> 'q')::integer)::bigint \
                 FROM order_lines l CROSS JOIN LATERAL jsonb_array_elements(l.selections) s \
                 WHERE l.menu_item_id = ANY($1) GROUP BY 1",
                &[&items],
            )
            .await?;
        let supplies = ids(served.supplies.iter().map(|supply| &supply.id))?;
        let left = client.query("SELECT id, stock::bigint FROM supplies WHERE id = ANY($1)", &[&supplies]).await?;
        drop(client);
        driver.await??;
        let (portions, left) = (by_id(&portions)?, by_id(&left)?);
        let options = ids(&served.options)?.into_iter().zip(supplies).map(|(option, supply)| SoldOption {
            portions: portions.get(&option).copied().unwrap_or(0),
            left: left.get(&supply).copied().unwrap_or(0),
        });
        let line = |row: &Row| ((row.get(0), row.get(1), row.get(2)), row.get(3));
        Ok(Self { lines: lines.iter().map(line).collect(), options: options.collect() })
    }
}

fn ids<'a>(texts: impl IntoIterator<Item = &'a String>) -> Result<Vec<Uuid>, uuid::Error> {
    texts.into_iter().map(|id| id.parse()).collect()
}

fn by_id(rows: &[Row]) -> anyhow::Result<BTreeMap<Uuid, usize>> {
    rows.iter().map(|row| Ok((row.get(0), row.get::<_, i64>(1).try_into()?))).collect()
}

/// The lines of the file, as the tables must have them.
pub fn expected_lines(replay: &Replay, served: &Served) -> anyhow::Result<Lines> {
    let items = ids(&served.items.ids)?;
    let mut lines = Lines::new();
    for line in replay.orders.iter().flat_map(|order| &order.lines) {
        *lines.entry((items[line.item], line.quantity.try_into()?, line.unit_price)).or_default() += 1;
    }
    Ok(lines)
}
