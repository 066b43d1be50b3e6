//! `/v1/orders`

mod advance;
mod cancel;
mod list;
mod order;
mod place;

pub use advance::{__path_advance, advance};
pub use cancel::{__path_cancel, cancel};
pub use list::{__path_list, list};
pub use order::{__path_order, order};
pub use place::{__path_place, place};

use comanda_domain::order_status::OrderStatus;

use super::problem::{Code, Problem};

/// Tells a client that this answer was given before.
pub(super) const REPLAYED: (&str, &str) = ("idempotency-replayed", "true");

pub(super) fn key_reused() -> Problem {
    Problem::new(Code::IdempotencyKeyReused, "The Idempotency-Key was sent before with another request.")
}

fn invalid_transition(from: OrderStatus, to: OrderStatus) -> Problem {
    Problem::new(Code::InvalidTransition, format!("An order that is {from} cannot become {to}."))
}
