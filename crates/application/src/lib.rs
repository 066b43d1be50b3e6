//! What Comanda does, one file a use case, written against the domain's ports alone.

pub mod accounts;
pub mod admin;
pub mod events;
pub mod menu;
pub mod orders;
pub mod payments;
pub mod sales;

#[cfg(test)]
mod sample;
