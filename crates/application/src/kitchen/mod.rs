//! The kitchen: its stations and their tickets.

mod add_station;
mod archive_station;
mod change_ticket;
mod edit_station;
mod find_station;
mod list_stations;
mod list_tickets;

use std::sync::Arc;

use comanda_domain::ports::{Clock, IdGenerator, Stations, Tickets, WorkQueue};

/// The kitchen, for staff alone: customers see how far their orders are. One file per verb.
pub struct Kitchen {
    pub stations: Arc<dyn Stations>,
    pub tickets: Arc<dyn Tickets>,
    /// Whoever watches a ticket or its order is told of what has become of it.
    pub watchers: Arc<dyn WorkQueue>,
    pub ids: Arc<dyn IdGenerator>,
    pub clock: Arc<dyn Clock>,
}
