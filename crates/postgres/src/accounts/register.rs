use comanda_domain::{
    Account, MailKind,
    ports::{NewAccount, RegisterAccountError},
};
use diesel::{
    ExpressionMethods, QueryDsl, SelectableHelper,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::RunQueryDsl;

use super::AccountRow;
use crate::{
    database::{Database, Failure, Named, schema::users},
    mails::record,
};

pub(super) async fn register(database: &Database, account: NewAccount) -> Result<Account, RegisterAccountError> {
    database
        .transaction(async move |connection| {
            // The index finds the one form by itself.
            let mut others = account.email.spellings();
            others.retain(|spelling| spelling != account.email.as_str());
            if !others.is_empty() {
                let known = users::table.filter(users::email.eq_any(others));
                let known = diesel::select(diesel::dsl::exists(known)).get_result(connection);
                if known.one("account.find_spelling").await? {
                    return Err(Failure(RegisterAccountError::EmailTaken));
                }
            }
            let inserted = diesel::insert_into(users::table)
                .values(AccountRow::new(&account))
                .returning(AccountRow::as_returning())
                .get_result(connection)
                .one("account.register")
                .await;
            let row = match inserted {
                Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
                    return Err(Failure(RegisterAccountError::EmailTaken));
                }
                inserted => inserted?,
            };
            record(connection, MailKind::Verification, Some(account.id), &account.email, account.created_at).await?;
            Ok(row.into_account()?)
        })
        .await
}
