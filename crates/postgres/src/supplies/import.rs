use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use comanda_domain::{
    AuditAction, AuditRecord, Candidate, FieldRefused, ImportedSupply, NewSupply, Reason, Stock, Supply, SupplyDetails,
    SupplyId, SupplyName, SupplyUnit, Timestamp, all_accepted, match_import,
    ports::{ImportSummary, ImportSuppliesError},
};
use diesel::{
    dsl::sql,
    prelude::*,
    result::Error,
    sql_types::{Array, BigInt, Bool, Integer, Text, Timestamptz, Uuid as UuidType},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{NewSupplyRow, SupplyRow};
use crate::{
    database::{Database, Named, NamedRows, schema::supplies, statement},
    menu::{SupplyChange, raise_menu_version_for_supplies},
    operations::write_records,
    stocked::{
        NAMES_OF_SUPPLIES, ROWS_AT_A_TIME, ReadMode, Setback, SupplyLedgerEntry, is_name_taken, quantity, take_turns,
        write,
    },
};

type ImportSetback = Setback<ImportSuppliesError>;

const REASON: &str = "import of supplies";

statement! {
    /// Each name in the form in which the index compares names.
    NameForms { names: &'a [&'a str] as Array<Text> }
    returns Text:
    "SELECT name_form(name) FROM unnest(",
    ") WITH ORDINALITY AS lines (name, position) ORDER BY position"
}

pub(super) async fn import(
    database: &Database,
    rows: Vec<ImportedSupply>,
    ids: Vec<SupplyId>,
    at: Timestamp,
) -> Result<ImportSummary, ImportSuppliesError> {
    let rows: Arc<[(ImportedSupply, SupplyId)]> = rows.into_iter().zip(ids).collect();
    write(database, async move |(connection, mode)| import_once(connection, &rows, at, mode).await).await
}

/// The first attempt only finds out whether there is anything to do. Whatever writes first locks what it changes, and
/// nothing else, in id order like whoever takes of several. What is as the file has it is left to others.
async fn import_once(
    connection: &mut AsyncPgConnection,
    rows: &[(ImportedSupply, SupplyId)],
    at: Timestamp,
    mode: ReadMode,
) -> Result<ImportSummary, ImportSetback> {
    if mode == ReadMode::Locked {
        take_turns(connection, NAMES_OF_SUPPLIES).await?;
    }
    let stored = stored_names(connection, rows).await?;
    let name_of = |id: SupplyId| stored.get(&id.as_uuid()).map(|name| SupplyName::stored(name));
    let names = all_accepted(rows.iter().map(|(row, _)| row.name(row.id.and_then(name_of)))).map_err(refused)?;
    let names: Vec<&str> = names.iter().map(SupplyName::as_str).collect();
    let forms: Vec<String> = NameForms { names: &names }.load(connection).rows("supply.import.name_forms").await?;
    let places: Vec<(Option<SupplyId>, String)> = rows.iter().map(|(row, _)| row.id).zip(forms).collect();
    let mut listed = listed(connection, &places).await?;
    let mut plan = Plan::of(rows, &places, &listed)?;
    if plan.new.is_empty() && plan.changes.is_empty() {
        return Ok(plan.summary(rows.len()));
    }
    if mode == ReadMode::Unlocked {
        return Err(ImportSetback::Conflict);
    }
    let changed: HashSet<Uuid> = plan.changes.iter().map(|change| change.row.id).collect();
    if !changed.is_empty() {
        let mut locked = locked(connection, &changed).await?;
        listed.retain_mut(|(row, _)| match changed.contains(&row.id) {
            true => locked.remove(&row.id).map(|now| *row = now).is_some(),
            false => true,
        });
        plan = Plan::of(rows, &places, &listed)?;
        if !plan.changes.iter().all(|change| changed.contains(&change.row.id)) {
            return Err(ImportSetback::Conflict);
        }
    }
    let summary = plan.summary(rows.len());
    let shown = write_changes(connection, plan.changes, at).await?;
    // In the order of their names, for the sake of whoever adds the same ones.
    let mut new = plan.new;
    new.sort_by_key(|(form, ..)| *form);
    let archived = archived(connection, rows).await?;
    let new = new.into_iter().map(|(_, given, other, (details, unit, stock))| {
        let id = given.filter(|id| !archived.contains(&id.as_uuid())).unwrap_or(other);
        NewSupply { id, details, unit, stock, added_at: at }
    });
    insert(connection, &new.collect::<Vec<_>>()).await?;
    raise_menu_version_for_supplies(connection, shown).await?;
    Ok(summary)
}

