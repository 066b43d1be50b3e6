use std::sync::Arc;

use comanda_domain::{
    AuditAction, AuditRecord, ImportedMenuItem, ListedMenuItem, MenuItemId, NewMenuItem, Reason, Timestamp,
    match_import,
    ports::{ImportMenuError, ImportSummary},
};
use diesel::{
    dsl::sql,
    prelude::*,
    result::Error,
    sql_types::{Array, BigInt, Bool, Text, Uuid as UuidType},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    conditional_write::{ReadMode, Setback, write},
    ledger::LedgerEntry,
    name_taken::is_name_taken,
    row::{DetailsColumns, MenuItemRow, NewMenuItemRow, quantity},
    version::raise_menu_version,
};
use crate::{
    database::{
        Database, Named, NamedRows,
        schema::{menu_items, stock_adjustments},
        statement,
    },
    operations::write_records,
};

type ImportSetback = Setback<ImportMenuError>;

const REASON: &str = "menu import";

/// How many rows are inserted by one statement, which has room for 65,535 values.
const ROWS_AT_A_TIME: usize = 1000;

/// The key of the advisory lock: any number that nothing else in this database uses for one.
const LOCK: i64 = 0x636f_6d61_6e64_616d;

statement! {
    /// Where each row of a file stands on the menu, in the form in which the index compares places.
    Places { categories: &'a [&'a str] as Array<Text>, names: &'a [&'a str] as Array<Text> }
    returns (Text, Text):
    "SELECT lower(normalize(category, NFC)), lower(normalize(name, NFC)) FROM unnest(",
    ") WITH ORDINALITY AS lines (category, name, position) ORDER BY position"
}

/// A category and a name, in the form in which they are compared.
type Place = (String, String);

pub(super) async fn import(
    database: &Database,
    items: Vec<ImportedMenuItem>,
    ids: Vec<MenuItemId>,
    at: Timestamp,
) -> Result<ImportSummary, ImportMenuError> {
    let (items, ids): (Arc<[_]>, Arc<[_]>) = (items.into(), ids.into());
    write(database, async move |(connection, mode)| import_once(connection, &items, &ids, at, mode).await).await
}

/// The first attempt only finds out whether there is anything to do. Whatever writes has locked all its rows before, in
/// id order like every writer of several items, so that no two wait for each other.
async fn import_once(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
    ids: &[MenuItemId],
    at: Timestamp,
    mode: ReadMode,
) -> Result<ImportSummary, ImportSetback> {
    if mode == ReadMode::Locked {
        take_turns(connection).await?;
    }
    let places = places_of(connection, items).await?;
    let listed = listed(connection, items, &places, mode).await?;
    let rows: Vec<(Option<MenuItemId>, Place)> = items.iter().map(|item| item.id).zip(places).collect();
    let found: Vec<ListedMenuItem<Place>> = listed.iter().map(|listed| listed.item.clone()).collect();
    let matched =
        match_import(&rows, &found).map_err(|refused| ImportSetback::Refused(ImportMenuError::NamesTaken(refused)))?;

    let mut changes = Vec::new();
    let mut new = Vec::new();
    for (position, (item, matched)) in items.iter().zip(matched).enumerate() {
        match matched.map(|at| &listed[at]) {
            Some(before) => changes.extend(Change::of(before, item, &rows[position].1)?),
            None => new.push((&rows[position].1, position)),
        }
    }
    let summary =
        ImportSummary { added: new.len(), changed: changes.len(), unchanged: items.len() - new.len() - changes.len() };
    if summary.added + summary.changed == 0 {
        return Ok(summary);
    }
    if mode == ReadMode::Unlocked {
        return Err(ImportSetback::Conflict);
    }

    leave_places(connection, &mut changes).await?;
    for change in changes {
        change.write(connection, at).await?;
    }
    // In the order of their places, for the sake of whoever adds the same ones.
    new.sort_unstable();
    let archived = archived(connection, items).await?;
    let free = |id: &MenuItemId| !archived.contains(&id.as_uuid());
    let new: Vec<NewMenuItem> = new
        .into_iter()
        .map(|(_, position)| NewMenuItem {
            id: items[position].id.filter(free).unwrap_or(ids[position]),
            details: items[position].new_details(),
            stock: items[position].stock,
            added_at: at,
        })
        .collect();
    insert(connection, &new).await?;
    raise_menu_version(connection).await?;
    Ok(summary)
}

