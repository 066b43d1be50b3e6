use comanda_domain::{AccountId, Email, MailLimits, Mailbox, Timestamp, ports::Unavailable};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::limit::{Class, ORDER, admitted, lock};
use crate::database::{Database, Named, schema::mails};

pub(super) async fn admit(
    database: &Database,
    limits: MailLimits,
    event: i64,
    account: AccountId,
    to: Email,
    at: Timestamp,
) -> Result<bool, Unavailable> {
    database
        .transaction(async move |connection| {
            let mailbox = Mailbox::of(&to);
            lock(connection, &mailbox).await?;
            let before: Option<bool> = mails::table
                .filter(mails::event_id.eq(event))
                .select(mails::counted_at.is_not_null())
                .first(connection)
                .one("mail.find_event")
                .await
                .optional()?;
            if let Some(was_admitted) = before {
                return Ok(was_admitted);
            }
            let is_admitted = admitted(connection, Class::Order, &mailbox, at).await? < Class::Order.limit(limits);
            diesel::insert_into(mails::table)
                .values((
                    mails::kind.eq(ORDER),
                    mails::account_id.eq(Some(account.as_uuid())),
                    mails::email.eq(to.as_str()),
                    mails::mailbox.eq(mailbox.as_str()),
                    mails::created_at.eq(at),
                    mails::counted_at.eq(is_admitted.then_some(at)),
                    mails::counted_as.eq(is_admitted.then_some(ORDER)),
                    mails::event_id.eq(Some(event)),
                ))
                .execute(connection)
                .changes("mail.count_event")
                .await?;
            if !is_admitted {
                metrics::counter!("comanda_mails_over_limit_total", "kind" => ORDER).increment(1);
            }
            Ok(is_admitted)
        })
        .await
}
