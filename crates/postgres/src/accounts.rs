use async_trait::async_trait;
use chrono::{DateTime, Utc};
use comanda_domain::{
    Timestamp,
    account::{Account, AccountChange, Role},
    audit::{AuditAction, AuditRecord},
    email::Email,
    ids::AccountId,
    page::Page,
    password::PasswordHash,
    ports::{Accounts, AccountsQuery, ChangeAccountError, Credentials, NewAccount, RegisterAccountError, Unavailable},
    text::{PersonName, Reason},
};
use diesel::{
    prelude::*,
    result::{DatabaseErrorKind, Error as DieselError},
};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    Database,
    audit_log::write_record,
    database::{Failure, InconsistentRow, Named, NamedRows, RowOf, schema::users, spawn_transaction},
};

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
pub(crate) struct UserRow {
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

    pub(crate) fn into_account(self) -> Result<Account, Unavailable> {
        Ok(self.into_credentials()?.account)
    }
}

/// Accounts in the table `users`.
#[derive(Clone)]
pub struct PostgresAccounts {
    database: Database,
}

impl PostgresAccounts {
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn change_account(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<Account, ChangeAccountError> {
        let mut connection = self.database.connection().await?;
        connection
            .transaction::<_, Failure<ChangeAccountError>, _>(async |connection| {
                let before = users::table
                    .find(id.as_uuid())
                    .select(UserRow::as_select())
                    .for_no_key_update()
                    .first(connection)
                    .one("account.lock")
                    .await
                    .optional()?
                    .ok_or(Failure(ChangeAccountError::NotFound))?
                    .into_account()?;
                let role = change.role.unwrap_or(before.role);
                let disabled = change.disabled.unwrap_or(before.disabled);
                let actions = [
                    (role != before.role).then_some(AuditAction::RoleChanged),
                    (disabled && !before.disabled).then_some(AuditAction::AccountDisabled),
                    (!disabled && before.disabled).then_some(AuditAction::AccountEnabled),
                ];
                for action in actions.into_iter().flatten() {
                    let reason =
                        (action == AuditAction::RoleChanged).then(|| format!("from {} to {role}", before.role));
                    let reason = reason.and_then(|text| Reason::new(&text).ok());
                    let record = AuditRecord { actor: Some(by), action, target: id.to_string(), reason, at };
                    write_record(connection, &record).await?;
                }
                let row: UserRow = diesel::update(users::table.find(id.as_uuid()))
                    .set((users::role.eq(role.as_str()), users::disabled.eq(disabled)))
                    .returning(UserRow::as_returning())
                    .get_result(connection)
                    .one("account.change")
                    .await?;
                Ok(row.into_account()?)
            })
            .await
            .map_err(|failure| failure.0)
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
            .one("account.register")
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
            .one("account.appoint")
            .await
            .map_err(Unavailable::new)?
            .into_account()
    }

    async fn find_many(&self, ids: &[AccountId]) -> Result<Vec<Account>, Unavailable> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let mut connection = self.database.read_connection().await?;
        let rows = users::table
            .filter(users::id.eq_any(ids))
            .select(UserRow::as_select())
            .load(&mut *connection)
            .rows("account.find")
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
            .one("account.credentials")
            .await
            .optional()
            .map_err(Unavailable::new)?;
        Ok(row.map(UserRow::into_credentials).transpose()?)
    }

    async fn list(&self, query: AccountsQuery) -> Result<Page<Account>, Unavailable> {
        let mut select = users::table
            .filter(users::id.gt(query.after.map_or(Uuid::nil(), AccountId::as_uuid)))
            .order(users::id)
            .limit(i64::from(query.limit.get()) + 1)
            .select(UserRow::as_select())
            .into_boxed();
        if let Some(role) = query.role {
            select = select.filter(users::role.eq(role.as_str()));
        }
        if let Some(disabled) = query.disabled {
            select = select.filter(users::disabled.eq(disabled));
        }
        let mut connection = self.database.list_connection().await?;
        let rows = select.load(&mut *connection).rows("account.list").await.map_err(Unavailable::new)?;
        let accounts = rows.into_iter().map(UserRow::into_account).collect::<Result<_, _>>()?;
        Ok(Page::from_one_more(accounts, query.limit))
    }

    async fn change(
        &self,
        id: AccountId,
        change: AccountChange,
        by: AccountId,
        at: Timestamp,
    ) -> Result<Account, ChangeAccountError> {
        let own = self.clone();
        spawn_transaction(&self.database, async move { own.change_account(id, change, by, at).await }).await
    }

    async fn rename(&self, id: AccountId, name: PersonName) -> Result<Option<Account>, Unavailable> {
        let mut connection = self.database.connection().await?;
        let row = diesel::update(users::table.find(id.as_uuid()))
            .set(users::name.eq(name.as_str()))
            .returning(UserRow::as_returning())
            .get_result(&mut *connection)
            .one("account.rename")
            .await
            .optional()
            .map_err(Unavailable::new)?;
        row.map(UserRow::into_account).transpose()
    }

    async fn replace_hash(&self, id: AccountId, old: &PasswordHash, new: &PasswordHash) -> Result<bool, Unavailable> {
        let mut connection = self.database.connection().await?;
        let replaced = diesel::update(users::table)
            .filter(users::id.eq(id.as_uuid()).and(users::password_hash.eq(old.expose())))
            .set(users::password_hash.eq(new.expose()))
            .execute(&mut *connection)
            .changes("account.replace_hash")
            .await
            .map_err(Unavailable::new)?;
        Ok(replaced == 1)
    }
}