/// Imports wait for each other, so that two of them never hold names that the other one wants.
async fn take_turns(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    let lock = sql::<Text>("pg_advisory_xact_lock(").bind::<BigInt, _>(LOCK).sql(")::text");
    diesel::select(lock).get_result::<String>(connection).one("menu.import.take_turn").await.map(drop)
}

async fn places_of(connection: &mut AsyncPgConnection, items: &[ImportedMenuItem]) -> QueryResult<Vec<Place>> {
    let categories: Vec<&str> = items.iter().map(|item| item.category.as_str()).collect();
    let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
    Places { categories: &categories, names: &names }.load(connection).rows("menu.import.places").await
}

/// A menu item that a row of the file may be about.
struct Listed {
    row: MenuItemRow,
    item: ListedMenuItem<Place>,
}

async fn listed(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
    places: &[Place],
    mode: ReadMode,
) -> QueryResult<Vec<Listed>> {
    let ids: Vec<Uuid> = items.iter().filter_map(|item| item.id).map(MenuItemId::as_uuid).collect();
    let (categories, names): (Vec<&str>, Vec<&str>) =
        places.iter().map(|(category, name)| (category.as_str(), name.as_str())).unzip();
    let concerned = sql::<Bool>("(id = ANY(")
        .bind::<Array<UuidType>, _>(ids)
        .sql(") OR (lower(normalize(category, NFC)), lower(normalize(name, NFC))) IN (SELECT * FROM unnest(")
        .bind::<Array<Text>, _>(categories)
        .sql(", ")
        .bind::<Array<Text>, _>(names)
        .sql(")))");
    let place = (sql::<Text>("lower(normalize(category, NFC))"), sql::<Text>("lower(normalize(name, NFC))"));
    let rows = menu_items::table
        .filter(menu_items::archived_at.is_null().and(concerned))
        .order(menu_items::id)
        .select((MenuItemRow::as_select(), menu_items::is_twin, place));
    let rows: Vec<(MenuItemRow, bool, Place)> = match mode {
        ReadMode::Unlocked => rows.load(connection).rows("menu.import.find").await?,
        ReadMode::Locked => rows.for_no_key_update().load(connection).rows("menu.import.lock").await?,
    };
    let listed = rows.into_iter().map(|(row, is_twin, place)| {
        let item = ListedMenuItem { id: MenuItemId::new(row.id), place, is_twin };
        Listed { row, item }
    });
    Ok(listed.collect())
}

/// What an import changes about a menu item.
struct Change {
    id: Uuid,
    version: i64,
    revision: i32,
    details: Option<DetailsColumns>,
    moves: bool,
    stock: i32,
    delta: i32,
}

impl Change {
    /// `None`: it is as the file has it.
    fn of(before: &Listed, item: &ImportedMenuItem, place: &Place) -> Result<Option<Self>, ImportSetback> {
        let row = &before.row;
        let stored = row.details(item.price.money().currency())?;
        let wanted = item.apply_to(stored.clone());
        let stock = quantity(item.stock);
        let change = Self {
            id: row.id,
            version: row.version,
            revision: row.revision,
            details: (wanted != stored).then(|| DetailsColumns::of(&wanted)),
            moves: before.item.place != *place,
            stock,
            delta: stock - row.stock,
        };
        Ok((change.details.is_some() || change.delta != 0).then_some(change))
    }

