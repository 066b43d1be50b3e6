use std::{collections::HashMap, sync::Arc};

use comanda_domain::{
    AuditAction, AuditRecord, Candidate, Category, FieldRefused, ImportedMenuItem, MenuItemDetails, MenuItemId,
    MenuItemName, NewMenuItem, Reason, StockLevel, Timestamp, all_accepted, match_import,
    ports::{ImportMenuError, ImportSummary, Unavailable},
};
use diesel::{
    dsl::sql,
    prelude::*,
    result::Error,
    sql_types::{Array, Bool, Text, Uuid as UuidType},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{
    add::first_stock,
    balance::balance_of_uncounted,
    row::{DetailsColumns, MenuItemRow, NewMenuItemRow, StockColumns},
    version::raise_menu_version,
};
use crate::{
    database::{Database, Named, NamedRows, schema::menu_items, statement},
    operations::write_records,
    stocked::{
        LedgerEntry, NAMES_ON_THE_MENU, ROWS_AT_A_TIME, ReadMode, Setback, is_name_taken, quantity, take_turns, write,
    },
};

type ImportSetback = Setback<ImportMenuError>;

const REASON: &str = "menu import";

statement! {
    /// Where each row of a file stands on the menu, in the form in which the index compares places.
    Places { categories: &'a [&'a str] as Array<Text>, names: &'a [&'a str] as Array<Text> }
    returns (Text, Text):
    "SELECT name_form(category), name_form(name) FROM unnest(",
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
        take_turns(connection, NAMES_ON_THE_MENU).await?;
    }
    let stored = stored_places(connection, items).await?;
    let wanted = items.iter().map(|item| item.place(item.id.and_then(|id| stored.get(&id.as_uuid()).cloned())));
    let places = places_of(connection, &none_refused(wanted)?).await?;
    let listed = listed(connection, items, &places, mode).await?;
    let rows: Vec<(Option<MenuItemId>, Place)> = items.iter().map(|item| item.id).zip(places).collect();
    let found: Vec<Candidate<MenuItemId, Place>> = listed.iter().map(|listed| listed.item.clone()).collect();
    let matched =
        match_import(&rows, &found).map_err(|refused| ImportSetback::Refused(ImportMenuError::NamesTaken(refused)))?;

    let mut plans = Vec::new();
    for (item, matched) in items.iter().zip(matched) {
        let plan = match matched.map(|at| &listed[at]) {
            Some(before) => {
                let as_it_is = (before.row.details(item.price.money().currency())?, before.row.stock()?);
                item.apply_to(as_it_is.0.clone(), as_it_is.1).map(|after| Plan::Change { before, as_it_is, after })
            }
            None => item.new_item().map(|(details, stock)| Plan::Add { details, stock }),
        };
        plans.push(plan);
    }
    let mut changes = Vec::new();
    let mut new = Vec::new();
    for (position, plan) in none_refused(plans.into_iter())?.into_iter().enumerate() {
        let place = &rows[position].1;
        match plan {
            Plan::Change { before, as_it_is, after } => changes.extend(Change::of(before, as_it_is, after, place)),
            Plan::Add { details, stock } => new.push((place, position, details, stock)),
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
    new.sort_by_key(|(place, ..)| *place);
    let archived = archived(connection, items).await?;
    let free = |id: &MenuItemId| !archived.contains(&id.as_uuid());
    let new: Vec<NewMenuItem> = new
        .into_iter()
        .map(|(_, position, details, stock)| NewMenuItem {
            id: items[position].id.filter(free).unwrap_or(ids[position]),
            details,
            stock,
            station: None,
            added_at: at,
        })
        .collect();
    insert(connection, &new).await?;
    raise_menu_version(connection).await?;
    Ok(summary)
}

/// What a row comes to.
enum Plan<'a> {
    Change { before: &'a Listed, as_it_is: Stocked, after: Stocked },
    Add { details: MenuItemDetails, stock: Option<StockLevel> },
}

/// The details of a menu item and, if it is counted, how much there is.
type Stocked = (MenuItemDetails, Option<StockLevel>);

fn none_refused<T>(rows: impl Iterator<Item = Result<T, FieldRefused>>) -> Result<Vec<T>, ImportSetback> {
    all_accepted(rows).map_err(|refused| ImportSetback::Refused(ImportMenuError::Refused(refused)))
}

/// The categories and names of the menu items with the rows' ids. Whoever changes them takes turns with imports.
async fn stored_places(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
) -> QueryResult<HashMap<Uuid, (Category, MenuItemName)>> {
    let rows: Vec<(Uuid, String, String)> = menu_items::table
        .filter(menu_items::id.eq_any(ids_of(items)).and(menu_items::archived_at.is_null()))
        .select((menu_items::id, menu_items::category, menu_items::name))
        .load(connection)
        .rows("menu.import.stored_places")
        .await?;
    let place =
        |(id, category, name): (Uuid, String, String)| (id, (Category::stored(&category), MenuItemName::stored(&name)));
    Ok(rows.into_iter().map(place).collect())
}

fn ids_of(items: &[ImportedMenuItem]) -> Vec<Uuid> {
    items.iter().filter_map(|item| item.id).map(MenuItemId::as_uuid).collect()
}

async fn places_of(connection: &mut AsyncPgConnection, wanted: &[(Category, MenuItemName)]) -> QueryResult<Vec<Place>> {
    let categories: Vec<&str> = wanted.iter().map(|(category, _)| category.as_str()).collect();
    let names: Vec<&str> = wanted.iter().map(|(_, name)| name.as_str()).collect();
    Places { categories: &categories, names: &names }.load(connection).rows("menu.import.places").await
}

/// A menu item that a row of the file may be about.
struct Listed {
    row: MenuItemRow,
    item: Candidate<MenuItemId, Place>,
}

async fn listed(
    connection: &mut AsyncPgConnection,
    items: &[ImportedMenuItem],
    places: &[Place],
    mode: ReadMode,
) -> QueryResult<Vec<Listed>> {
    let (categories, names): (Vec<&str>, Vec<&str>) =
        places.iter().map(|(category, name)| (category.as_str(), name.as_str())).unzip();
    let concerned = sql::<Bool>("(id = ANY(")
        .bind::<Array<UuidType>, _>(ids_of(items))
        .sql(") OR (name_form(category), name_form(name)) IN (SELECT * FROM unnest(")
        .bind::<Array<Text>, _>(categories)
        .sql(", ")
        .bind::<Array<Text>, _>(names)
        .sql(")))");
    let place = (sql::<Text>("name_form(category)"), sql::<Text>("name_form(name)"));
    let rows = menu_items::table
        .filter(menu_items::archived_at.is_null().and(concerned))
        .order(menu_items::id)
        .select((MenuItemRow::as_select(), menu_items::is_twin, place));
    let rows: Vec<(MenuItemRow, bool, Place)> = match mode {
        ReadMode::Unlocked => rows.load(connection).rows("menu.import.find").await?,
        ReadMode::Locked => rows.for_no_key_update().load(connection).rows("menu.import.lock").await?,
    };
    let listed = rows.into_iter().map(|(row, is_twin, place)| {
        let item = Candidate { id: MenuItemId::new(row.id), place, is_twin };
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
    stock: Option<StockColumns>,
    /// What is entered into the ledger, besides what it comes to while the menu item is not counted.
    delta: i32,
    /// The column of a menu item that was not counted, and is from now on.
    uncounted: Option<i32>,
    adjusts: bool,
}

impl Change {
    /// `None`: it is as the file has it.
    fn of(before: &Listed, (details, level): Stocked, (wanted, wanted_level): Stocked, place: &Place) -> Option<Self> {
        let row = &before.row;
        let low_at = |level: Option<StockLevel>| level.map(|level| level.low_at);
        let on_hand = |level: Option<StockLevel>| level.map(|level| quantity(level.on_hand));
        let (from, to) = (on_hand(level), on_hand(wanted_level));
        // The threshold is one of the details.
        let edits = wanted != details || low_at(wanted_level) != low_at(level);
        let change = Self {
            id: row.id,
            version: row.version,
            revision: row.revision,
            details: edits.then(|| DetailsColumns::of(&wanted)),
            moves: before.item.place != *place,
            stock: (wanted_level != level).then(|| StockColumns::of(wanted_level)),
            delta: to.unwrap_or(0) - from.unwrap_or(0),
            uncounted: (from.is_none() && to.is_some()).then_some(row.stock),
            adjusts: from != to,
        };
        (change.details.is_some() || change.stock.is_some()).then_some(change)
    }

    async fn write(self, connection: &mut AsyncPgConnection, at: Timestamp) -> Result<(), ImportSetback> {
        let details_change = self.details.is_some();
        let updated = diesel::update(menu_items::table)
            .filter(menu_items::id.eq(self.id).and(menu_items::version.eq(self.version)))
            .set((
                menu_items::version.eq(self.version + 1),
                details_change.then(|| (menu_items::revision.eq(self.revision + 1), menu_items::updated_at.eq(at))),
                self.details,
                self.stock,
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
        if self.adjusts {
            records.push(audit_record(AuditAction::StockAdjusted, self.id, at));
        }
        let balance = match self.uncounted {
            Some(stock) => balance_of_uncounted(connection, self.id, stock).await?,
            None => 0,
        };
        let delta = i32::try_from(i64::from(self.delta) - balance).map_err(Unavailable::new);
        let delta = delta.map_err(|error| ImportSetback::Refused(error.into()))?;
        if delta != 0 {
            LedgerEntry::new(self.id, None, at, delta, REASON).write(connection).await?;
        }
        write_records(connection, &records).await?;
        Ok(())
    }
}

/// Menu items may exchange their names, but the index compares them one by one. So whatever moves leaves its place
/// before any takes its new one. Meanwhile it has a name that no menu item can have.
async fn leave_places(connection: &mut AsyncPgConnection, changes: &mut [Change]) -> Result<(), ImportSetback> {
    let moving: Vec<Uuid> = changes.iter().filter(|change| change.moves).map(|change| change.id).collect();
    if moving.is_empty() {
        return Ok(());
    }
    let left = diesel::update(menu_items::table)
        .filter(menu_items::id.eq_any(&moving))
        .set((menu_items::version.eq(menu_items::version + 1), menu_items::name.eq(sql::<Text>("chr(1) || id::text"))))
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
    menu_items::table
        .filter(menu_items::id.eq_any(ids_of(items)).and(menu_items::archived_at.is_not_null()))
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
        let entries = items
            .iter()
            .filter_map(|item| {
                let first = first_stock(item)?;
                Some(LedgerEntry::new(item.id.as_uuid(), None, item.added_at, first, REASON))
            })
            .collect();
        LedgerEntry::write_all(entries, connection).await?;
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
