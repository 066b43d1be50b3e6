//! The kitchen: its stations, and the tickets that tell them what to make.
//!
//! Whoever changes a ticket locks its order first; so do those who accept orders and those who cancel them. So two
//! stations that finish at once make their order ready once.

mod stations;
mod tickets;

pub use self::{stations::PostgresStations, tickets::PostgresTickets};
pub(crate) use self::{
    stations::{Use, lock_for_use, station_exists},
    tickets::{current_tickets, prepare_to_write_tickets, settle_tickets, tickets_on, write_tickets},
};
