//! Which mails are taken, how often, and who waits meanwhile.

use chrono::TimeDelta;
use comanda_domain::{
    AccountId, Email, MailKind, MailLimits, Timestamp,
    ports::{DueMail, MailAllowance, Mails},
};
use comanda_postgres::PostgresMails;
use futures_util::{FutureExt, future::join_all};
use uuid::Uuid;

use crate::shop::{Shop, now};

const ATTEMPTS: u32 = 3;

const ANA: &str = "ana@example.org";

/// A shop to which no mail is due, and whose customer's address is verified.
async fn open() -> (Shop, PostgresMails) {
    let shop = Shop::open().await;
    let tables = shop.database.client().await;
    tables.batch_execute("DELETE FROM mails; UPDATE users SET email_verified_at = now()").await.unwrap();
    let mails = PostgresMails::new(shop.pool.clone(), MailLimits { requested: 5, others: 60 });
    (shop, mails)
}

/// Records a mail that is due.
async fn record(shop: &Shop, kind: &str, email: &str, created_at: Timestamp, attempts: u32) -> Uuid {
    let insert = "INSERT INTO mails (kind, email, mailbox, created_at, next_at, attempts) \
                  VALUES ($1, $2, $2, $3, $3, $4) RETURNING id";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] = [&kind, &email, &created_at, &attempts.cast_signed()];
    shop.database.client().await.query_one(insert, &values).await.unwrap().get(0)
}

async fn next_at(shop: &Shop, id: Uuid) -> Option<Timestamp> {
    let row = shop.database.client().await.query_one("SELECT next_at FROM mails WHERE id = $1", &[&id]).await;
    row.unwrap().get(0)
}

async fn take(mails: &PostgresMails, at: Timestamp) -> Option<DueMail> {
    mails.take_due(at, ATTEMPTS).await.unwrap()
}

#[tokio::test]
async fn whoever_is_slower_than_the_lease_settles_nothing_for_whoever_took_the_mail_again() {
    let (shop, mails) = open().await;
    record(&shop, "password-changed", ANA, now(), 0).await;
    let at = |minutes| now() + TimeDelta::minutes(minutes);
    let slow = take(&mails, at(0)).await.unwrap();
    assert_eq!(take(&mails, at(1)).await, None, "the lease is longer than a mail may take");
    let second = take(&mails, at(3)).await.unwrap();
    assert_eq!((slow.attempts, second.attempts), (1, 2));
    mails.settle(slow.id, slow.attempts, None).await.unwrap();
    let third = take(&mails, at(6)).await.unwrap();
    mails.settle(third.id, third.attempts, None).await.unwrap();
    mails.settle(slow.id, slow.attempts, Some(at(6))).await.unwrap();
    assert_eq!(take(&mails, at(9)).await, None);
}

#[tokio::test]
async fn what_was_attempted_often_enough_is_given_up_though_nobody_reported_how_it_ended() {
    let (shop, mails) = open().await;
    let id = record(&shop, "password-changed", ANA, now(), ATTEMPTS).await;
    assert_eq!((take(&mails, now()).await, next_at(&shop, id).await), (None, None));
}

#[tokio::test]
async fn what_was_asked_for_long_ago_is_sent_only_if_it_was_attempted_in_time() {
    let (shop, mails) = open().await;
    let long_ago = now() - TimeDelta::minutes(61);
    for kind in MailKind::REQUESTED {
        let id = record(&shop, kind.as_str(), ANA, long_ago, 0).await;
        assert_eq!((take(&mails, now()).await, next_at(&shop, id).await), (None, None), "{kind}");
    }
    record(&shop, "password-reset", ANA, long_ago, 1).await;
    assert_eq!(take(&mails, now()).await.unwrap().kind, MailKind::PasswordReset);
    record(&shop, "password-changed", ANA, long_ago, 0).await;
    assert_eq!(take(&mails, now()).await.unwrap().kind, MailKind::PasswordChanged, "a notice is of use for long");
}

#[tokio::test]
async fn a_mail_of_an_unknown_kind_is_left_and_stops_no_other() {
    let (shop, mails) = open().await;
    shop.database.client().await.batch_execute("ALTER TABLE mails DROP CONSTRAINT mails_kind_check").await.unwrap();
    let id = record(&shop, "invitation", ANA, now() - TimeDelta::minutes(1), 0).await;
    record(&shop, "password-changed", ANA, now(), 0).await;
    assert_eq!(take(&mails, now()).await.unwrap().kind, MailKind::PasswordChanged);
    assert!(next_at(&shop, id).await.unwrap() > now());
}

