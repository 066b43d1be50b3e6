use comanda_domain::{
    Email, Role,
    ports::{AccountChanges, Accounts, ExistingAccount, NewAccount, RegisterAccountError},
};
use futures_util::future::join_all;

use crate::shop::{Shop, hash_of, new_account};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_several_simultaneous_registrations_gets_the_address() {
    let shop = Shop::open().await;
    let outcomes = join_all((0..8).map(|_| shop.accounts.register(new_account("ben@example.org")))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let taken = outcomes.iter().filter(|outcome| matches!(outcome, Err(RegisterAccountError::EmailTaken)));
    assert_eq!(taken.count(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn appointing_opens_an_account_or_changes_the_one_there_is() {
    let shop = Shop::open().await;
    let admin = |email| NewAccount { role: Role::Admin, password_hash: hash_of("another"), ..new_account(email) };
    let appoint = |email, existing| shop.accounts.appoint(admin(email), existing);
    let refused = appoint("ana@example.org", ExistingAccount::Refused).await;
    assert!(matches!(refused, Err(RegisterAccountError::EmailTaken)));
    let promoted = appoint("ana@example.org", ExistingAccount::Appointed).await.unwrap().account;
    assert_eq!((promoted.id, promoted.role), (shop.customer.id, Role::Admin));
    let credentials = shop.accounts.credentials(&Email::new("ana@example.org").unwrap()).await.unwrap().unwrap();
    assert_eq!(credentials.password_hash, hash_of("another"));
    assert_eq!(appoint("chef@example.org", ExistingAccount::Refused).await.unwrap().account.role, Role::Admin);
    assert_eq!(shop.accounts.credentials(&Email::new("nobody@example.org").unwrap()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hash_is_replaced_only_while_it_is_the_one_that_was_seen() {
    let shop = Shop::open().await;
    let current = || async { shop.accounts.credentials(&shop.customer.email).await.unwrap().unwrap().password_hash };
    shop.accounts.replace_hash(shop.customer.id, &hash_of("stale"), &hash_of("better")).await.unwrap();
    assert_eq!(current().await, hash_of("first"));
    shop.accounts.replace_hash(shop.customer.id, &hash_of("first"), &hash_of("better")).await.unwrap();
    assert_eq!(current().await, hash_of("better"));
}
