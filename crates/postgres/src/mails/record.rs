use comanda_domain::{AccountId, Email, IdempotencyKey, MailKind, Mailbox, Timestamp};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Named, schema::mails};

/// Records a mail to be sent, in the transaction that causes it. `account` is `None` where it is to be looked up when
/// the mail is sent.
pub(crate) async fn record(
    connection: &mut AsyncPgConnection,
    kind: MailKind,
    account: Option<AccountId>,
    email: &Email,
    at: Timestamp,
) -> QueryResult<()> {
    record_under(connection, kind, account, email, None, at, Some(at)).await
}

/// The same, with the key of the request, which servers of the release before look for. `next_at` is `None` where there
/// is nothing to send.
pub(super) async fn record_under(
    connection: &mut AsyncPgConnection,
    kind: MailKind,
    account: Option<AccountId>,
    email: &Email,
    key: Option<&IdempotencyKey>,
    at: Timestamp,
    next_at: Option<Timestamp>,
) -> QueryResult<()> {
    diesel::insert_into(mails::table)
        .values((
            mails::kind.eq(kind.as_str()),
            mails::account_id.eq(account.map(AccountId::as_uuid)),
            mails::email.eq(email.as_str()),
            mails::typed.eq(email.typed()),
            mails::mailbox.eq(Mailbox::of(email).as_str()),
            mails::created_at.eq(at),
            mails::next_at.eq(next_at),
            mails::request_key.eq(key.map(IdempotencyKey::as_str)),
        ))
        .execute(connection)
        .changes("mail.record")
        .await
        .map(|_| ())
}