    async fn write(self, connection: &mut AsyncPgConnection, at: Timestamp) -> Result<(), ImportSetback> {
        let details_change = self.details.is_some();
        let updated = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(self.id).and(menu_items::version.eq(self.version)))
            .set((
                menu_items::version.eq(self.version + 1),
                details_change.then(|| (menu_items::revision.eq(self.revision + 1), menu_items::updated_at.eq(at))),
                self.details,
                menu_items::stock.eq(self.stock),
            ))
            .execute(connection)
            .changes("menu.import.update")
            .await
            .map_err(setback)?;
        if updated == 0 {
            return Err(ImportSetback::Conflict);
        }
        let mut records = Vec::new();
        if details_change {
            records.push(audit_record(AuditAction::MenuItemEdited, self.id, at));
        }
        if self.delta != 0 {
            records.push(audit_record(AuditAction::StockAdjusted, self.id, at));
            LedgerEntry::new(self.id, None, at, self.delta, REASON).write(connection).await?;
        }
        write_records(connection, &records).await?;
        Ok(())
    }
}

/// Menu items may exchange their names, but the index compares them one by one. So whatever moves leaves its place
/// before any takes its new one, and is left alone by the index as long as it has not moved.
async fn leave_places(connection: &mut AsyncPgConnection, changes: &mut [Change]) -> Result<(), ImportSetback> {
    let moving: Vec<Uuid> = changes.iter().filter(|change| change.moves).map(|change| change.id).collect();
    if moving.is_empty() {
        return Ok(());
    }
    let left = diesel::update(menu_items::table)
        .filter(menu_items::id.eq_any(&moving))
        .set((menu_items::version.eq(menu_items::version + 1), menu_items::is_twin.eq(true)))
        .execute(connection)
        .changes("menu.import.leave_places")
        .await?;
    if left != moving.len() {
        return Err(ImportSetback::Conflict);
    }
    for change in changes.iter_mut().filter(|change| change.moves) {
        change.version += 1;
    }
    Ok(())
}

/// The rows' ids that archived menu items have.
async fn archived(connection: &mut AsyncPgConnection, items: &[ImportedMenuItem]) -> QueryResult<Vec<Uuid>> {
    let ids: Vec<Uuid> = items.iter().filter_map(|item| item.id).map(MenuItemId::as_uuid).collect();
    menu_items::table
        .filter(menu_items::id.eq_any(ids).and(menu_items::archived_at.is_not_null()))
        .select(menu_items::id)
        .load(connection)
        .rows("menu.import.archived")
        .await
}

async fn insert(connection: &mut AsyncPgConnection, items: &[NewMenuItem]) -> Result<(), ImportSetback> {
    for items in items.chunks(ROWS_AT_A_TIME) {
        let rows: Vec<NewMenuItemRow> = items.iter().map(NewMenuItemRow::of).collect();
        let inserted = diesel::insert_into(menu_items::table).values(rows).execute(connection).changes("menu.insert");
        inserted.await.map_err(setback)?;
        let entries: Vec<LedgerEntry> = items
            .iter()
            .filter(|item| item.stock.get() > 0)
            .map(|item| LedgerEntry::new(item.id.as_uuid(), None, item.added_at, quantity(item.stock), REASON))
            .collect();
        diesel::insert_into(stock_adjustments::table)
            .values(entries)
            .execute(connection)
            .changes("menu.insert_adjustment")
            .await?;
        let record = |item: &NewMenuItem| audit_record(AuditAction::MenuItemAdded, item.id.as_uuid(), item.added_at);
        write_records(connection, &items.iter().map(record).collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Whoever took a name after the menu was read is seen by the next attempt.
fn setback(error: Error) -> ImportSetback {
    match is_name_taken(&error) {
        true => ImportSetback::Conflict,
        false => error.into(),
    }
}

/// An import runs on the server itself, by an operator without an account.
fn audit_record(action: AuditAction, item: Uuid, at: Timestamp) -> AuditRecord {
    AuditRecord { actor: None, action, target: item.to_string(), reason: Reason::new(REASON).ok(), at }
}
