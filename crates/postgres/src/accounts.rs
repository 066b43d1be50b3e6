use async_trait::async_trait;
use chrono::{DateTime, Utc};
use comanda_domain::{
    account::{Account, Role},
    email::Email,
    ids::AccountId,
    password::PasswordHash,
    ports::{Accounts, Credentials, NewAccount, RegisterAccountError, Unavailable},
    text::PersonName,
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::{
    Database,
    row_error::{InconsistentRow, RowOf},
    schema::users,
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct UserRow {
    id: Uuid,
    email: String,
    name: String,
    role: String,
    disabled: bool,
    password_hash: String,
    created_at: DateTime<Utc>,
}

impl UserRow {
    fn new(account: &NewAccount) -> Self {
        Self {
            id: account.id.as_uuid(),
            email: account.email.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            role: account.role.as_str().to_owned(),
            disabled: false,
            password_hash: account.password_hash.expose().to_owned(),
            created_at: account.created_at,
        }
    }

    fn into_credentials(self) -> Result<Credentials, InconsistentRow> {
        let row = RowOf { table: "users", id: self.id };
        let account = Account {
            id: AccountId::new(self.id),
            email: row.read("email", Email::new(&self.email))?,
            name: row.read("name", PersonName::new(&self.name))?,
            role: row.read("role", self.role.parse::<Role>())?,
            disabled: self.disabled,
            created_at: self.created_at,
        };
        Ok(Credentials { account, password_hash: PasswordHash::new(self.password_hash) })
    }

    fn into_account(self) -> Result<Account, Unavailable> {
        Ok(self.into_credentials()?.account)
    }
}

/// Accounts in the table `users`.
pub struct PostgresAccounts {
    database: Database,
}

impl PostgresAccounts {
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Accounts for PostgresAccounts {
    async fn register(&self, account: NewAccount) -> Result<Account, RegisterAccountError> {
        let mut connection = self.database.connection().await?;
        let inserted = diesel::insert_into(users::table)
            .values(UserRow::new(&account))
            .returning(UserRow::as_returning())
            .get_result(&mut *connection)
            .await;
        match inserted {
            Ok(row) => Ok(row.into_account()?),
            Err(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
                Err(RegisterAccountError::EmailTaken)
            }
            Err(error) => Err(Unavailable::new(error).into()),
        }
    }

    async fn appoint(&self, account: NewAccount) -> Result<Account, Unavailable> {
        let row = UserRow::new(&account);
        let mut connection = self.database.connection().await?;
        diesel::insert_into(users::table)
            .values(&row)
            .on_conflict(users::email)
            .do_update()
            .set((
                users::name.eq(&row.name),
                users::role.eq(&row.role),
                users::password_hash.eq(&row.password_hash),
                users::disabled.eq(false),
            ))
            .returning(UserRow::as_returning())
            .get_result(&mut *connection)
            .await
            .map_err(Unavailable::new)?
            .into_account()
    }

    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Account>, Unavailable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.database.connection().await?;
        let rows = users::table
            .filter(users::id.eq_any(ids))
            .select(UserRow::as_select())
            .load(&mut *connection)
            .await
            .map_err(Unavailable::new)?;
        rows.into_iter().map(UserRow::into_account).collect()
    }

    async fn credentials(&self, email: &Email) -> Result<Option<Credentials>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let row = users::table
            .filter(users::email.eq(email.as_str()))
            .select(UserRow::as_select())
            .first(&mut *connection)
            .await
            .optional()
            .map_err(Unavailable::new)?;
        Ok(row.map(UserRow::into_credentials).transpose()?)
    }

    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<(), Unavailable> {
        let mut connection = self.database.connection().await?;
        diesel::update(users::table)
            .filter(users::id.eq(id.as_uuid()).and(users::password_hash.eq(old.expose())))
            .set(users::password_hash.eq(new.expose()))
            .execute(&mut *connection)
            .await
            .map_err(Unavailable::new)?;
        Ok(())
    }
}
