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
    /// Who mends it: the owner of the tables, or a superuser.
    pub by: &'static str,
    /// The SQL that mends it. It makes indexes without stopping writers.
    pub mended_by: String,
}

/// What guards the tables no more.
#[derive(Clone, Debug)]
pub struct Guards {
    /// In the order in which they can be mended.
    pub missing: Vec<MissingGuard>,
    /// Whether the schema is of this release: of others, what is gone or half made is not known.
    pub all_known: bool,
}

const OWNER: &str = "the owner of the tables";
const SUPERUSER: &str = "a superuser";

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
    #[diesel(sql_type = Text)]
    schema: String,
}

/// What the migrations made to guard the tables and what is switched off now or gone. Of a schema of another release,
/// and while a migration makes an index, nothing counts as gone or invalid.
pub async fn missing_guards(database: &Database) -> Result<Guards, Unavailable> {
    let mut connection = database.connection().await?;
    let all_known = is_schema_of_this_release(&mut connection).await.map_err(Unavailable::new)?;
    let rows: Vec<GuardRow> =
        sql_query(FIND_GUARDS).load(&mut *connection).rows("guards.find").await.map_err(Unavailable::new)?;
    let mut missing: Vec<MissingGuard> =
        rows.iter().filter(|row| row.kind == "setting").filter_map(no_trigger).collect();
    let schema = match rows.as_slice() {
        [row, ..] => row.schema.as_str(),
        [] => "public",
    };
    let mut there = HashMap::new();
    for GuardRow { kind, of_table, name, mended_by, .. } in &rows {
        there.insert([kind.as_str(), of_table, name], mended_by);
    }
    for (guard, made_by) in guards() {
        let [kind, table, name] = guard;
        match there.get(&guard) {
            Some(Some(mended_by)) if kind == "index" => {
                if all_known {
                    let says = format!("the index {name} on {table} is invalid");
                    missing.push(MissingGuard { says, by: OWNER, mended_by: mended_by.clone() });
                }
            }
            Some(Some(mended_by)) => {
                let says = format!("the {kind} {name} on {table} is disabled");
                // What checks a foreign key is a trigger of PostgreSQL's own.
                let by = if kind == "constraint" { SUPERUSER } else { OWNER };
                missing.push(MissingGuard { says, by, mended_by: mended_by.clone() });
            }
            None if all_known => {
                let says = format!("the {kind} {name} on {table} is missing");
                missing.push(MissingGuard { says, by: OWNER, mended_by: remade(kind, made_by, schema) });
            }
            Some(None) | None => {}
        }
    }
    // A foreign key needs the key that it refers to.
    missing.sort_by_key(|guard| guard.mended_by.contains(" FOREIGN KEY "));
    Ok(Guards { missing, all_known })
}

/// The same as an invariant.
pub async fn check_guards(database: &Database) -> Result<Finding, Unavailable> {
    let Guards { missing, all_known } = missing_guards(database).await?;
    let violations =
        missing.into_iter().map(|MissingGuard { says, by, mended_by }| format!("{says}: as {by}, {mended_by}"));
    let rule = match all_known {
        true => "every trigger, constraint and index that the migrations made is there and enabled, by name",
        false => "no trigger is disabled (the schema is of another release, so what is missing is not known)",
    };
    Ok(Finding { invariant: Invariant { rule, sql: FIND_GUARDS }, violations: violations.collect() })
}

/// How it is made, as the list says of the schema `public`, in this schema.
fn remade(kind: &str, made_by: &str, schema: &str) -> String {
    let made_by = made_by.replace(" public.", &format!(" {schema}."));
    // Orders are placed meanwhile.
    if kind == "index" { made_by.replacen("INDEX ", "INDEX CONCURRENTLY ", 1) } else { made_by }
}

fn no_trigger(row: &GuardRow) -> Option<MissingGuard> {
    let says = format!("no trigger fires in {}: {} is replica", row.of_table, row.name);
    Some(MissingGuard { says, by: SUPERUSER, mended_by: row.mended_by.clone()? })
}

/// Kind, table and name, and how it is made.
fn guards() -> impl Iterator<Item = ([&'static str; 3], &'static str)> {
    GUARDS.lines().filter_map(|line| {
        let mut parts = line.splitn(4, '\t');
        Some(([parts.next()?, parts.next()?, parts.next()?], parts.next()?))
    })
}
