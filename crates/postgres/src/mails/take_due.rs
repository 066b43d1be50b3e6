use chrono::TimeDelta;
use comanda_domain::{
    AccountId, CredentialsVersion, Email, MailId, MailKind, MailLimits, Mailbox, Timestamp,
    ports::{DueMail, Unavailable},
};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::limit::{Class, ORDER, admitted, lock};
use crate::database::{
    Database, Failure, Named, RowOf,
    schema::{mails, users},
};

/// How long whoever took a mail may take to send it: longer than `NOTIFY_TIMEOUT_MS` can be, so that nobody else sends it
/// meanwhile.
const LEASE: TimeDelta = TimeDelta::minutes(2);

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
    attempts: i32,
    counted_at: Option<Timestamp>,
    counted_as: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct ReaderRow {
    id: Uuid,
    email: String,
    email_verified_at: Option<Timestamp>,
    credentials_version: i64,
}

/// One mail per transaction: it holds the lock of one mailbox at most.
pub(super) async fn take_due(
    database: &Database,
    limits: MailLimits,
    at: Timestamp,
) -> Result<Option<DueMail>, Unavailable> {
    loop {
        match database.transaction(async move |connection| take_one(connection, limits, at).await).await? {
            Taken::Due(mail) => return Ok(Some(mail)),
            Taken::Dropped => {}
            Taken::Nothing => return Ok(None),
        }
    }
}

async fn take_one(
    connection: &mut AsyncPgConnection,
    limits: MailLimits,
    at: Timestamp,
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
    let kind: MailKind = RowOf { table: "mails", id: row.id }.read("kind", row.kind.parse())?;
    let Some(reader) = reader_of(connection, &row).await? else { return drop_mail(connection, row.id).await };
    let Some(kind) = kind.for_address(reader.email_verified_at.is_some()) else {
        return drop_mail(connection, row.id).await;
    };
    let to = Email::stored(&reader.email);
    // The address may have been verified since another kind was admitted.
    let is_counted = row.counted_as.as_deref() == Some(kind.as_str());
    if !is_counted {
        let (class, mailbox) = (Class::of(kind), Mailbox::of(&to));
        lock(connection, &mailbox).await?;
        if admitted(connection, class, &mailbox, at).await? >= class.limit(limits) {
            metrics::counter!("comanda_mails_over_limit_total", "kind" => kind.as_str()).increment(1);
            return drop_mail(connection, row.id).await;
        }
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
        account_id: AccountId::new(reader.id),
        credentials: CredentialsVersion::new(reader.credentials_version),
        to,
        attempts: u32::try_from(row.attempts).unwrap_or_default() + 1,
    }))
}

/// The account that the mail is for, unless it has another address by now, or is disabled.
async fn reader_of(connection: &mut AsyncPgConnection, row: &MailRow) -> QueryResult<Option<ReaderRow>> {
    let reader = users::table
        .filter(users::email.eq(&row.email).and(users::disabled.eq(false)))
        .select(ReaderRow::as_select())
        .first(connection)
        .one("mail.find_reader")
        .await
        .optional()?;
    Ok(reader.filter(|reader: &ReaderRow| row.account_id.is_none_or(|account| account == reader.id)))
}

async fn drop_mail(connection: &mut AsyncPgConnection, id: Uuid) -> Result<Taken, Failure<Unavailable>> {
    diesel::update(mails::table.find(id))
        .set(mails::next_at.eq(None::<Timestamp>))
        .execute(connection)
        .changes("mail.drop")
        .await?;
    Ok(Taken::Dropped)
}
