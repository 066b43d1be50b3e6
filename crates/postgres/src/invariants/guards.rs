//! Whether what guards the tables is there: triggers, which stand for foreign keys, constraints and indexes.

use std::collections::HashMap;

use comanda_domain::ports::Unavailable;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Nullable, Text},
};
use diesel_async::RunQueryDsl;

use super::{Finding, Invariant};
use crate::{
    Database,
    database::{NamedRows, is_schema_of_this_release},
};

/// What the migrations of this release make, one a line: kind, table, name, and how it is made. A test compares it with
/// a database.
const GUARDS: &str = include_str!("guards.tsv");

const FIND_GUARDS: &str = include_str!("guards.sql");

/// Something that guards a table no more.
#[derive(Clone, Debug)]
pub struct MissingGuard {
    /// Such as `the trigger order_id_is_there on order_lines is disabled`.
    pub says: String,
    /// The SQL that mends it, for the owner of the tables.
    pub mended_by: String,
}

#[derive(QueryableByName)]
struct GuardRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    /// `None`: it guards.
    #[diesel(sql_type = Nullable<Text>)]
    mended_by: Option<String>,
}

/// What the migrations made to guard the tables and what is switched off now or gone. Of a schema of another release,
/// nothing counts as gone.
pub async fn missing_guards(database: &Database) -> Result<Vec<MissingGuard>, Unavailable> {
    let mut connection = database.connection().await?;
    let is_ours = is_schema_of_this_release(&mut connection).await.map_err(Unavailable::new)?;
    let rows: Vec<GuardRow> =
        sql_query(FIND_GUARDS).load(&mut *connection).rows("guards.find").await.map_err(Unavailable::new)?;
    let mut missing: Vec<MissingGuard> =
        rows.iter().filter(|row| row.kind == "setting").filter_map(no_trigger).collect();
    let mut there = HashMap::new();
    for GuardRow { kind, of_table, name, mended_by } in &rows {
        there.insert([kind.as_str(), of_table, name], mended_by);
    }
    for (guard, made_by) in guards() {
        let [kind, table, name] = guard;
        match there.get(&guard) {
            Some(Some(mended_by)) => {
                let is_off = if kind == "index" { "is invalid" } else { "is disabled" };
                let says = format!("the {kind} {name} on {table} {is_off}");
                missing.push(MissingGuard { says, mended_by: mended_by.clone() });
            }
            None if is_ours => {
                let says = format!("the {kind} {name} on {table} is missing");
                missing.push(MissingGuard { says, mended_by: made_by.to_owned() });
            }
            Some(None) | None => {}
        }
    }
    Ok(missing)
}

/// The same as an invariant.
pub async fn check_guards(database: &Database) -> Result<Finding, Unavailable> {
    let missing = missing_guards(database).await?;
    let violations = missing.into_iter().map(|MissingGuard { says, mended_by }| format!("{says}: {mended_by}"));
    let rule = "every trigger, constraint and index that the migrations made is there and enabled";
    Ok(Finding { invariant: Invariant { rule, sql: FIND_GUARDS }, violations: violations.collect() })
}

fn no_trigger(row: &GuardRow) -> Option<MissingGuard> {
    let says = format!("no trigger fires in {}: {} is replica", row.of_table, row.name);
    Some(MissingGuard { says, mended_by: row.mended_by.clone()? })
}

/// Kind, table and name, and how it is made.
fn guards() -> impl Iterator<Item = ([&'static str; 3], &'static str)> {
    GUARDS.lines().filter_map(|line| {
        let mut parts = line.splitn(4, '\t');
        Some(([parts.next()?, parts.next()?, parts.next()?], parts.next()?))
    })
}
