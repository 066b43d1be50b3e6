//! Rows that are deleted by their age alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use comanda_domain::{
    Perishable, Timestamp,
    ports::{Deleted, Unavailable},
};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Nullable, Timestamptz},
};
use diesel_async::RunQueryDsl;

use super::Beginnings;
use crate::database::{Database, Named};

/// Which rows are deleted.
struct Rule {
    /// What the statement is called.
    name: &'static str,
    table: &'static str,
    /// The column that decides, with an index.
    age: &'static str,
    /// What else must hold. `$1` is the horizon.
    condition: &'static str,
}

impl Rule {
    const fn of(name: &'static str, table: &'static str, age: &'static str) -> Self {
        Self { name, table, age, condition: "true" }
    }

    const fn only_if(self, condition: &'static str) -> Self {
        Self { condition, ..self }
    }

    /// Reads the index from `$3` on and leaves rows that somebody uses for later. Rows are deleted by their places,
    /// where their locks keep them, so that no plan reads the whole table. What depends on a row goes with it.
    fn statement(&self) -> String {
        let Self { table, age, condition, .. } = self;
        format!(
            "WITH deleted AS (\
               DELETE FROM {table} WHERE ctid = ANY (ARRAY (\
                 SELECT ctid FROM {table} WHERE {age} >= $3 AND {age} < $1 AND {condition} \
                 ORDER BY {age} LIMIT $2 FOR UPDATE SKIP LOCKED)) \
               RETURNING {age} AS age) \
             SELECT count(*) AS rows, max(age) AS last FROM deleted"
        )
    }
}

const fn rules(what: Perishable) -> &'static [Rule] {
    match what {
        Perishable::IdempotencyKeys => {
            const { &[Rule::of("idempotency_key.delete_old", "idempotency_keys", "recorded_at")] }
        }
        Perishable::Sessions => {
            const {
                &[
                    Rule::of("session.delete_closed", "sessions", "closed_at"),
                    Rule::of("session.delete_expired", "sessions", "expires_at"),
                ]
            }
        }
        Perishable::RefreshTokens => {
            const { &[Rule::of("session.delete_spent_tokens", "refresh_tokens", "used_at").only_if("NOT is_kept")] }
        }
        Perishable::MailTokens => {
            const { &[Rule::of("mail.delete_tokens", "mail_tokens", "expires_at").only_if("NOT unlock_due")] }
        }
        Perishable::Mails => {
            const {
                &[Rule::of("mail.delete", "mails", "created_at")
                    .only_if("next_at IS NULL AND (counted_at IS NULL OR counted_at < $1)")]
            }
        }
        Perishable::GatewayEvents => {
            const {
                &[Rule::of("gateway_event.delete_handled", "gateway_events", "handled_at")
                    .only_if("malformed IS NULL AND unknown_kind IS NULL")]
            }
        }
        Perishable::UnknownGatewayEvents => {
            // Not while a server that knows them is handling them.
            const {
                &[Rule::of("gateway_event.delete_unknown", "gateway_events", "handled_at").only_if(
                    "malformed IS NULL AND unknown_kind IS NOT NULL AND (taken_until IS NULL OR taken_until < now())",
                )]
            }
        }
        // They have statements of their own.
        Perishable::Events | Perishable::Subscribers => &[],
    }
}

/// Remembers how old the last row was that each statement deleted.
#[derive(Default)]
pub(super) struct OldRows {
    beginnings: Mutex<Beginnings<HashMap<&'static str, Timestamp>>>,
}

#[derive(QueryableByName)]
struct Batch {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last: Option<Timestamp>,
}

impl OldRows {
    pub(super) async fn delete(
        &self,
        database: &Database,
        what: Perishable,
        before: Timestamp,
        limit: u32,
    ) -> Result<Deleted, Unavailable> {
        let mut deleted = Deleted::default();
        for rule in rules(what) {
            let begin = self.beginning_of(rule);
            let mut connection = database.connection().await?;
            let batch: Batch = sql_query(rule.statement())
                .bind::<Timestamptz, _>(before)
                .bind::<BigInt, _>(i64::from(limit))
                .bind::<Timestamptz, _>(begin)
                .get_result(&mut *connection)
                .one(rule.name)
                .await
                .map_err(Unavailable::new)?;
            if let Some(last) = batch.last {
                self.begin_at(rule, last);
            }
            if what == Perishable::UnknownGatewayEvents && batch.rows > 0 {
                let events = batch.rows;
                tracing::warn!(events, "events of the payment gateway are deleted whose kinds no server has known");
            }
            deleted.rows += u64::try_from(batch.rows).unwrap_or_default();
            deleted.more |= batch.rows == i64::from(limit);
        }
        Ok(deleted)
    }

    fn beginning_of(&self, rule: &Rule) -> Timestamp {
        let mut beginnings = self.beginnings.lock().unwrap_or_else(PoisonError::into_inner);
        beginnings.current().get(rule.name).copied().unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn begin_at(&self, rule: &Rule, last: Timestamp) {
        self.beginnings.lock().unwrap_or_else(PoisonError::into_inner).current().insert(rule.name, last);
    }
}
