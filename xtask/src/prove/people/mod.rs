//! Who is at work.

mod admin;
mod board;
mod customer;
mod floater;
mod guesser;
mod importer;
mod kitchen;
mod reader;
mod staff;
mod thief;

pub use self::{
    admin::Admin,
    board::Board,
    customer::Customer,
    floater::Floater,
    guesser::Guesser,
    importer::{Importer, What},
    kitchen::Cook,
    reader::Reader,
    staff::Staff,
    thief::Thief,
};