/// A supply that a row may be about, with its name in the form in which names are compared.
type Listed = (SupplyRow, String);

/// A supply that is added: its name in that form, the id that the row has and another one, and what the row says.
type Added<'a> = (&'a str, Option<SupplyId>, SupplyId, (SupplyDetails, SupplyUnit, Stock));

/// What the rows come to.
struct Plan<'a> {
    changes: Vec<Change>,
    new: Vec<Added<'a>>,
}

impl<'a> Plan<'a> {
    fn of(
        rows: &[(ImportedSupply, SupplyId)],
        places: &'a [(Option<SupplyId>, String)],
        listed: &[Listed],
    ) -> Result<Self, ImportSetback> {
        let candidate =
            |(row, form): &Listed| Candidate { id: SupplyId::new(row.id), place: form.clone(), is_twin: false };
        let matched = match_import(places, &listed.iter().map(candidate).collect::<Vec<_>>())
            .map_err(|taken| ImportSetback::Refused(ImportSuppliesError::NamesTaken(taken)))?;
        let (mut changes, mut new) = (Vec::new(), Vec::new());
        let mut plans = Vec::with_capacity(rows.len());
        for (((row, id), (_, form)), matched) in rows.iter().zip(places).zip(matched) {
            plans.push(match matched.map(|place| &listed[place]) {
                Some(before) => Change::of(row, before, form)?.map(|change| changes.extend(change)),
                None => row.new_supply().map(|supply| new.push((form.as_str(), row.id, *id, supply))),
            });
        }
        all_accepted(plans).map_err(refused)?;
        Ok(Self { changes, new })
    }

    fn summary(&self, rows: usize) -> ImportSummary {
        let (added, changed) = (self.new.len(), self.changes.len());
        ImportSummary { added, changed, unchanged: rows - added - changed }
    }
}

fn refused(rows: Vec<(usize, FieldRefused)>) -> ImportSetback {
    ImportSetback::Refused(ImportSuppliesError::Refused(rows))
}

fn ids_of(rows: impl IntoIterator<Item = Option<SupplyId>>) -> Vec<Uuid> {
    rows.into_iter().flatten().map(SupplyId::as_uuid).collect()
}

/// The names of the supplies with the rows' ids. Whoever changes them takes turns with imports.
async fn stored_names(
    connection: &mut AsyncPgConnection,
    rows: &[(ImportedSupply, SupplyId)],
) -> QueryResult<HashMap<Uuid, String>> {
    let ids = ids_of(rows.iter().map(|(row, _)| row.id));
    let names: Vec<(Uuid, String)> = supplies::table
        .filter(supplies::id.eq_any(ids).and(supplies::archived_at.is_null()))
        .select((supplies::id, supplies::name))
        .load(connection)
        .rows("supply.import.stored_names")
        .await?;
    Ok(names.into_iter().collect())
}

/// The supplies with the id or the name of a row, as they are at this moment.
async fn listed(connection: &mut AsyncPgConnection, places: &[(Option<SupplyId>, String)]) -> QueryResult<Vec<Listed>> {
    let concerned = sql::<Bool>("(id = ANY(")
        .bind::<Array<UuidType>, _>(ids_of(places.iter().map(|(id, _)| *id)))
        .sql(") OR name_form(name) = ANY(")
        .bind::<Array<Text>, _>(places.iter().map(|(_, form)| form.as_str()).collect::<Vec<_>>())
        .sql("))");
    supplies::table
        .filter(supplies::archived_at.is_null().and(concerned))
        .select((SupplyRow::as_select(), sql::<Text>("name_form(name)")))
        .load(connection)
        .rows("supply.import.find")
        .await
}

