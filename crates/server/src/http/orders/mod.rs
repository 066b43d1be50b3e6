//! `/v1/orders`

mod advance;
mod cancel;
mod find;
mod list;
mod place;
mod quote;
mod relations;
mod watch;

pub use self::{
    advance::{__path_advance, advance},
    cancel::{__path_cancel, cancel},
    find::{__path_find, find},
    list::{__path_list, list},
    place::{__path_place, place},
    quote::{__path_quote, quote},
    watch::{__path_watch, watch},
};

use comanda_domain::OrderStatus;

use super::problem::{Code, Problem};

fn invalid_transition(from: OrderStatus, to: OrderStatus) -> Problem {
    Problem::new(Code::InvalidTransition, format!("An order that is {from} cannot become {to}."))
}
