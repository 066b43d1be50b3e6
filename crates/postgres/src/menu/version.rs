//! The menu's version: a number, raised in the transaction of every change that a customer can see, within an epoch.

use comanda_domain::ports::{MenuEpoch, MenuVersion, Unavailable};
use diesel::{
    dsl::sql,
    expression::SqlLiteral,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::database::{Database, Named, schema::menu_version, statement};

/// A version as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = menu_version, check_for_backend(diesel::pg::Pg))]
pub(super) struct VersionRow {
    version: i64,
    epoch: Uuid,
    /// Whether the table is where the epoch began. If it was restored, moved or failed over, another has to begin.
    #[diesel(select_expression = is_in_place(), select_expression_type = SqlLiteral<Bool>)]
    pub(super) is_in_place: bool,
}

/// A subquery, so that it is asked once, however many menu items are read with it.
fn is_in_place() -> SqlLiteral<Bool> {
    sql("(SELECT v.epoch_place = menu_place(v.tableoid) FROM menu_version v)")
}

impl TryFrom<VersionRow> for MenuVersion {
    type Error = Unavailable;

    fn try_from(row: VersionRow) -> Result<Self, Unavailable> {
        let number = u64::try_from(row.version).map_err(Unavailable::new)?;
        Ok(Self { epoch: MenuEpoch::new(row.epoch), number })
    }
}

pub(super) async fn version(database: &Database) -> Result<MenuVersion, Unavailable> {
    let read = async || read_version(&mut *database.read_connection().await?).await;
    let mut row = read().await?;
    if !row.is_in_place {
        begin_epoch(database).await?;
        row = read().await?;
    }
    row.try_into()
}

async fn read_version(connection: &mut AsyncPgConnection) -> Result<VersionRow, Unavailable> {
    menu_version::table
        .select(VersionRow::as_select())
        .get_result(connection)
        .one("menu.version")
        .await
        .map_err(Unavailable::new)
}

/// Begins another epoch, unless another server was faster.
pub(super) async fn begin_epoch(database: &Database) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    // A trigger makes an epoch of any change that is not a raise by one. The condition is about the row itself: if
    // another server has just changed it, it is looked at again.
    let is_elsewhere = sql::<Bool>("menu_version.epoch_place <> menu_place(menu_version.tableoid)");
    let begun = diesel::update(menu_version::table.filter(is_elsewhere))
        .set(menu_version::version.eq(menu_version::version))
        .execute(&mut *connection)
        .changes("menu.begin_epoch")
        .await
        .map_err(Unavailable::new)?;
    if begun > 0 {
        tracing::warn!("this database was restored, moved or failed over: copies of its menu are made anew");
    }
    Ok(())
}

