//! Keeping supplies.

mod add;
mod adjust;
mod archive;
mod edit;
mod export;
mod find;
mod import;
mod list;

use std::sync::Arc;

use comanda_domain::ports::{self, Clock, IdGenerator, SupplyList};

/// The supplies, for staff alone: customers only see whether what they can order is there. One file per verb.
pub struct Supplies {
    pub supplies: Arc<dyn ports::Supplies>,
    pub list: Arc<dyn SupplyList>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
