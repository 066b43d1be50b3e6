use comanda_domain::Account;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{WireTime, names};

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserResponse {
    id: Uuid,
    #[schema(format = Email)]
    email: String,
    /// Whether a token that was mailed to the address has come back.
    email_verified: bool,
    name: String,
    #[schema(value_type = names::AccountRole)]
    role: &'static str,
    created_at: WireTime,
}

impl From<Account> for UserResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.as_uuid(),
            email: account.email.as_str().to_owned(),
            email_verified: account.email_verified,
            name: account.name.as_str().to_owned(),
            role: account.role.as_str(),
            created_at: WireTime(account.created_at),
        }
    }
}
