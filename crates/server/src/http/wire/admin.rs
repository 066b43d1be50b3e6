use comanda_domain::{
    account::{Account, AccountChange},
    audit::AuditEntry,
    feature_flag::{FeatureFlag, Percentage},
    lockout::LockedAddress,
    text::Reason,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{WireInteger, WireTime};
use crate::http::{problem::Problem, validation::Violations};

/// A locked address. It need not have an account.
#[derive(Serialize, ToSchema)]
#[schema(as = Lockout)]
pub struct LockoutResponse {
    #[schema(format = Email)]
    email: String,
    /// Wrong passwords since everything was last forgotten.
    attempts: u32,
    /// 1 for the first lock, one more for each that follows.
    level: u32,
    #[schema(pattern = "^(too_many_failures|failed_again_after_lock)$", example = "too_many_failures")]
    reason: &'static str,
    first_failed_at: WireTime,
    locked_at: WireTime,
    unlock_at: WireTime,
}

impl From<LockedAddress> for LockoutResponse {
    fn from(LockedAddress { email, lock }: LockedAddress) -> Self {
        Self {
            email: email.as_str().to_owned(),
            attempts: lock.attempts,
            level: lock.level,
            reason: lock.reason().as_str(),
            first_failed_at: WireTime(lock.first_failed_at),
            locked_at: WireTime(lock.locked_at),
            unlock_at: WireTime(lock.unlock_at),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct LockoutPage {
    pub data: Vec<LockoutResponse>,
    /// Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnlockRequest {
    #[schema(
        pattern = r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        min_length = 1,
        max_length = 300,
        example = "called us"
    )]
    reason: String,
}

impl UnlockRequest {
    pub fn validate(self) -> Result<Reason, Problem> {
        let mut violations = Violations::default();
        let reason = violations.check("/reason", Reason::new(&self.reason));
        violations.finish(reason)
    }
}

/// An account as admins see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountResponse {
    id: Uuid,
    #[schema(format = Email)]
    email: String,
    name: String,
    #[schema(example = "customer", pattern = "^(customer|staff|admin)$")]
    role: &'static str,
    disabled: bool,
    created_at: WireTime,
}

impl From<Account> for AccountResponse {
    fn from(account: Account) -> Self {
        Self {
            id: account.id.as_uuid(),
            email: account.email.as_str().to_owned(),
            name: account.name.as_str().to_owned(),
            role: account.role.as_str(),
            disabled: account.disabled,
            created_at: WireTime(account.created_at),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct AccountPage {
    pub data: Vec<AccountResponse>,
    /// Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatchAccountRequest {
    #[schema(example = "staff", pattern = "^(customer|staff|admin)$")]
    role: Option<String>,
    disabled: Option<bool>,
}

impl PatchAccountRequest {
    pub fn validate(self) -> Result<AccountChange, Problem> {
        let mut violations = Violations::default();
        let role = self.role.and_then(|role| violations.read("/role", &role, "unknown-role"));
        violations.finish(Some(AccountChange { role, disabled: self.disabled }))
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetFlagRequest {
    #[schema(value_type = i64, minimum = 0, maximum = 100, example = 25)]
    percentage: WireInteger,
}

impl SetFlagRequest {
    pub fn validate(&self) -> Result<Percentage, Problem> {
        let mut violations = Violations::default();
        let percentage = violations.check("/percentage", Percentage::new(self.percentage.0));
        violations.finish(percentage)
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = FeatureFlag)]
pub struct FlagResponse {
    #[schema(example = "menu-cache.partial-invalidation")]
    name: &'static str,
    /// The share of subjects it is on for.
    #[schema(minimum = 0, maximum = 100)]
    percentage: u8,
}

impl FlagResponse {
    pub fn new(flag: FeatureFlag, percentage: Percentage) -> Self {
        Self { name: flag.as_str(), percentage: percentage.get() }
    }
}

/// Who did what to whom, when and why.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditEntryResponse {
    id: i64,
    /// Null: the server's operator, on the command line.
    #[schema(required)]
    actor_id: Option<Uuid>,
    #[schema(example = "account.unlocked")]
    action: &'static str,
    /// An id, or an e-mail address.
    target: String,
    #[schema(required)]
    reason: Option<String>,
    created_at: WireTime,
}

impl From<AuditEntry> for AuditEntryResponse {
    fn from(AuditEntry { id, record }: AuditEntry) -> Self {
        Self {
            id,
            actor_id: record.actor.map(comanda_domain::ids::AccountId::as_uuid),
            action: record.action.as_str(),
            target: record.target,
            reason: record.reason.map(|reason| reason.as_str().to_owned()),
            created_at: WireTime(record.at),
        }
    }
}

#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    pub data: Vec<AuditEntryResponse>,
    /// Null on the last page.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
