//! What the tables of menu items and of supplies have in common: a stock with a ledger, names, versions and revisions.

mod at_revision;
mod conditional_write;
mod ledger;
mod name_taken;
mod naming;

use comanda_domain::Stock;

pub(crate) use self::{
    at_revision::{Revised, at_revision},
    conditional_write::{ReadMode, Setback, write},
    ledger::{LedgerEntry, SupplyLedgerEntry},
    name_taken::is_name_taken,
    naming::{NAMES_OF_SUPPLIES, NAMES_ON_THE_MENU, STATIONS, take_turns},
};

/// How many rows are inserted by one statement, which has room for 65,535 values.
pub(crate) const ROWS_AT_A_TIME: usize = 1000;

/// A stock as its column: [`Stock::MAX`] fits many times over.
pub(crate) fn quantity(stock: Stock) -> i32 {
    i32::try_from(stock.get()).unwrap_or(i32::MAX)
}
