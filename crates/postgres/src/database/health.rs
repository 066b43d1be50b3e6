use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use comanda_domain::ports::{ComponentHealth, Unavailable};
use diesel::{QueryResult, dsl::sql, sql_query, sql_types::Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use thiserror::Error;
use tokio::sync::Mutex;

use super::{
    Database,
    failure_class::{class_of, is_lock_timeout},
    fitness::{Orders, distrust},
    flush_log,
    named::Named,
};

/// Checks within a second that `PostgreSQL` answers, and that orders can be written to it.
pub struct PostgresHealth {
    database: Database,
    /// Held while it is found out whether orders can be written again.
    trial: Arc<Mutex<()>>,
}

/// What every order locks, and for how long another session may be in the way of a look.
const TABLES: &str = "SELECT pg_catalog.set_config('lock_timeout', '300ms', true); \
                      LOCK TABLE menu_items, menu_version, orders, order_lines, outbox_events IN ROW EXCLUSIVE MODE; \
                      LOCK TABLE users, idempotency_keys IN ROW SHARE MODE; \
                      LOCK TABLE payments, database_histories IN ACCESS SHARE MODE";

/// How long the look at all of them may take.
const LOOK: Duration = Duration::from_millis(500);

/// A check takes a second at most, and says what it waited for.
const PROMPT: &str = "SET lock_timeout = 400; SET statement_timeout = 700;";

/// What was tried did not end in time, such as a commit that waits for a standby.
#[derive(Debug, Error)]
#[error("PostgreSQL at {0} does not write an order within a second")]
struct Late(String);

/// The database cannot be written to.
#[derive(Debug, Error)]
#[error("PostgreSQL at {0} is read-only")]
struct ReadOnly(String);

impl PostgresHealth {
    pub fn new(database: Database) -> Self {
        Self { database, trial: Arc::default() }
    }

    async fn ensure_writable(&self) -> Result<(), Unavailable> {
        let mut connection = self.database.connection_for_a_look().await?;
        if is_read_only(&mut connection).await.map_err(Unavailable::new)? {
            // What is wrong with a session need not be wrong with one that is opened now.
            let mut new = self.database.dedicated("").await?;
            if is_read_only(&mut new).await.map_err(Unavailable::new)? {
                return Err(Unavailable::new(ReadOnly(self.database.addresses().to_owned())));
            }
            distrust(&mut connection);
        }
        self.ensure_unlocked(&mut connection).await
    }

    /// Locks for an instant what every order does. Rows do not matter.
    async fn ensure_unlocked(&self, connection: &mut AsyncPgConnection) -> Result<(), Unavailable> {
        const LOCKED: &str = "a table is locked by another session";
        let cause = match tokio::time::timeout(LOOK, connection.batch_execute(TABLES)).await {
            // Several tables are, each for less than its own time limit.
            Err(_) => {
                distrust(connection);
                Some(LOCKED.to_owned())
            }
            Ok(Err(error)) => match class_of(&error) {
                // In another language than English, a time limit is of the class of everything else.
                "lock_timeout" | "database" => Some(format!("{LOCKED}: {error}")),
                // It locks nothing unless it may write to all of them; orders say what they may not.
                "permission_denied" => None,
                _ => return Err(Unavailable::new(error)),
            },
            Ok(Ok(())) => None,
        };
        self.database.note_locks(cause)
    }

    /// Finds out whether orders can be written again. One trial at a time, which goes on when its check is over: a
    /// commit that waits for a standby ends by no time limit, and does not notice that nobody waits for it any more.
    async fn try_to_write(&self) -> Result<(), Unavailable> {
        let Ok(turn) = Arc::clone(&self.trial).try_lock_owned() else { return Err(self.late()) };
        let database = self.database.clone();
        let trial = self.database.runtime().spawn(async move {
            let _turn = turn;
            let mut connection = database.dedicated(PROMPT).await?;
            let outcome = match write_an_order(&mut connection).await {
                // A row of the last order is held, and the tables are free: others can be written.
                Err(error) if is_lock_timeout(&error) => return Ok(()),
                outcome => outcome.map_err(Unavailable::new),
            };
            database.note_orders(outcome.as_ref().copied());
            outcome
        });
        trial.await.map_err(Unavailable::new)?
    }

    fn late(&self) -> Unavailable {
        Unavailable::new(Late(self.database.addresses().to_owned()))
    }
}

async fn is_read_only(connection: &mut AsyncPgConnection) -> QueryResult<bool> {
    let read_only = diesel::select(sql::<Text>("pg_catalog.current_setting('transaction_read_only')"));
    let read_only: String = read_only.get_result(connection).one("health.look").await?;
    Ok(read_only == "on")
}

/// Writes what is written with an order, like the one that was placed last, and takes it back.
async fn write_an_order(connection: &mut AsyncPgConnection) -> QueryResult<()> {
    connection.batch_execute("BEGIN").await?;
    sql_query(
        "WITH last AS (SELECT * FROM orders ORDER BY id DESC LIMIT 1), \
         copy AS (\
           INSERT INTO orders (id, customer_id, total, line_count, note, created_at, updated_at) \
           SELECT gen_random_uuid(), customer_id, total, line_count, note, now(), now() FROM last RETURNING id), \
         lines AS (\
           INSERT INTO order_lines (order_id, position, menu_item_id, quantity, unit_price, name, note) \
           SELECT copy.id, l.position, l.menu_item_id, l.quantity, l.unit_price, l.name, l.note \
           FROM copy, last JOIN order_lines l ON l.order_id = last.id) \
         INSERT INTO outbox_events (kind, subject_version, subject_id, occurred_at) \
         SELECT 'order.placed', 1, coalesce((SELECT id FROM copy), gen_random_uuid()), now()",
    )
    .execute(connection)
    .changes("health.write")
    .await?;
    // If it fails before, the connection is closed.
    connection.batch_execute("ROLLBACK").await?;
    // It changes nothing, but is committed as an order is: a standby may be waited for.
    flush_log(connection).await
}

#[async_trait]
impl ComponentHealth for PostgresHealth {
    async fn check(&self) -> Result<(), Unavailable> {
        let orders = self.database.orders()?;
        let check = async {
            match orders {
                Orders::Written => self.ensure_writable().await,
                Orders::InDoubt => {
                    self.ensure_writable().await?;
                    self.try_to_write().await
                }
            }
        };
        let checked = tokio::time::timeout(Duration::from_secs(1), check).await;
        checked.unwrap_or_else(|_| match orders {
            Orders::Written => Err(self.database.no_connection_for_writes()),
            Orders::InDoubt => Err(self.late()),
        })
    }
}
