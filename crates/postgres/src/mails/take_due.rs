use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use comanda_domain::{
    AccountId, CredentialsVersion, Email, MailId, MailKind, MailLimits, Mailbox, Timestamp,
    ports::{DueMail, Unavailable},
};
use comanda_task::isolated;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::limit::{Class, ORDER, admitted, lock};
use crate::{
    accounts::place_among,
    database::{
        Database, Failure, MaybeStoredTime, Named, NamedRows, RowOf, StoredTime,
        schema::{mails, users},
    },
};

/// How long whoever took a mail may take to send it: longer than `NOTIFY_TIMEOUT_MS` can be, so that nobody else sends
/// it meanwhile.
const LEASE: TimeDelta = TimeDelta::minutes(2);

/// After this long nobody waits for a mail any more that they asked for, and that nobody has attempted to send: no
/// server ran, or none was told of a mail server.
const STALE: TimeDelta = TimeDelta::hours(1);

/// What became of a mail that was due.
enum Taken {
    Due(DueMail),
    Dropped,
    Nothing,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct MailRow {
    id: Uuid,
    kind: String,
    account_id: Option<Uuid>,
    email: String,
    typed: Option<String>,
    #[diesel(deserialize_as = StoredTime)]
    created_at: Timestamp,
    attempts: i32,
    #[diesel(deserialize_as = MaybeStoredTime)]
    counted_at: Option<Timestamp>,
    counted_as: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct ReaderRow {
    id: Uuid,
    email: String,
    #[diesel(deserialize_as = MaybeStoredTime)]
    email_verified_at: Option<Timestamp>,
    credentials_version: i64,
}

/// The mail that a transaction tried last, for whoever learns of nothing else but that it failed.
type Tried = Arc<Mutex<Option<Uuid>>>;

/// One mail per transaction: it holds the lock of one mailbox at most. One that cannot be taken, because of what its
/// row makes the database or this program do, is put off, so that the next call finds another one.
pub(super) async fn take_due(
    database: &Database,
    limits: MailLimits,
    at: Timestamp,
    attempts: u32,
) -> Result<Option<DueMail>, Unavailable> {
    loop {
        let tried = Tried::default();
        let trying = Arc::clone(&tried);
        let taking =
            database.transaction(async move |connection| take_one(connection, limits, at, attempts, &trying).await);
        match isolated(taking, Unavailable::new).await {
            Ok(Taken::Due(mail)) => return Ok(Some(mail)),
            Ok(Taken::Dropped) => {}
            Ok(Taken::Nothing) => return Ok(None),
            Err(cause) => {
                let tried = *tried.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(id) = tried {
                    tracing::error!(mail = %id, %cause, "a mail to an account cannot be taken; others go on");
                    // If this fails, too, the mail is not the reason.
                    put_off(database, id, at).await?;
                }
                return Err(cause);
            }
        }
    }
}

/// Unless somebody else has taken it meanwhile.
async fn put_off(database: &Database, id: Uuid, at: Timestamp) -> Result<(), Unavailable> {
    let mut connection = database.connection().await?;
    diesel::update(mails::table.find(id).filter(mails::next_at.le(at)))
        .set(mails::next_at.eq(Some(at + LEASE)))
        .execute(&mut *connection)
        .changes("mail.put_off")
        .await
        .map(drop)
        .map_err(Unavailable::new)
}

async fn take_one(
    connection: &mut AsyncPgConnection,
    limits: MailLimits,
    at: Timestamp,
    attempts: u32,
    tried: &Tried,
) -> Result<Taken, Failure<Unavailable>> {
    let row: Option<MailRow> = mails::table
        .filter(mails::next_at.le(at))
        .filter(mails::kind.ne(ORDER))
        .order(mails::next_at)
        .select(MailRow::as_select())
        .for_update()
        .skip_locked()
        .first(connection)
        .one("mail.take")
        .await
        .optional()?;
    let Some(row) = row else { return Ok(Taken::Nothing) };
    *tried.lock().unwrap_or_else(PoisonError::into_inner) = Some(row.id);
    let Ok(asked) = RowOf { table: "mails", id: row.id }.read("kind", row.kind.parse::<MailKind>()) else {
        // Perhaps a newer server recorded it, and sends it. All others wait for it no longer than for any other.
        return set_next_at(connection, row.id, Some(at + LEASE)).await;
    };
    let before = u32::try_from(row.attempts).unwrap_or_default();
    if before >= attempts {
        // Whoever attempted it last died, or took longer than the lease.
        tracing::error!(mail = %row.id, kind = %asked, account = ?row.account_id, "a mail to an account is given up");
        metrics::counter!("comanda_account_mails_total", "outcome" => "given_up").increment(1);
        return set_next_at(connection, row.id, None).await;
    }
    if before == 0 && MailKind::REQUESTED.contains(&asked) && row.created_at <= at - STALE {
        return set_next_at(connection, row.id, None).await;
    }
    // Before anybody looks for the account, and the mails are counted in any case: a request for the same mailbox waits
    // for the lock, and must not learn from the time whether there is an account.
    let mailbox = Mailbox::of(&Email::stored(&row.email));
    lock(connection, &mailbox).await?;
    let reader = reader_of(connection, &row).await?;
    let kind = reader.as_ref().and_then(|reader| asked.for_address(reader.email_verified_at.is_some()));
    let class = Class::of(kind.unwrap_or(asked));
    let count = admitted(connection, class, &mailbox, at).await?;
    let (Some(reader), Some(kind)) = (reader, kind) else { return set_next_at(connection, row.id, None).await };
    // The address may have been verified since another kind was admitted.
    let is_counted = row.counted_as.as_deref() == Some(kind.as_str());
    if !is_counted && count >= class.limit(limits) {
        metrics::counter!("comanda_mails_over_limit_total", "kind" => kind.as_str()).increment(1);
        return set_next_at(connection, row.id, None).await;
    }
    diesel::update(mails::table.find(row.id))
        .set((
            mails::account_id.eq(Some(reader.id)),
            mails::counted_at.eq(row.counted_at.filter(|_| is_counted).or(Some(at))),
            mails::counted_as.eq(Some(kind.as_str())),
            mails::next_at.eq(Some(at + LEASE)),
            mails::attempts.eq(mails::attempts + 1),
        ))
        .execute(connection)
        .changes("mail.lease")
        .await?;
    Ok(Taken::Due(DueMail {
        id: MailId::new(row.id),
        kind,
        asked,
        account_id: AccountId::new(reader.id),
        credentials: CredentialsVersion::new(reader.credentials_version),
        to: Email::stored(&reader.email),
        attempts: before + 1,
    }))
}

/// The account that the mail is for, unless it has another address by now, or is disabled.
async fn reader_of(connection: &mut AsyncPgConnection, row: &MailRow) -> QueryResult<Option<ReaderRow>> {
    let spellings = Email::stored(&row.email).typed_as(row.typed.as_deref().unwrap_or(&row.email)).spellings();
    let readers: Vec<ReaderRow> = users::table
        .filter(users::email.eq_any(&spellings).and(users::disabled.eq(false)))
        .order(place_among(&spellings, users::email))
        .select(ReaderRow::as_select())
        .load(connection)
        .rows("mail.find_reader")
        .await?;
    Ok(readers.into_iter().find(|reader| row.account_id.is_none_or(|account| account == reader.id)))
}

/// Nobody gets the mail before this time, or (`None`) at all.
async fn set_next_at(
    connection: &mut AsyncPgConnection,
    id: Uuid,
    next_at: Option<Timestamp>,
) -> Result<Taken, Failure<Unavailable>> {
    diesel::update(mails::table.find(id))
        .set(mails::next_at.eq(next_at))
        .execute(connection)
        .changes("mail.drop")
        .await?;
    Ok(Taken::Dropped)
}
