//! What Comanda does: one service per noun, one file per verb, written against the domain's ports alone.
//!
//! A service is a struct of the ports it needs; the composition root fills it.

pub mod accounts;
pub mod events;
mod idempotent_request;
pub mod kitchen;
pub mod live;
pub mod mails;
pub mod menu;
pub mod operations;
pub mod orders;
pub mod payments;
pub mod sales;
pub mod sessions;
mod setup;
pub mod supplies;

#[cfg(test)]
mod sample;

pub use accounts::Accounts;
pub use events::Events;
pub use idempotent_request::IdempotentRequest;
pub use kitchen::Kitchen;
pub use live::Live;
pub use mails::Mails;
pub use menu::Menu;
pub use operations::Operations;
pub use orders::Orders;
pub use payments::Payments;
pub use sales::Sales;
pub use sessions::Sessions;
pub use setup::Setup;
pub use supplies::Supplies;
