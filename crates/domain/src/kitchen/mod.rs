//! The kitchen: its stations, and the tickets that tell them what to make.
//!
//! A ticket is what one station makes of one order. Tickets are written when an order is accepted, and move it: see
//! [`TicketState`], [`change_ticket`] and [`AcceptOrders`].

mod acceptance;
mod routing;
mod station;
mod ticket;
mod ticket_state;

pub use acceptance::*;
pub use routing::*;
pub use station::*;
pub use ticket::*;
pub use ticket_state::*;
