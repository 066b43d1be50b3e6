use std::ops::ControlFlow;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use comanda_domain::{
    AccountId, AuditAction, AuditEntry, AuditRecord, Page, Reason,
    ports::{AuditLog, AuditQuery, Readable, Unavailable},
};
use diesel::{dsl::max, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    Database,
    database::{Named, NamedRows, PageOfRows, RowOf, StoredTime, schema::audit_log},
};

#[derive(Insertable)]
#[diesel(table_name = audit_log)]
struct NewEntry<'a> {
    actor_id: Option<Uuid>,
    happened_at: DateTime<Utc>,
    action: &'a str,
    target: &'a str,
    reason: Option<&'a str>,
}

impl<'a> NewEntry<'a> {
    fn of(record: &'a AuditRecord) -> Self {
        Self {
            actor_id: record.actor.map(AccountId::as_uuid),
            happened_at: record.at,
            action: record.action.as_str(),
            target: &record.target,
            reason: record.reason.as_ref().map(Reason::as_str),
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
struct EntryRow {
    id: i64,
    actor_id: Option<Uuid>,
    #[diesel(deserialize_as = StoredTime)]
    happened_at: DateTime<Utc>,
    action: String,
    target: String,
    reason: Option<String>,
}

impl EntryRow {
    fn into_entry(self) -> Readable<AuditEntry> {
        let row = RowOf { table: "audit_log", id: self.id };
        let record = AuditRecord {
            actor: self.actor_id.map(AccountId::new),
            action: row.read("action", self.action.parse::<AuditAction>())?,
            target: self.target,
            reason: self.reason.as_deref().map(Reason::stored),
            at: self.happened_at,
        };
        Ok(AuditEntry { id: self.id, record })
    }
}

/// Adds an entry within the caller's transaction.
pub(crate) async fn write_record(connection: &mut AsyncPgConnection, record: &AuditRecord) -> QueryResult<()> {
    let entry = NewEntry::of(record);
    diesel::insert_into(audit_log::table).values(entry).execute(connection).changes("audit.write").await.map(|_| ())
}

/// Adds several entries within the caller's transaction, 10,000 at most.
pub(crate) async fn write_records(connection: &mut AsyncPgConnection, records: &[AuditRecord]) -> QueryResult<()> {
    let entries: Vec<NewEntry<'_>> = records.iter().map(NewEntry::of).collect();
    diesel::insert_into(audit_log::table).values(entries).execute(connection).changes("audit.write").await.map(|_| ())
}

/// The audit log in the table `audit_log`.
pub struct PostgresAuditLog {
    database: Database,
}

impl PostgresAuditLog {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl AuditLog for PostgresAuditLog {
    async fn record(&self, record: AuditRecord) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        write_record(&mut connection, &record).await.map_err(Unavailable::new)
    }

    async fn newest(&self) -> Result<i64, Unavailable> {
        let mut connection = self.database.read_connection().await?;
        let newest: Option<i64> = audit_log::table
            .select(max(audit_log::id))
            .first(&mut *connection)
            .one("audit.newest")
            .await
            .map_err(Unavailable::new)?;
        Ok(newest.unwrap_or_default())
    }

    async fn entries(&self, query: AuditQuery) -> Result<Page<AuditEntry, i64>, Unavailable> {
        let mut page = PageOfRows::new(query.limit);
        let mut before = query.before.unwrap_or(i64::MAX);
        // Not from a replica: servers learn here which locks were lifted.
        let mut connection = self.database.read_connection().await?;
        loop {
            let mut select = audit_log::table
                .filter(audit_log::id.lt(before))
                .order(audit_log::id.desc())
                .limit(page.rows())
                .select(EntryRow::as_select())
                .into_boxed();
            if let Some(after) = query.after {
                select = select.filter(audit_log::id.gt(after));
            }
            if let Some(action) = query.action {
                select = select.filter(audit_log::action.eq(action.as_str()));
            }
            if let Some(actor) = query.actor {
                select = select.filter(audit_log::actor_id.eq(actor.as_uuid()));
            }
            if let Some(target) = &query.target {
                select = select.filter(audit_log::target.eq(target.clone()));
            }
            let rows = select.load(&mut *connection).rows("audit.list").await.map_err(Unavailable::new)?;
            before = rows.last().map_or(before, |row| row.id);
            page = match page.add(rows.into_iter().map(|row| (row.id, row.into_entry()))) {
                ControlFlow::Continue(page) => page,
                ControlFlow::Break(page) => return Ok(page),
            };
        }
    }
}
