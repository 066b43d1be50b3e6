//! The ports that the operating system serves.

use chrono::SubsecRound;
use comanda_domain::{
    Timestamp,
    ports::{Clock, IdGenerator},
};
use uuid::Uuid;

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        chrono::Utc::now().trunc_subsecs(3)
    }
}

/// UUIDs of version 7: made later, sorted later, so that an index grows at its end.
pub struct UuidV7;

impl IdGenerator for UuidV7 {
    fn generate(&self) -> Uuid {
        Uuid::now_v7()
    }
}
