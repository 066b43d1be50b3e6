use comanda_domain::LockedAddress;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::wire::{WireTime, names};

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
    #[schema(value_type = names::LockReason)]
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