/// Locks these supplies. Those that are archived meanwhile are left out.
async fn locked(connection: &mut AsyncPgConnection, ids: &HashSet<Uuid>) -> QueryResult<HashMap<Uuid, SupplyRow>> {
    let rows: Vec<SupplyRow> = supplies::table
        .filter(supplies::id.eq_any(ids).and(supplies::archived_at.is_null()))
        .order(supplies::id)
        .select(SupplyRow::as_select())
        .for_no_key_update()
        .load(connection)
        .rows("supply.import.lock")
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

/// What an import changes about a supply.
struct Change {
    row: SupplyRow,
    details: Option<SupplyDetails>,
    moves: bool,
    stock: Stock,
}

impl Change {
    /// `None`: it is as the file has it.
    fn of(
        imported: &ImportedSupply,
        (row, form): &(SupplyRow, String),
        wanted: &str,
    ) -> Result<Result<Option<Self>, FieldRefused>, ImportSetback> {
        let Supply { details, unit, stock, .. } = row.clone().into_supply()?;
        let after = imported.apply_to(details.clone(), unit, Stock::stored(stock));
        Ok(after.map(|(wanted_details, wanted_stock)| {
            let changed = (wanted_details != details).then_some(wanted_details);
            let is_changed = changed.is_some() || wanted_stock.get() != stock;
            let change = || Self { row: row.clone(), details: changed, moves: form != wanted, stock: wanted_stock };
            is_changed.then(change)
        }))
    }
}

statement! {
    /// Writes what an import changes, if the supplies are still at these versions.
    ChangeImported {
        ids: &'a [Uuid] as Array<UuidType>,
        versions: &'a [i64] as Array<BigInt>,
        stocks: &'a [i32] as Array<Integer>,
        thresholds: &'a [i32] as Array<Integer>,
        names: &'a [&'a str] as Array<Text>,
        edits: &'a [bool] as Array<Bool>,
        times: &'a [Timestamp] as Array<Timestamptz>,
    }
    returns ():
    "UPDATE supplies s SET version = s.version + 1, stock = t.stock, low_stock_at = t.low_stock_at, name = t.name, \
       revision = s.revision + t.edits::integer, updated_at = CASE WHEN t.edits THEN t.at ELSE s.updated_at END \
     FROM unnest(",
    ") AS t(id, version, stock, low_stock_at, name, edits, at) WHERE s.id = t.id AND s.version = t.version"
}

/// Writes all changes at once, and returns what customers may see of them.
async fn write_changes(
    connection: &mut AsyncPgConnection,
    mut changes: Vec<Change>,
    at: Timestamp,
) -> Result<Vec<SupplyChange>, ImportSetback> {
    if changes.is_empty() {
        return Ok(Vec::new());
    }
    leave_names(connection, &mut changes).await?;
    let threshold = |change: &Change| match &change.details {
        Some(details) => quantity(details.low_stock_at),
        None => change.row.low_stock_at,
    };
    let name = |change: &'_ Change| change.details.as_ref().map_or(change.row.name.clone(), |it| it.name.to_string());
    let names: Vec<String> = changes.iter().map(name).collect();
    let written = ChangeImported {
        ids: &changes.iter().map(|change| change.row.id).collect::<Vec<_>>(),
        versions: &changes.iter().map(|change| change.row.version).collect::<Vec<_>>(),
        stocks: &changes.iter().map(|change| quantity(change.stock)).collect::<Vec<_>>(),
        thresholds: &changes.iter().map(threshold).collect::<Vec<_>>(),
        names: &names.iter().map(String::as_str).collect::<Vec<_>>(),
        edits: &changes.iter().map(|change| change.details.is_some()).collect::<Vec<_>>(),
        times: &vec![at; changes.len()],
    };
    if written.execute(connection).changes("supply.import.update").await.map_err(setback)? != changes.len() {
        return Err(Setback::Conflict);
    }
    let (mut entries, mut records, mut shown) = (Vec::new(), Vec::new(), Vec::with_capacity(changes.len()));
    for change in &changes {
        let (row, stock) = (&change.row, quantity(change.stock));
        if change.details.is_some() {
            records.push(audit_record(AuditAction::SupplyEdited, row.id, at));
        }
        if stock != row.stock {
            records.push(audit_record(AuditAction::SupplyAdjusted, row.id, at));
            entries.push(SupplyLedgerEntry::new(row.id, None, at, stock - row.stock, REASON));
        }
        let low_stock_at = (row.low_stock_at, threshold(change));
        shown.push(SupplyChange { id: row.id, stock: (row.stock, stock), low_stock_at });
    }
    while !entries.is_empty() {
        let some = entries.drain(..entries.len().min(ROWS_AT_A_TIME)).collect();
        SupplyLedgerEntry::write_all(some, connection).await?;
    }
    for some in records.chunks(ROWS_AT_A_TIME) {
        write_records(connection, some).await?;
    }
    Ok(shown)
}