#[tokio::test]
async fn a_mail_whose_row_makes_the_database_fail_stops_no_other() {
    let (shop, mails) = open().await;
    let tables = shop.database.client().await;
    let failing = "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''in this test''; END'; \
                   CREATE TRIGGER fail BEFORE UPDATE ON mails FOR EACH ROW \
                   WHEN (OLD.kind = 'password-reset' AND NEW.attempts > OLD.attempts) EXECUTE FUNCTION fail()";
    tables.batch_execute(failing).await.unwrap();
    let id = record(&shop, "password-reset", ANA, now() - TimeDelta::minutes(1), 0).await;
    record(&shop, "password-changed", ANA, now(), 0).await;
    assert!(mails.take_due(now(), ATTEMPTS).await.is_err(), "it is said");
    assert_eq!(take(&mails, now()).await.unwrap().kind, MailKind::PasswordChanged);
    assert!(next_at(&shop, id).await.unwrap() > now(), "it is tried again later");
    tables.batch_execute("DROP TRIGGER fail ON mails").await.unwrap();
    assert_eq!(take(&mails, now() + TimeDelta::minutes(2)).await.unwrap().id.as_uuid(), id);
}

#[tokio::test]
async fn a_reset_of_an_unverified_address_says_what_was_asked_for() {
    let (shop, mails) = open().await;
    shop.database.client().await.batch_execute("UPDATE users SET email_verified_at = NULL").await.unwrap();
    record(&shop, "password-reset", ANA, now(), 0).await;
    let due = take(&mails, now()).await.unwrap();
    assert_eq!((due.kind, due.asked), (MailKind::Verification, MailKind::PasswordReset));
}

#[tokio::test]
async fn the_mailbox_is_locked_whether_there_is_an_account_or_not() {
    let (shop, mails) = open().await;
    for email in [ANA, "nobody@example.org"] {
        record(&shop, "password-reset", email, now(), 0).await;
        let holder = shop.database.client().await;
        let lock = format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('mailbox {email}', 0))");
        holder.batch_execute(&lock).await.unwrap();
        let mut taking = std::pin::pin!(take(&mails, now()).fuse());
        tokio::select! {
            taken = &mut taking => panic!("{email}: {taken:?} was taken without the lock"),
            () = shop.until_waiting(1) => {}
        }
        drop(holder);
        assert_eq!(taking.await.is_some(), email == ANA);
    }
}

#[tokio::test]
async fn mails_about_orders_that_wait_for_a_mailbox_take_no_connection_from_orders() {
    let (shop, mails) = open().await;
    let holder = shop.database.client().await;
    let lock = format!("BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('mailbox {ANA}', 0))");
    holder.batch_execute(&lock).await.unwrap();
    let (account, email): (AccountId, _) = (shop.customer.id, Email::new(ANA).unwrap());
    let admitting = join_all((0..64).map(|event| mails.admit(event, account, &email, now())));
    let mut admitting = std::pin::pin!(admitting.fuse());
    let selling = async {
        shop.until_waiting(1).await;
        shop.item(1).await
    };
    tokio::select! {
        admitted = &mut admitting => panic!("{admitted:?} without the lock"),
        _ = selling => {}
    }
    drop(holder);
    let admitted: Vec<bool> = admitting.await.into_iter().map(Result::unwrap).collect();
    assert_eq!(admitted.iter().filter(|is_admitted| **is_admitted).count(), 60);
}

/// Servers of the release before keep keys with the mails.
#[tokio::test]
async fn the_key_of_a_verification_holds_across_releases() {
    let (shop, mails) = open().await;
    let tables = shop.database.client().await;
    tables.batch_execute("UPDATE users SET email_verified_at = NULL").await.unwrap();
    let request = |key| mails.request_verification(shop.customer.id, now(), Some(shop.idempotency(key)));
    let insert = "INSERT INTO mails (kind, account_id, email, mailbox, created_at, request_key) \
                  VALUES ('verification', $1, $2, $2, now() - $3::text::interval, $4)";
    for (age, key) in [("23 hours", "known"), ("25 hours", "expired")] {
        tables.execute(insert, &[&shop.customer.id.as_uuid(), &ANA, &age, &key]).await.unwrap();
    }
    assert!(request("known").await.unwrap().replayed);
    assert!(!request("expired").await.unwrap().replayed);
    assert!(!request("new").await.unwrap().replayed);
    let sent = "SELECT request_key FROM mails WHERE next_at IS NOT NULL ORDER BY request_key";
    let sent: Vec<String> = tables.query(sent, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(sent, ["expired", "new"]);
}
