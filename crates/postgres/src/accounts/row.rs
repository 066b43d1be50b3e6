use chrono::{DateTime, Utc};
use comanda_domain::{
    Account, AccountId, CredentialsVersion, Email, PasswordHash, PersonName, Role,
    ports::{Credentials, NewAccount, Readable},
};
use diesel::prelude::*;
use uuid::Uuid;

use crate::database::{MaybeStoredTime, RowOf, StoredTime, schema::users};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(crate) struct AccountRow {
    pub(super) id: Uuid,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) role: String,
    pub(super) disabled: bool,
    pub(super) password_hash: String,
    #[diesel(deserialize_as = StoredTime)]
    pub(super) created_at: DateTime<Utc>,
    pub(super) credentials_version: i64,
    #[diesel(deserialize_as = MaybeStoredTime)]
    pub(super) email_verified_at: Option<DateTime<Utc>>,
}

impl AccountRow {
    pub(super) fn new(account: &NewAccount) -> Self {
        Self {
            id: account.id.as_uuid(),
            email: account.email.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            role: account.role.as_str().to_owned(),
            disabled: false,
            password_hash: account.password_hash.expose().to_owned(),
            created_at: account.created_at,
            credentials_version: 1,
            email_verified_at: None,
        }
    }

    pub(super) fn role(&self) -> Readable<Role> {
        RowOf { table: "users", id: self.id }.read("role", self.role.parse())
    }

    pub(super) fn into_credentials(self) -> Readable<Credentials> {
        let row = RowOf { table: "users", id: self.id };
        // Where nobody signs in, it does not matter.
        let password_hash = row.read("password_hash", PasswordHash::stored(self.password_hash.clone()))?;
        let version = CredentialsVersion::new(self.credentials_version);
        Ok(Credentials { account: self.into_account()?, password_hash, version })
    }

    pub(crate) fn into_account(self) -> Readable<Account> {
        Ok(Account {
            id: AccountId::new(self.id),
            email: Email::stored(&self.email),
            name: PersonName::stored(&self.name),
            role: self.role()?,
            disabled: self.disabled,
            email_verified: self.email_verified_at.is_some(),
            created_at: self.created_at,
        })
    }

    pub(crate) const fn credentials_version(&self) -> i64 {
        self.credentials_version
    }
}