/// Supplies may exchange their names, but the index compares them one by one. So whatever is renamed leaves its name
/// before any takes its new one. Meanwhile it has a name that no supply can have.
async fn leave_names(connection: &mut AsyncPgConnection, changes: &mut [Change]) -> Result<(), ImportSetback> {
    let moving: Vec<Uuid> = changes.iter().filter(|change| change.moves).map(|change| change.row.id).collect();
    if moving.is_empty() {
        return Ok(());
    }
    let left = diesel::update(supplies::table.filter(supplies::id.eq_any(&moving)))
        .set((supplies::version.eq(supplies::version + 1), supplies::name.eq(sql::<Text>("chr(1) || id::text"))))
        .execute(connection)
        .changes("supply.import.leave_names")
        .await?;
    if left != moving.len() {
        return Err(Setback::Conflict);
    }
    for change in changes.iter_mut().filter(|change| change.moves) {
        change.row.version += 1;
    }
    Ok(())
}

/// The rows' ids that archived supplies have.
async fn archived(connection: &mut AsyncPgConnection, rows: &[(ImportedSupply, SupplyId)]) -> QueryResult<Vec<Uuid>> {
    let ids = ids_of(rows.iter().map(|(row, _)| row.id));
    supplies::table
        .filter(supplies::id.eq_any(ids).and(supplies::archived_at.is_not_null()))
        .select(supplies::id)
        .load(connection)
        .rows("supply.import.archived")
        .await
}

async fn insert(connection: &mut AsyncPgConnection, new: &[NewSupply]) -> Result<(), ImportSetback> {
    for new in new.chunks(ROWS_AT_A_TIME) {
        let rows: Vec<NewSupplyRow> = new.iter().map(NewSupplyRow::of).collect();
        let inserted = diesel::insert_into(supplies::table).values(rows).execute(connection).changes("supply.insert");
        inserted.await.map_err(setback)?;
        let stocked = new.iter().filter(|supply| supply.stock.get() > 0).map(|supply| {
            SupplyLedgerEntry::new(supply.id.as_uuid(), None, supply.added_at, quantity(supply.stock), REASON)
        });
        SupplyLedgerEntry::write_all(stocked.collect(), connection).await?;
        let added = new.iter().map(|new| audit_record(AuditAction::SupplyAdded, new.id.as_uuid(), new.added_at));
        write_records(connection, &added.collect::<Vec<_>>()).await?;
    }
    Ok(())
}

/// Whoever took a name after the supplies were read is seen by the next attempt.
fn setback(error: Error) -> ImportSetback {
    match is_name_taken(&error) {
        true => ImportSetback::Conflict,
        false => error.into(),
    }
}

/// An import runs on the server itself, by an operator without an account.
fn audit_record(action: AuditAction, supply: Uuid, at: Timestamp) -> AuditRecord {
    AuditRecord { actor: None, action, target: supply.to_string(), reason: Reason::new(REASON).ok(), at }
}
