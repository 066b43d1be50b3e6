use std::{collections::HashMap, sync::Arc};

use comanda_domain::{
    AuditAction, AuditRecord, Candidate, FieldRefused, ImportedSupply, NewSupply, Reason, Stock, Supply, SupplyDetails,
    SupplyId, SupplyName, Timestamp, all_accepted, match_import,
    ports::{ImportSummary, ImportSuppliesError},
};
use diesel::{
    dsl::sql,
    prelude::*,
    result::Error,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::row::{Changes, NewSupplyRow, SupplyRow};
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

/// The first attempt only finds out whether there is anything to do. Whatever writes has locked every supply before, in
/// id order like whoever takes of several.
async fn import_once(
    connection: &mut AsyncPgConnection,
    rows: &[(ImportedSupply, SupplyId)],
    at: Timestamp,
    mode: ReadMode,
) -> Result<ImportSummary, ImportSetback> {
    if mode == ReadMode::Locked {
        take_turns(connection, NAMES_OF_SUPPLIES).await?;
    }
    let stored = every_supply(connection, mode).await?;
    let by_id: HashMap<Uuid, &SupplyRow> = stored.iter().map(|(row, _)| (row.id, row)).collect();
    let name_of = |id: SupplyId| by_id.get(&id.as_uuid()).map(|row| SupplyName::stored(&row.name));
    let names = all_accepted(rows.iter().map(|(row, _)| row.name(row.id.and_then(name_of)))).map_err(refused)?;
    let names: Vec<&str> = names.iter().map(SupplyName::as_str).collect();
    let forms: Vec<String> = NameForms { names: &names }.load(connection).rows("supply.import.name_forms").await?;
    let places: Vec<(Option<SupplyId>, String)> = rows.iter().map(|(row, _)| row.id).zip(forms).collect();
    let candidate = |(row, form): &(SupplyRow, String)| Candidate {
        id: SupplyId::new(row.id),
        place: form.clone(),
        is_twin: false,
    };
    let matched = match_import(&places, &stored.iter().map(candidate).collect::<Vec<_>>())
        .map_err(|taken| ImportSetback::Refused(ImportSuppliesError::NamesTaken(taken)))?;

    let (mut changes, mut new) = (Vec::new(), Vec::new());
    let mut plans = Vec::with_capacity(rows.len());
    for (((row, id), (_, form)), matched) in rows.iter().zip(&places).zip(matched) {
        plans.push(match matched.map(|place| &stored[place]) {
            Some(before) => Change::of(row, before, form)?.map(|change| changes.extend(change)),
            None => row.new_supply().map(|supply| new.push((form, row.id, *id, supply))),
        });
    }
    all_accepted(plans).map_err(refused)?;
    let unchanged = rows.len() - new.len() - changes.len();
    let summary = ImportSummary { added: new.len(), changed: changes.len(), unchanged };
    if unchanged == rows.len() {
        return Ok(summary);
    }
    if mode == ReadMode::Unlocked {
        return Err(ImportSetback::Conflict);
    }
    leave_names(connection, &mut changes).await?;
    let mut shown = Vec::with_capacity(changes.len());
    for change in changes {
        shown.push(change.write(connection, at).await?);
    }
    // In the order of their names, for the sake of whoever adds the same ones.
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

fn refused(rows: Vec<(usize, FieldRefused)>) -> ImportSetback {
    ImportSetback::Refused(ImportSuppliesError::Refused(rows))
}

/// Every supply, with its name in the form in which names are compared.
async fn every_supply(connection: &mut AsyncPgConnection, mode: ReadMode) -> QueryResult<Vec<(SupplyRow, String)>> {
    let rows = supplies::table
        .filter(supplies::archived_at.is_null())
        .order(supplies::id)
        .select((SupplyRow::as_select(), sql::<Text>("name_form(name)")));
    match mode {
        ReadMode::Unlocked => rows.load(connection).rows("supply.import.find").await,
        ReadMode::Locked => rows.for_no_key_update().load(connection).rows("supply.import.lock").await,
    }
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

    async fn write(self, connection: &mut AsyncPgConnection, at: Timestamp) -> Result<SupplyChange, ImportSetback> {
        let (id, delta) = (self.row.id, quantity(self.stock) - self.row.stock);
        let details = self.details.as_ref().map(|details| self.row.with_details(details, at));
        let changes = Changes { stock: Some(quantity(self.stock)), ..details.unwrap_or_default() };
        let after = self
            .row
            .write(changes, connection)
            .one("supply.import.update")
            .await
            .optional()
            .map_err(setback)?
            .ok_or(Setback::Conflict)?;
        let shown = self.row.change_to(&after);
        let mut records = Vec::new();
        records.extend(self.details.map(|_| audit_record(AuditAction::SupplyEdited, id, at)));
        if delta != 0 {
            records.push(audit_record(AuditAction::SupplyAdjusted, id, at));
            SupplyLedgerEntry::new(id, None, at, delta, REASON).write(connection).await?;
        }
        write_records(connection, &records).await?;
        Ok(shown)
    }
}

/// Supplies may exchange their names, but the index compares them one by one. So whatever is renamed leaves its name
/// before any takes its new one. Meanwhile it has a name that no supply can have.
async fn leave_names(connection: &mut AsyncPgConnection, changes: &mut [Change]) -> Result<(), ImportSetback> {
    for change in changes.iter_mut().filter(|change| change.moves) {
        let left = Changes { name: Some(format!("\u{1}{}", change.row.id)), ..Changes::default() };
        let row = change.row.write(left, connection).one("supply.import.leave_name").await.optional()?;
        change.row = row.ok_or(Setback::Conflict)?;
    }
    Ok(())
}

/// The rows' ids that archived supplies have.
async fn archived(connection: &mut AsyncPgConnection, rows: &[(ImportedSupply, SupplyId)]) -> QueryResult<Vec<Uuid>> {
    let ids: Vec<Uuid> = rows.iter().filter_map(|(row, _)| row.id).map(SupplyId::as_uuid).collect();
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