statement! {
    /// Raises the version by these numbers. Written by hand, as diesel prepares an update anew each time, and a batch
    /// of orders would wait for that.
    ///
    /// The condition is true of the only row. Without it, no index could find the row, and where plans must go by index
    /// PostgreSQL takes such a plan for so expensive that it compiles it.
    RaiseVersion { by: &'a [i64] as Array<BigInt> }
    returns ():
    "UPDATE menu_version SET version = version + r.by FROM unnest(",
    ") AS r(by) WHERE only_row"
}

statement! {
    /// Raises the version if a menu item may need an amount of one of these supplies that is above `least` and not
    /// above `greatest`: of that, there was enough before and is not now, or the other way round.
    RaiseVersionForSupplies {
        supplies: &'a [Uuid] as Array<SqlUuid>,
        least: &'a [i32] as Array<Integer>,
        greatest: &'a [i32] as Array<Integer>,
    }
    returns ():
    "UPDATE menu_version SET version = version + 1 WHERE only_row AND EXISTS (SELECT FROM unnest(",
    ") AS c(id, least, greatest) CROSS JOIN LATERAL (SELECT FROM menu_item_needs n \
       WHERE n.supply_id = c.id AND n.most > c.least AND n.least <= c.greatest LIMIT 1) needed)"
}

/// What is written to a supply: its stock and its low-stock threshold, before and after.
#[derive(Clone, Copy)]
pub(crate) struct SupplyChange {
    pub(crate) id: Uuid,
    pub(crate) stock: (i32, i32),
    pub(crate) low_stock_at: (i32, i32),
}

impl SupplyChange {
    /// Whose availability may change with it: what takes more than the first and not more than the second number.
    fn concerns(&self) -> Option<(i32, i32)> {
        let (before, after) = self.stock;
        let is_low = (before <= self.low_stock_at.0, after <= self.low_stock_at.1);
        match is_low.0 == is_low.1 {
            true => (before != after).then(|| (before.min(after), before.max(after))),
            false => Some((0, i32::MAX)),
        }
    }
}

/// Records that what customers see has changed, unless these changes of supplies change nothing of it. Call it last in
/// a transaction, and not besides [`raise_menu_version`]. Returns whether anything changed.
pub(crate) async fn raise_menu_version_for_supplies(
    connection: &AsyncPgConnection,
    changes: impl IntoIterator<Item = SupplyChange>,
) -> QueryResult<bool> {
    let (mut supplies, mut least, mut greatest) = (Vec::new(), Vec::new(), Vec::new());
    for change in changes {
        if let Some((above, up_to)) = change.concerns() {
            supplies.push(change.id);
            least.push(above);
            greatest.push(up_to);
        }
    }
    if supplies.is_empty() {
        return Ok(false);
    }
    raise_for_supplies(connection, (&supplies, &least, &greatest)).await
}

async fn raise_for_supplies(
    mut connection: &AsyncPgConnection,
    (supplies, least, greatest): (&[Uuid], &[i32], &[i32]),
) -> QueryResult<bool> {
    let raise = RaiseVersionForSupplies { supplies, least, greatest };
    raise.execute(&mut connection).changes("menu.raise_version_for_supplies").await.map(|raised| raised > 0)
}

/// Records that what customers see has changed. Call it last in a transaction: there is one row for all, and it
/// stays locked until the commit, so that versions are committed in their order.
pub(crate) async fn raise_menu_version(connection: &AsyncPgConnection) -> QueryResult<()> {
    raise(connection, &[1]).await
}

/// Prepares the statement of [`raise_menu_version`].
pub(crate) async fn prepare_to_raise_menu_version(connection: &AsyncPgConnection) -> QueryResult<()> {
    raise(connection, &[]).await?;
    raise_for_supplies(connection, (&[], &[], &[])).await.map(drop)
}

async fn raise(mut connection: &AsyncPgConnection, by: &[i64]) -> QueryResult<()> {
    RaiseVersion { by }.execute(&mut connection).changes("menu.raise_version").await.map(|_| ())
}

pub(super) async fn succeed(database: &Database, lost: MenuVersion) -> Result<(), Unavailable> {
    let number = i64::try_from(lost.number).map_err(Unavailable::new)?;
    let is_of_another_epoch = menu_version::epoch.ne(lost.epoch.as_uuid());
    let is_not_above = menu_version::version.lt(number).or(menu_version::version.eq(number).and(is_of_another_epoch));
    let is_possible = menu_version::version.ge(number.saturating_sub(MenuVersion::FARTHEST_LOST.cast_signed()));
    let mut connection = database.connection().await?;
    diesel::update(menu_version::table.filter(is_not_above.and(is_possible)))
        .set(menu_version::version.eq(number.saturating_add(1)))
        .execute(&mut *connection)
        .changes("menu.succeed_version")
        .await
        .map(|_| ())
        .map_err(Unavailable::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_a_supply_concerns_what_there_is_enough_for_no_more_and_all_when_it_becomes_low() {
        let concerns = |stock, low_stock_at| SupplyChange { id: Uuid::nil(), stock, low_stock_at }.concerns();
        assert_eq!(concerns((900, 900), (5, 5)), None);
        assert_eq!(concerns((900, 850), (5, 5)), Some((850, 900)));
        assert_eq!(concerns((850, 900), (5, 5)), Some((850, 900)));
        assert_eq!(concerns((6, 5), (5, 5)), Some((0, i32::MAX)));
        assert_eq!(concerns((5, 5), (5, 4)), Some((0, i32::MAX)));
        assert_eq!(concerns((5, 4), (5, 5)), Some((4, 5)));
    }
}
