//! The limits of mails: those that are sent are counted per mailbox, those that are asked for per address. Whoever
//! counts holds the mailbox's lock until the end of the transaction, so the limits are exact however many servers
//! count.

use comanda_domain::{Email, MAIL_LIMIT_PERIOD, MailKind, MailLimits, Mailbox, Timestamp};
use diesel::{
    dsl::{count_star, min},
    prelude::*,
    sql_query,
    sql_types::Text,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use crate::database::{Named, schema::mails};

/// The kind of a mail about an event, which no account's mail has.
pub(super) const ORDER: &str = "order";

/// Kinds that are counted together. Whoever causes mails of one class keeps no mail of another from its reader:
/// strangers can cause verifications (by registering addresses of the same mailbox), and orders cause more mails than
/// anything else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Verification,
    PasswordReset,
    Notice,
    Order,
}

impl Class {
    pub(super) fn of(kind: MailKind) -> Self {
        match kind {
            MailKind::Verification => Self::Verification,
            MailKind::PasswordReset => Self::PasswordReset,
            MailKind::PasswordChanged | MailKind::AdminAppointed => Self::Notice,
        }
    }

    fn kinds(self) -> Vec<&'static str> {
        let kinds = MailKind::ALL.into_iter().filter(|kind| Self::of(*kind) == self).map(MailKind::as_str);
        kinds.chain((self == Self::Order).then_some(ORDER)).collect()
    }

    pub(super) fn limit(self, limits: MailLimits) -> i64 {
        i64::from(match self {
            Self::Verification | Self::PasswordReset => limits.requested,
            Self::Notice | Self::Order => limits.others,
        })
    }
}

/// Lets nobody else count the mailbox's mails until the transaction ends.
pub(super) async fn lock(connection: &mut AsyncPgConnection, mailbox: &Mailbox) -> QueryResult<()> {
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('mailbox ' || $1, 0))")
        .bind::<Text, _>(mailbox.as_str())
        .execute(connection)
        .changes("mail.lock_mailbox")
        .await
        .map(|_| ())
}

/// How many of the mailbox's mails were admitted within the period.
pub(super) async fn admitted(
    connection: &mut AsyncPgConnection,
    class: Class,
    mailbox: &Mailbox,
    at: Timestamp,
) -> QueryResult<i64> {
    mails::table
        .filter(mails::mailbox.eq(mailbox.as_str()).and(mails::counted_as.eq_any(class.kinds())))
        .filter(mails::counted_at.gt(at - MAIL_LIMIT_PERIOD))
        .select(count_star())
        .first(connection)
        .one("mail.count_admitted")
        .await
}

/// How many mails of the kind were asked for within the period, and when the first was. Those that were dropped count
/// as well: whether an address has an account must make no difference. So each address counts alone: whoever asks for
/// mails to an address that has no account, of a mailbox that has one under another address, keeps nothing from its
/// owner.
pub(super) async fn requested(
    connection: &mut AsyncPgConnection,
    kind: MailKind,
    email: &Email,
    at: Timestamp,
) -> QueryResult<(i64, Option<Timestamp>)> {
    mails::table
        // The mailbox is what the index knows.
        .filter(mails::mailbox.eq(Mailbox::of(email).as_str()).and(mails::email.eq(email.as_str())))
        .filter(mails::kind.eq(kind.as_str()))
        .filter(mails::created_at.gt(at - MAIL_LIMIT_PERIOD))
        // Nothing that would have been asked for at the end of time.
        .filter(mails::created_at.lt(at + MAIL_LIMIT_PERIOD))
        .select((count_star(), min(mails::created_at)))
        .first(connection)
        .one("mail.count_requested")
        .await
}
